//! Fault rules: when the sandbox misbehaves, and how.

mod action;
pub(crate) mod body;
mod fields;
mod file;
mod in_flight;
mod rule;
pub(crate) mod scenario;
#[cfg(test)]
mod schema;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;

pub use self::action::{Action, Length, RetryAfter, When};
pub(crate) use self::body::ResetFlag;
pub(crate) use self::fields::seconds;
use self::in_flight::InFlight;
pub(crate) use self::in_flight::Repetition;
pub use self::rule::Fault;
pub(crate) use self::rule::FaultCall;
use crate::model::ids::Seed;
use crate::model::time::later;

/// A rule of a running sandbox.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FaultRecord {
    /// The rule. In JSON its fields are on the same level as the counts, with their names in TOML.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many calls it has matched.
    pub matched: u64,
    /// How many of them it has acted on.
    pub acted: u64,
}

impl FaultRecord {
    /// Whether the rule has acted as often as it may.
    pub(crate) fn is_spent(&self) -> bool {
        self.fault.0.count.is_some_and(|count| self.acted >= count)
    }
}

/// The rules of a sandbox, and how often each has matched and acted.
pub(crate) struct Faults {
    seed: Seed,
    rules: Mutex<Vec<ActiveRule>>,
    in_flight: InFlight,
}

struct ActiveRule {
    fault: Fault,
    matched: u64,
    acted: u64,
    /// The calls of each account: accounts have clocks of their own. `None` has the calls without an account.
    calls: HashMap<Option<String>, Calls>,
}

/// When the calls came that a rule matched, on the clock of their account.
#[derive(Default)]
struct Calls {
    first: Option<Timestamp>,
    /// The latest call per job (or without a job), if the rule has `sooner_than`.
    latest: HashMap<String, Timestamp>,
}

impl Faults {
    pub(crate) fn new(seed: Seed, faults: Vec<Fault>) -> Self {
        Self { seed, rules: Mutex::new(fresh(faults)), in_flight: InFlight::default() }
    }

    /// Replaces the rules, and ends the effects of the old ones.
    pub(crate) fn replace(&self, faults: Vec<Fault>) {
        self.in_flight.clear();
        *self.rules() = fresh(faults);
    }

    /// Replaces the rules of an account, and ends the effects of the old ones.
    pub(crate) fn replace_of(&self, account: &str, faults: Vec<Fault>) {
        self.in_flight.clear_account(account);
        let mut rules = self.rules();
        rules.retain(|rule| rule.fault.account() != Some(account));
        rules.extend(fresh(faults));
    }

    /// Appends rules.
    pub(crate) fn add(&self, faults: Vec<Fault>) {
        self.rules().extend(fresh(faults));
    }

    /// Removes every rule that equals one of these.
    pub(crate) fn remove(&self, faults: &[Fault]) {
        self.rules().retain(|rule| !faults.contains(&rule.fault));
    }

    /// Resets the counts.
    pub(crate) fn reset(&self) {
        self.in_flight.clear();
        let mut rules = self.rules();
        *rules = fresh(rules.drain(..).map(|rule| rule.fault).collect());
    }

    /// Resets the counts of the rules of an account, and the times of its calls in all rules.
    pub(crate) fn reset_account(&self, account: &str) {
        self.in_flight.clear_account(account);
        for rule in self.rules().iter_mut() {
            if rule.fault.account() == Some(account) {
                *rule = ActiveRule::new(rule.fault.clone());
            }
            rule.calls.remove(&Some(account.to_owned()));
        }
    }

    /// The rules that are limited to an account, or all rules.
    pub(crate) fn records(&self, account: Option<&str>) -> Vec<FaultRecord> {
        let record = |rule: &ActiveRule| FaultRecord {
            fault: rule.fault.clone(),
            matched: rule.matched,
            acted: rule.acted,
        };
        let rules = self.rules();
        let wanted = |rule: &&ActiveRule| account.is_none() || rule.fault.account() == account;
        rules.iter().filter(wanted).map(record).collect()
    }

    /// Selects the action for a call. Every matching rule counts it; the first due rule acts.
    pub(crate) fn select(&self, call: &FaultCall<'_>) -> Option<Action> {
        let mut chosen = None;
        let mut rules = self.rules();
        // The place of a rule decides its chance. It does not depend on the rules of other accounts.
        let (mut for_all, mut for_account) = (0, 0);
        for rule in rules.iter_mut() {
            let (scope, place) = match rule.fault.account() {
                None => ("fault", &mut for_all),
                account if account == call.account => ("fault of the account", &mut for_account),
                Some(_) => continue,
            };
            let label = format!("{scope} {place}");
            *place += 1;
            if !rule.fault.matches(call) {
                continue;
            }
            let times = rule.count(call);
            if chosen.is_none() && rule.is_due(self.seed, &label, &times) {
                rule.acted += 1;
                chosen = Some(rule.fault.0.action.clone());
            }
        }
        chosen
    }

    /// Whether a call with these headers retries one that is still in progress. No rule applies to such a call.
    pub(crate) fn repetition(&self, headers: &HeaderMap, at: Timestamp) -> Option<Repetition> {
        self.in_flight.find(headers, at)
    }

    /// Marks the request with these headers as in progress for `lasts`.
    pub(crate) fn begin(
        &self,
        headers: &HeaderMap,
        at: Timestamp,
        lasts: Duration,
        retry_after: Option<RetryAfter>,
    ) {
        self.in_flight.begin(headers, at, lasts, retry_after);
    }

    fn rules(&self) -> MutexGuard<'_, Vec<ActiveRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh(faults: Vec<Fault>) -> Vec<ActiveRule> {
    faults.into_iter().map(ActiveRule::new).collect()
}

