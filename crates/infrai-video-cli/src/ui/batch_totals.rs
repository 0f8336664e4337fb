//! The numbers of a batch: items by outcome, charges, and the remaining time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Item, Stage};
use crate::money::Usd;
use crate::text::{about, clean};

/// The end that is shown is kept while the expected one differs less than this, so that it does not jump.
const TOLERANCE: Duration = Duration::from_secs(5);
const TOLERANCE_SHARE: f64 = 0.2;

/// The state of a run.
#[derive(Default)]
pub(super) struct Totals {
    /// All items.
    pub(super) items: usize,
    saved: usize,
    failed: usize,
    cancelled: usize,
    /// Given up, and not finished.
    unfinished: usize,
    /// By the id of the item.
    running: HashMap<String, Running>,
    /// The charges of this run by the id of the job, without those of saved clips. `None` if the service did not report the cost.
    charges: HashMap<String, Option<Usd>>,
    /// The charges for saved clips, of which a run may have very many.
    saved_charges: Charges,
    /// How long the items that this run has begun took, by the id of the item, until their result is known.
    ended: HashMap<String, Duration>,
    /// The sum of these durations for saved items, and their number.
    own: (Duration, u32),
    paused: Option<String>,
    has_no_eta: bool,
    /// The end that is shown.
    end: Option<Instant>,
}

/// A number of charges.
#[derive(Default, Clone, Copy)]
struct Charges {
    /// The sum of those that are known.
    sum: Usd,
    known: usize,
    unknown: usize,
}

impl Charges {
    fn add(&mut self, cost: Option<Usd>) {
        match cost {
            Some(cost) => (self.sum, self.known) = (self.sum + cost, self.known + 1),
            None => self.unknown += 1,
        }
    }
}

struct Running {
    since: Instant,
    /// The middle of how long such jobs usually take.
    usual: Option<Duration>,
    /// The attempt that an earlier run has sent, if it has.
    sent_before: Option<i64>,
}

impl Totals {
    pub(super) fn new(items: usize, saved: usize) -> Self {
        Self { items, saved, ..Self::default() }
    }

    /// The remaining time depends on more than this run.
    pub(super) fn set_no_eta(&mut self) {
        self.has_no_eta = true;
    }

    pub(super) fn begin(&mut self, item: &Item, usual: Option<Duration>, now: Instant) {
        let sent_before = (item.stage != Stage::Planned).then_some(item.attempt);
        self.running.insert(item.id.clone(), Running { since: now, usual, sent_before });
    }

    /// Counts the charge of a job of this run.
    pub(super) fn update(&mut self, item: &Item) {
        let is_ours = self.running.get(&item.id).is_some_and(|one| one.sent_before != Some(item.attempt));
        if let Some(job_id) = item.job_id.as_ref().filter(|_| is_ours) {
            self.charges.insert(job_id.clone(), item.cost_usd.and_then(Usd::from_dollars));
        }
    }

    /// An item is no longer worked on.
    pub(super) fn end(&mut self, id: &str, now: Instant) {
        if let Some(running) = self.running.remove(id).filter(|running| running.sent_before.is_none()) {
            self.ended.insert(id.to_owned(), now - running.since);
        }
    }

    /// The outcome of an item. Jobs that failed or were cancelled are refunded.
    pub(super) fn finish(&mut self, item: &Item) {
        let took = self.ended.remove(&item.id);
        match item.stage {
            Stage::Saved => {
                self.saved += 1;
                if let Some(took) = took {
                    self.own = (self.own.0 + took, self.own.1 + 1);
                }
            }
            Stage::Failed | Stage::Refused => self.failed += 1,
            Stage::Cancelled | Stage::Dropped => self.cancelled += 1,
            _ => self.unfinished += 1,
        }
        let charge = match (item.stage, &item.job_id) {
            (Stage::Failed | Stage::Cancelled | Stage::Saved, Some(job_id)) => self.charges.remove(job_id),
            _ => None,
        };
        if let Some(cost) = charge.filter(|_| item.stage == Stage::Saved) {
            self.saved_charges.add(cost);
        }
    }

