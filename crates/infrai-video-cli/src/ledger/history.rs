//! What clips of a kind cost and how long they took, by the earlier jobs of the ledger.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use infrai_video::{JobState, Preference, Resolution};

use super::charges::Charge;
use super::{Ledger, LedgerError};
use crate::args::ClipRequest;
use crate::money::Usd;

/// Number of jobs that are read. Newer ones tell more about prices and waiting times.
const NEWEST: usize = 2000;

/// The fewest durations that tell what is usual.
const FEWEST_WAITS: usize = 3;

/// The share of the durations below the range of usual ones, and above it.
const UNUSUAL: f64 = 0.1;

/// The newest jobs of a service, newest first.
#[derive(Debug, Default)]
pub(crate) struct PastJobs(VecDeque<PastJob>);

#[derive(Debug)]
struct PastJob {
    kind: Kind,
    vendor: Option<String>,
    cost: Option<Usd>,
    /// From the submission until it had succeeded.
    wait: Option<Duration>,
}

/// What of a request determines its cost.
#[derive(Debug, PartialEq)]
struct Kind {
    size: Option<String>,
    seconds: Option<f64>,
    preference: Preference,
}

impl Kind {
    fn of(request: &ClipRequest) -> Self {
        Self { size: size(request), seconds: request.duration_seconds, preference: preference(request) }
    }
}

/// What is known about clips of a size and a length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Number of jobs that `cost` is known from.
    pub(crate) count: usize,
    /// The lowest and the highest cost.
    pub(crate) cost: Option<RangeInclusive<Usd>>,
    /// The same for each vendor that was named, by its name.
    pub(crate) by_vendor: BTreeMap<String, RangeInclusive<Usd>>,
    /// Whether the costs are those of other lengths, scaled by the second.
    pub(crate) is_scaled: bool,
}

impl Ledger {
    /// The newest jobs of a service.
    pub(crate) async fn past_jobs(&self, service: &str) -> Result<PastJobs, LedgerError> {
        let charges = self.charges(service, i64::MIN, NEWEST as i64).await?;
        Ok(PastJobs(charges.into_iter().filter_map(PastJob::of).collect()))
    }
}

impl PastJob {
    fn of(charge: Charge) -> Option<Self> {
        let has_succeeded = charge.job_state.as_deref() == Some(JobState::Succeeded.as_str());
        let wait = charge.finished_at.and_then(|at| u64::try_from(at - charge.submitted_at).ok());
        Some(Self {
            kind: Kind::of(&serde_json::from_str(&charge.request).ok()?),
            vendor: charge.vendor,
            cost: charge.cost,
            wait: wait.map(Duration::from_millis).filter(|_| has_succeeded),
        })
    }

    /// The cost, as it would be for another length.
    fn scaled_cost(&self, seconds: Option<f64>) -> Option<Usd> {
        self.cost?.scaled(self.kind.seconds?, seconds?)
    }
}

impl PastJobs {
    /// Adds a job that was just accepted.
    pub(crate) fn add(&mut self, request: &ClipRequest, cost: Usd) {
        self.0.push_front(PastJob { kind: Kind::of(request), vendor: None, cost: Some(cost), wait: None });
        // A run may have very many.
        self.0.truncate(NEWEST);
    }

    /// Whether a clip is longer or larger than each clip whose cost is known. If none is known, no clip is.
    pub(crate) fn is_larger_than_all(&self, request: &ClipRequest) -> bool {
        let clip = Kind::of(request);
        let mut known = self.0.iter().filter(|job| job.cost.is_some()).peekable();
        let covers = |job: &PastJob| {
            let is_as_long = job.kind.seconds >= clip.seconds;
            // The service chooses what a request does not name.
            let is_same = job.kind.seconds.is_some() == clip.seconds.is_some();
            is_same && is_as_long && is_as_large(&job.kind, &clip)
        };
        known.peek().is_some() && !known.any(covers)
    }

    /// What the newest job of the same vendor, size and length cost.
    pub(crate) fn cost_like(&self, charge: &Charge) -> Option<Usd> {
        let kind = Kind::of(&serde_json::from_str(&charge.request).ok()?);
        let is_alike = |job: &&PastJob| {
            job.vendor == charge.vendor && job.kind.size == kind.size && job.kind.seconds == kind.seconds
        };
        self.0.iter().filter(is_alike).find_map(|job| job.cost)
    }