impl ActiveRule {
    fn new(fault: Fault) -> Self {
        Self { fault, matched: 0, acted: 0, calls: HashMap::new() }
    }

    /// Counts a matching call. Returns its times relative to earlier calls of the account.
    fn count(&mut self, call: &FaultCall<'_>) -> CallTimes {
        self.matched += 1;
        let calls = self.calls.entry(call.account.map(str::to_owned)).or_default();
        let first = *calls.first.get_or_insert(call.at);
        let previous = self
            .fault
            .0
            .sooner_than
            .and_then(|_| calls.latest.insert(call.job_id.unwrap_or_default().to_owned(), call.at));
        // The clock may have moved backwards.
        let pause =
            previous.map(|previous| call.at.duration_since(previous).try_into().unwrap_or(Duration::ZERO));
        CallTimes { at: call.at, first, pause }
    }

    /// `label` distinguishes the rule from others with a probability.
    fn is_due(&self, seed: Seed, label: &str, times: &CallTimes) -> bool {
        let CallTimes { at, first, pause } = *times;
        self.fault.0.nth.is_none_or(|nth| self.matched == nth)
            && self.fault.0.count.is_none_or(|count| self.acted < count)
            && self.fault.0.from.is_none_or(|from| at >= later(first, from))
            && self.fault.0.until.is_none_or(|until| at < later(first, until))
            && self.fault.0.sooner_than.is_none_or(|least| pause.is_some_and(|pause| pause < least))
            && (self.fault.0.probability >= 1.0
                || seed.fraction(label, self.matched) < self.fault.0.probability)
    }
}

/// The times of a call and of earlier ones that a rule matched, all of one account.
struct CallTimes {
    at: Timestamp,
    first: Timestamp,
    /// The time since the previous call for the same job, if the rule has `sooner_than`.
    pause: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation::Operation;
    use crate::store::JobIdentity;

    fn polled(job_id: &'static str, at_millis: i64) -> FaultCall<'static> {
        let at = Timestamp::from_millisecond(at_millis).expect("in range");
        FaultCall { operation: Some(Operation::Status), account: None, job_id: Some(job_id), job: None, at }
    }

    fn status(faults: &Faults) -> bool {
        let job = JobIdentity { account: "acct_1".to_owned(), number: 1, ordinal: 1 };
        faults.select(&FaultCall { job: Some(&job), ..polled("vj_1", 0) }).is_some()
    }

    fn rules(faults: impl IntoIterator<Item = Fault>) -> Faults {
        Faults::new(Seed(7), faults.into_iter().collect())
    }

    #[test]
    fn a_rule_acts_on_the_nth_call_alone() {
        let faults = rules([Fault::on(Operation::Status, Action::DropBefore).nth(2)]);
        assert_eq!([status(&faults), status(&faults), status(&faults)], [false, true, false]);
        let record = &faults.records(None)[0];
        assert_eq!((record.matched, record.acted), (3, 1));
        faults.reset();
        assert_eq!([status(&faults), status(&faults)], [false, true]);
    }

    #[test]
    fn a_rule_stops_after_its_count_and_the_next_one_acts() {
        let faults = rules([
            Fault::anywhere(Action::DropBefore).times(1),
            Fault::on(Operation::Status, Action::hang()).times(1),
        ]);
        let call = polled("vj_1", 0);
        assert_eq!(faults.select(&call), Some(Action::DropBefore));
        assert_eq!(faults.select(&call), Some(Action::hang()));
        assert_eq!(faults.select(&call), None);
    }

    #[test]
    fn a_rule_can_be_for_one_job() {
        assert!(status(&rules([Fault::anywhere(Action::DropBefore).for_job("vj_1")])));
        assert!(!status(&rules([Fault::anywhere(Action::DropBefore).for_job("vj_2")])));
        assert!(status(&rules([Fault::anywhere(Action::DropBefore).for_nth_job(1)])));
        assert!(!status(&rules([Fault::anywhere(Action::DropBefore).for_nth_job(2)])));
    }

    #[test]
    fn a_rule_can_act_in_a_window_that_the_first_call_opens() {
        let window = |rule: Fault| rule.from(Duration::from_secs(2)).until(Duration::from_secs(4));
        let faults = rules([window(Fault::anywhere(Action::DropBefore))]);
        let acted =
            [10_000, 11_999, 12_000, 13_999, 14_000].map(|at| faults.select(&polled("vj_1", at)).is_some());
        assert_eq!(acted, [false, false, true, true, false]);
    }

    #[test]
    fn a_rule_can_act_on_calls_that_come_too_soon_after_another() {
        let hasty = Fault::on(Operation::Status, Action::DropBefore).sooner_than(Duration::from_millis(500));
        let faults = rules([hasty]);
        let acted = [("a", 0), ("b", 100), ("a", 499), ("a", 999), ("b", 600), ("b", 700)]
            .map(|(job, at)| faults.select(&polled(job, at)).is_some());
        assert_eq!(acted, [false, false, true, false, false, true]);
    }

    #[test]
    fn chance_follows_the_seed() {
        let run = |seed| {
            let rule = Fault::on(Operation::Status, Action::DropBefore).with_probability(0.3);
            let faults = Faults::new(Seed(seed), vec![rule]);
            (0..200).map(|_| status(&faults)).collect::<Vec<_>>()
        };
        let first = run(7);
        assert_eq!(first, run(7));
        assert_ne!(first, run(8));
        assert!((30..90).contains(&first.iter().filter(|acted| **acted).count()));
    }
}