    pub(super) fn set_paused(&mut self, why: Option<&str>) {
        self.paused = why.map(|why| clean(why).into_owned());
        self.end = None;
    }

    /// The number of items with an outcome.
    pub(super) fn done(&self) -> usize {
        self.saved + self.failed + self.cancelled + self.unfinished
    }

    /// `1 saved, 1 failed, 3 running (of 5)`.
    pub(super) fn counts(&self) -> String {
        let optional = [
            (self.failed, "failed"),
            (self.cancelled, "cancelled"),
            (self.unfinished, "unfinished"),
            (self.running.len(), "running"),
        ];
        let mut text = format!("{} saved", self.saved);
        for (number, what) in optional.into_iter().filter(|(number, _)| *number > 0) {
            text.push_str(&format!(", {number} {what}"));
        }
        format!("{text} (of {})", self.items)
    }

    /// What this run was charged, and for how many jobs that is not known. `None` before the first charge.
    pub(super) fn money(&self) -> Option<String> {
        let mut all = self.saved_charges;
        self.charges.values().for_each(|cost| all.add(*cost));
        let Charges { sum, known, unknown } = all;
        match (known, unknown) {
            (0, 0) => None,
            (0, _) => Some("cost unknown".to_owned()),
            (_, 0) => Some(format!("{sum} USD")),
            (_, unknown) => Some(format!("{sum} USD and {unknown} of unknown cost")),
        }
    }

    pub(super) fn pause(&self) -> Option<String> {
        self.paused.as_ref().map(|why| format!("paused: {why}"))
    }

    /// `about 2 min left`. `None` while that is unknown.
    pub(super) fn left(&mut self, now: Instant) -> Option<String> {
        let Some(left) = self.expected(now) else {
            self.end = None;
            return None;
        };
        let expected = now + left;
        let tolerance = TOLERANCE.max(left.mul_f64(TOLERANCE_SHARE));
        let end = match self.end {
            Some(end) if end.max(expected) - end.min(expected) <= tolerance => end,
            _ => expected,
        };
        self.end = Some(end);
        about(end.saturating_duration_since(now)).map(|left| format!("{left} left"))
    }