    /// What is known about clips like that of a request. Costs are those of clips of the same size, preference and length; else of
    /// the same size and preference, scaled by the second. Another preference chooses other vendors with other prices.
    pub(crate) fn history(&self, request: &ClipRequest) -> History {
        let seconds = request.duration_seconds;
        let Similar { same_size, same_clip, .. } = &self.similar(request);
        let preference = preference(request);
        let of_vendor = |job: &PastJob, cost: Option<Usd>| Some((job.vendor.clone(), cost?));
        let mut costs: Vec<(Option<String>, Usd)> =
            same_clip.iter().filter_map(|job| of_vendor(job, job.cost)).collect();
        let is_scaled = costs.is_empty();
        if is_scaled {
            let preferred = same_size.iter().filter(|job| job.kind.preference == preference);
            costs = preferred.filter_map(|job| of_vendor(job, job.scaled_cost(seconds))).collect();
        }
        let mut by_vendor = BTreeMap::new();
        for (vendor, cost) in &costs {
            if let Some(vendor) = vendor {
                let range = by_vendor.entry(vendor.clone()).or_insert(*cost..=*cost);
                *range = *cost.min(range.start())..=*cost.max(range.end());
            }
        }
        History {
            count: costs.len(),
            is_scaled: is_scaled && !costs.is_empty(),
            cost: extent(costs.into_iter().map(|(_, cost)| cost)),
            by_vendor,
        }
    }

    /// How long jobs like that of a request usually take from the submission until they have succeeded: without the shortest tenth
    /// and the longest tenth. They are those of the same clips; else of the same size and length; else of the same size. `None` if
    /// fewer than three are known.
    pub(crate) fn wait(&self, request: &ClipRequest) -> Option<RangeInclusive<Duration>> {
        let Similar { same_size, same_length, same_clip } = &self.similar(request);
        let waits = |jobs: &Vec<&PastJob>| usual(jobs.iter().filter_map(|job| job.wait).collect());
        [same_clip, same_length, same_size].into_iter().find_map(waits)
    }

    fn similar(&self, request: &ClipRequest) -> Similar<'_> {
        let kind = Kind::of(request);
        let same_size: Vec<&PastJob> = self.0.iter().filter(|job| job.kind.size == kind.size).collect();
        let of_length = |job: &&PastJob| job.kind.seconds == kind.seconds;
        let same_length: Vec<&PastJob> = same_size.iter().copied().filter(of_length).collect();
        let is_preferred = |job: &&PastJob| job.kind.preference == kind.preference;
        let same_clip = same_length.iter().copied().filter(is_preferred).collect();
        Similar { same_size, same_length, same_clip }
    }
}

/// Jobs for clips of the same size, those of them with the same length, and those of them with the same preference.
struct Similar<'a> {
    same_size: Vec<&'a PastJob>,
    same_length: Vec<&'a PastJob>,
    same_clip: Vec<&'a PastJob>,
}

/// The size that a request names, as it is sent: `1080` and `1080P` are `1080p`.
fn size(request: &ClipRequest) -> Option<String> {
    let name = request.resolution.as_ref()?.trim();
    Some(match Resolution::from(format!("{name}p")) {
        Resolution::Unknown(_) => Resolution::from(name).as_str().to_ascii_lowercase(),
        known => known.to_string(),
    })
}

/// Whether a clip has at least as many lines as another one, as far as their sizes tell.
fn is_as_large(clip: &Kind, other: &Kind) -> bool {
    let (clip, other) = (&clip.size, &other.size);
    let lines = |size: &Option<String>| {
        let size = size.as_deref()?;
        let thousands = size.strip_suffix('k').and_then(|number| number.parse::<u32>().ok());
        thousands.map(|number| number.saturating_mul(540)).or_else(|| size.strip_suffix('p')?.parse().ok())
    };
    clip == other || lines(clip).zip(lines(other)).is_some_and(|(clip, other)| clip >= other)
}

/// The criterion by which the service chooses the vendor.
fn preference(request: &ClipRequest) -> Preference {
    request.prefer.unwrap_or(Preference::Balanced)
}

fn extent(costs: impl Iterator<Item = Usd> + Clone) -> Option<RangeInclusive<Usd>> {
    Some(costs.clone().min()?..=costs.max()?)
}

