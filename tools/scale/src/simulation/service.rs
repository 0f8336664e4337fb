//! The service: jobs, idempotency keys, credit, the rate limit, and outages.

use std::collections::HashMap;

use fastrand::Rng;

use super::queue::{Micros, SECOND};
use super::scenario::ServiceSettings;
use super::violations::Violations;

/// A page of the list.
pub(super) const PAGE: usize = 100;

/// A job is queued for this time, then it runs.
const QUEUED: Micros = 5 * SECOND;

/// The number of a job.
pub(super) type JobId = u32;

/// A request to the service.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    Generate { item: u32, key: u64 },
    Link,
}

/// What a process gets for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted(JobId),
    Link,
    /// 402.
    NoCredit,
    /// 422.
    Rejected,
    /// 429 with `Retry-After`.
    RateLimited(Micros),
    /// 503: the request may have been executed.
    Unavailable,
    /// No connection: the request was not sent.
    Refused,
    /// No response until the timeout.
    TimedOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobState {
    Queued,
    Running,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Job {
    item: u32,
    accepted_at: Micros,
    ends_at: Micros,
    fails: bool,
}

#[derive(Debug)]
struct KeyUse {
    job: JobId,
    item: u32,
    at: Micros,
}

/// Counts of the service.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ServiceCounts {
    /// Requests that arrived during no outage, by kind.
    pub(crate) generate: u64,
    pub(crate) status: u64,
    pub(crate) list: u64,
    pub(crate) link: u64,
    /// Responses 429 and 402.
    pub(crate) rate_limited: u64,
    pub(crate) no_credit: u64,
    /// Requests during an outage.
    pub(crate) during_outages: u64,
    /// Requests whose key was known: they got the job of the first one.
    pub(crate) replayed: u64,
    pub(crate) charges: u64,
    pub(crate) refunds: u64,
    /// Charges for items that had a job which was neither failed nor going to fail.
    pub(crate) double_charges: u64,
}

#[derive(Debug)]
pub(super) struct Service {
    settings: ServiceSettings,
    jobs: Vec<Job>,
    keys: HashMap<u64, KeyUse>,
    /// The last job of each item.
    job_of: Vec<Option<JobId>>,
    /// Charges that the account can still pay.
    pub(super) credit: u64,
    /// Tokens in millionths, at a time.
    tokens: u64,
    tokens_at: Micros,
    pub(super) outage_until: Micros,
    failed_job: u32,
    rejected_item: u32,
    pub(super) counts: ServiceCounts,
}

impl Service {
    pub(super) fn new(settings: ServiceSettings, items: u32, failed_job: u32, rejected_item: u32) -> Self {
        Self {
            tokens: settings.requests_per_second * SECOND,
            settings,
            jobs: Vec::new(),
            keys: HashMap::new(),
            job_of: vec![None; items as usize],
            credit: u64::MAX,
            tokens_at: 0,
            outage_until: 0,
            failed_job,
            rejected_item,
            counts: ServiceCounts::default(),
        }
    }

    /// What the service responds to a request that arrives.
    pub(super) fn respond(
        &mut self,
        call: Call,
        now: Micros,
        rng: &mut Rng,
        violations: &mut Violations,
    ) -> Outcome {
        if let Some(failure) = self.refuses(now, rng) {
            return failure;
        }
        match call {
            Call::Link => {
                self.counts.link += 1;
                Outcome::Link
            }
            Call::Generate { item, key } => self.generate(item, key, now, rng, violations),
        }
    }

    /// Whether it is down, or the rate limit is exceeded.
    fn refuses(&mut self, now: Micros, rng: &mut Rng) -> Option<Outcome> {
        if now < self.outage_until {
            self.counts.during_outages += 1;
            return Some(if rng.u32(..10) < 3 { Outcome::Unavailable } else { Outcome::Refused });
        }
        let rate = self.settings.requests_per_second;
        // The bucket holds the requests of one second.
        self.tokens = (self.tokens + now.saturating_sub(self.tokens_at) * rate).min(rate * SECOND);
        self.tokens_at = self.tokens_at.max(now);
        if self.tokens < SECOND {
            self.counts.rate_limited += 1;
            return Some(Outcome::RateLimited(SECOND));
        }
        self.tokens -= SECOND;
        None
    }

    fn generate(
        &mut self,
        item: u32,
        key: u64,
        now: Micros,
        rng: &mut Rng,
        violations: &mut Violations,
    ) -> Outcome {
        self.counts.generate += 1;
        if self.rejects(item) {
            return Outcome::Rejected;
        }
        let known = self.keys.get(&key).filter(|known| now - known.at < self.settings.key_lifetime);
        if let Some(known) = known {
            if known.item != item {
                violations.add("a key was used for two items", item);
            }
            self.counts.replayed += 1;
            return Outcome::Accepted(known.job);
        }
        if self.credit == 0 {
            self.counts.no_credit += 1;
            return Outcome::NoCredit;
        }
        self.credit -= 1;
        self.counts.charges += 1;
        if self.job_of[item as usize].is_some_and(|job| !self.is_refunded(job, now)) {
            self.counts.double_charges += 1;
            violations.add("an item was charged twice", item);
        }
        let id = JobId::try_from(self.jobs.len()).expect("there are fewer jobs than 4 billion");
        let fails = self.failed_job > 0 && rng.u32(..self.failed_job) == 0;
        // Most jobs are short: the cube of an even distribution.
        let share = rng.f64();
        let longest = (self.settings.longest_job - self.settings.shortest_job) as f64;
        let time = self.settings.shortest_job + (longest * share * share * share) as Micros;
        self.jobs.push(Job { item, accepted_at: now, ends_at: now + time, fails });
        self.job_of[item as usize] = Some(id);
        self.keys.insert(key, KeyUse { job: id, item, at: now });
        Outcome::Accepted(id)
    }

    /// Whether it rejects an item whenever it is sent.
    pub(super) fn rejects(&self, item: u32) -> bool {
        self.rejected_item > 0 && item % self.rejected_item == self.rejected_item / 2
    }

    /// The number of jobs.
    pub(super) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// Whether a page or a status can be read now. Counts the request.
    pub(super) fn poll(&mut self, is_list: bool, now: Micros, rng: &mut Rng) -> Result<(), Outcome> {
        match self.refuses(now, rng) {
            Some(failure) => Err(failure),
            None => {
                *(if is_list { &mut self.counts.list } else { &mut self.counts.status }) += 1;
                Ok(())
            }
        }
    }

    pub(super) fn state(&self, job: JobId, now: Micros) -> JobState {
        let job = &self.jobs[job as usize];
        match () {
            () if now >= job.ends_at && job.fails => JobState::Failed,
            () if now >= job.ends_at => JobState::Succeeded,
            () if now >= job.accepted_at + QUEUED => JobState::Running,
            () => JobState::Queued,
        }
    }

    pub(super) fn end(&self, job: JobId) -> Micros {
        self.jobs[job as usize].ends_at
    }

    fn is_refunded(&self, job: JobId, now: Micros) -> bool {
        self.state(job, now) == JobState::Failed
    }

    /// The charges of each item that were not refunded. Counts the refunds.
    pub(super) fn charges_by_item(&mut self) -> Vec<u32> {
        let mut charges = vec![0; self.job_of.len()];
        self.counts.refunds = 0;
        for job in &self.jobs {
            match job.fails {
                true => self.counts.refunds += 1,
                false => charges[job.item as usize] += 1,
            }
        }
        charges
    }
}