    /// The remaining time, if the items to come take as long as those of this run, or as long as usual before the first one is
    /// saved. As many run at the same time as now.
    fn expected(&self, now: Instant) -> Option<Duration> {
        let running = u32::try_from(self.running.len()).ok().filter(|running| *running > 0)?;
        if self.has_no_eta || self.paused.is_some() {
            return None;
        }
        let own = self.own.0.checked_div(self.own.1);
        let usual: Vec<Duration> = self.running.values().filter_map(|running| running.usual).collect();
        let count = u32::try_from(usual.len()).ok()?;
        let typical = own.or_else(|| usual.iter().sum::<Duration>().checked_div(count))?;
        let rest = |one: &Running| typical.saturating_sub(now - one.since);
        let begun: Duration = self.running.values().map(rest).sum();
        let longest = self.running.values().map(rest).max()?;
        let to_begin = self.items.saturating_sub(self.done() + self.running.len());
        let work = begun.saturating_add(typical.saturating_mul(u32::try_from(to_begin).ok()?));
        Some((work / running).max(longest)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ClipRequest;
    use crate::ledger::Destination;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn item(id: &str) -> Item {
        let request: ClipRequest = serde_json::from_str(r#"{"prompt": "a city"}"#).unwrap();
        Item::planned("http://127.0.0.1:1", id, format!("key-{id}"), &request, Destination::Nowhere)
    }

    /// An item that was accepted at a cost.
    fn accepted(id: &str, cost: Option<f64>) -> Item {
        Item { stage: Stage::Accepted, job_id: Some(format!("vj_{id}")), cost_usd: cost, ..item(id) }
    }

    fn finished(totals: &mut Totals, item: Item, stage: Stage, now: Instant) {
        totals.end(&item.id, now);
        totals.finish(&Item { stage, ..item });
    }

    #[test]
    fn outcomes_and_charges_are_counted() {
        let (mut totals, now) = (Totals::new(7, 1), Instant::now());
        assert_eq!((totals.counts(), totals.money()), ("1 saved (of 7)".to_owned(), None));
        for id in ["a", "b", "c", "d"] {
            totals.begin(&item(id), None, now);
            totals.update(&item(id));
        }
        assert_eq!(totals.money(), None);
        totals.update(&accepted("a", Some(0.03)));
        totals.update(&accepted("b", Some(0.05)));
        // A later state of the same job is no other charge.
        totals.update(&accepted("b", Some(0.05)));
        assert_eq!(totals.money().unwrap(), "0.08 USD");
        totals.update(&accepted("c", None));
        assert_eq!(totals.money().unwrap(), "0.08 USD and 1 of unknown cost");
        finished(&mut totals, accepted("a", Some(0.03)), Stage::Saved, now);
        finished(&mut totals, accepted("b", Some(0.05)), Stage::Failed, now);
        finished(&mut totals, accepted("c", None), Stage::Cancelled, now);
        assert_eq!(totals.counts(), "2 saved, 1 failed, 1 cancelled, 1 running (of 7)");
        assert_eq!(totals.money().unwrap(), "0.03 USD", "failed and cancelled jobs are refunded");
        finished(&mut totals, item("d"), Stage::Sent, now);
        assert_eq!(totals.counts(), "2 saved, 1 failed, 1 cancelled, 1 unfinished (of 7)");
        assert_eq!(totals.done(), 5);
    }

    #[test]
    fn charges_of_an_earlier_run_do_not_count_but_new_attempts_do() {
        let (mut totals, now) = (Totals::new(1, 0), Instant::now());
        let before = accepted("a", Some(0.5));
        totals.begin(&before, None, now);
        totals.update(&before);
        assert_eq!(totals.money(), None);
        totals.update(&Item { attempt: 2, ..accepted("a", None) });
        assert_eq!(totals.money().unwrap(), "cost unknown");
    }

    #[test]
    fn the_remaining_time_is_shown_once_it_is_known() {
        let (mut totals, start) = (Totals::new(6, 0), Instant::now());
        assert_eq!(totals.left(start), None, "nothing runs");
        totals.begin(&item("a"), None, start);
        totals.begin(&item("b"), None, start);
        assert_eq!(totals.left(start + s(5)), None, "there is no history");
        finished(&mut totals, accepted("a", None), Stage::Saved, start + s(60));
        totals.begin(&item("c"), None, start + s(60));
        // One is due, one has a minute left, and three are to begin, two at a time.
        assert_eq!(totals.left(start + s(60)).unwrap(), "about 2 min left");
        totals.set_paused(Some("no credit"));
        assert_eq!(totals.left(start + s(61)), None);
        assert_eq!(totals.pause().unwrap(), "paused: no credit");
        totals.set_paused(None);
        assert!(totals.left(start + s(61)).is_some());
        totals.set_no_eta();
        assert_eq!(totals.left(start + s(61)), None);
    }

    #[test]
    fn the_remaining_time_counts_down_steadily_and_is_never_negative() {
        let (mut totals, start) = (Totals::new(4, 0), Instant::now());
        totals.begin(&item("a"), Some(s(100)), start);
        totals.begin(&item("b"), Some(s(140)), start);
        let left: Vec<Option<String>> = (0..400).map(|second| totals.left(start + s(second))).collect();
        let known: Vec<&String> = left.iter().flatten().collect();
        assert_eq!(known[0], "about 4 min left");
        // Each text follows the one before: the time never goes up while nothing else happens.
        let mut texts: Vec<&String> = known.clone();
        texts.dedup();
        let mut unique = texts.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), texts.len(), "{texts:?}");
        assert!(known.iter().all(|text| !text.contains('-')), "{texts:?}");
    }
}