/// The range of usual durations.
fn usual(mut waits: Vec<Duration>) -> Option<RangeInclusive<Duration>> {
    if waits.len() < FEWEST_WAITS {
        return None;
    }
    waits.sort_unstable();
    let left_out = (waits.len() as f64 * UNUSUAL) as usize;
    let range = waits[left_out]..=waits[waits.len() - 1 - left_out];
    // Shorter waits are over before this can be read.
    (*range.end() >= Duration::from_secs(1)).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> ClipRequest {
        serde_json::from_str(&format!("{{\"prompt\": \"a city\"{json}}}")).unwrap()
    }

    fn job(json: &str, vendor: &str, cost: f64, wait: u64) -> PastJob {
        PastJob {
            kind: Kind::of(&request(json)),
            vendor: Some(vendor.to_owned()),
            cost: Usd::from_dollars(cost).filter(|cost| *cost > Usd::ZERO),
            wait: Some(Duration::from_secs(wait)).filter(|wait| !wait.is_zero()),
        }
    }

    fn past(jobs: impl IntoIterator<Item = PastJob>) -> PastJobs {
        PastJobs(jobs.into_iter().collect())
    }

    fn range(from: f64, to: f64) -> Option<RangeInclusive<Usd>> {
        Some(Usd::from_dollars(from)?..=Usd::from_dollars(to)?)
    }

    const HD: &str = ", \"resolution\": \"1080p\", \"duration_seconds\": 5";

    #[test]
    fn the_same_size_and_length_count_else_the_cost_is_scaled() {
        let best = format!("{HD}, \"prefer\": \"smartest\"");
        let past = past([
            job(HD, "a", 0.2, 0),
            job(HD, "b", 0.3, 0),
            job(HD, "b", 0.0, 0),
            job(&best, "c", 0.9, 0),
            job(", \"resolution\": \"1080P\", \"duration_seconds\": 10", "a", 0.5, 0),
            job(", \"resolution\": \"4k\", \"duration_seconds\": 5", "a", 7.0, 0),
        ]);
        let same = past.history(&request(HD));
        assert_eq!((same.count, same.cost, same.is_scaled), (2, range(0.2, 0.3), false));
        assert_eq!(same.by_vendor.get("b").cloned(), range(0.3, 0.3));
        assert_eq!(past.history(&request(&best)).cost, range(0.9, 0.9));
        let balanced = past.history(&request(&format!("{HD}, \"prefer\": \"balanced\"")));
        assert_eq!(balanced.cost, range(0.2, 0.3), "it is the default");
        let cheap = past.history(&request(&format!("{HD}, \"prefer\": \"cheapest\"")));
        assert_eq!((cheap.count, cheap.cost), (0, None), "other vendors have other prices");
        let longer = past.history(&request(", \"resolution\": \" 1080p\", \"duration_seconds\": 20"));
        assert_eq!((longer.count, longer.cost, longer.is_scaled), (3, range(0.8, 1.2), true));
        for same in ["1080", " 1080P "] {
            let same = format!(", \"resolution\": \"{same}\", \"duration_seconds\": 5");
            assert_eq!(past.history(&request(&same)).count, 2, "{same}");
        }
        for unknown in
            ["", ", \"resolution\": \"1080p\"", ", \"resolution\": \"720p\", \"duration_seconds\": 5"]
        {
            assert_eq!(past.history(&request(unknown)), History::default(), "{unknown}");
        }
    }

    #[test]
    fn a_clip_longer_or_larger_than_all_is_told() {
        let past = past([job(HD, "a", 0.2, 0), job(", \"resolution\": \"4k\"", "a", 0.0, 0)]);
        let is_larger = |size: &str, seconds: f64| {
            past.is_larger_than_all(&request(&format!(
                ", \"resolution\": \"{size}\", \"duration_seconds\": {seconds}"
            )))
        };
        for (size, seconds) in [("1080", 5.0), ("720p", 5.0), ("480P", 0.5)] {
            assert!(!is_larger(size, seconds), "{size} {seconds}");
        }
        for (size, seconds) in [("4k", 1.0), ("1440p", 5.0), ("720p", 5.5), ("huge", 1.0)] {
            assert!(is_larger(size, seconds), "{size} {seconds}");
        }
        assert!(past.is_larger_than_all(&request("")), "the service chooses");
        assert!(!PastJobs::default().is_larger_than_all(&request(HD)), "nothing is known");
    }

    #[test]
    fn a_usual_wait_needs_three_and_leaves_out_the_extremes() {
        let past = |waits: &[u64]| past(waits.iter().map(|wait| job(HD, "a", 0.2, *wait)));
        let usual = |waits: &[u64]| past(waits).wait(&request(HD));
        let seconds = |from, to| Some(Duration::from_secs(from)..=Duration::from_secs(to));
        assert_eq!(usual(&[10, 20]), None);
        assert_eq!(usual(&[10, 30, 20, 0]), seconds(10, 30));
        assert_eq!(usual(&[1, 50, 51, 52, 53, 54, 55, 56, 57, 900]), seconds(50, 57));
        let other_length = request(", \"resolution\": \"1080p\", \"duration_seconds\": 9");
        assert_eq!(past(&[10, 30, 20]).wait(&other_length), seconds(10, 30));
    }
}
