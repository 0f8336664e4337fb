//! Faults: rules that say when the sandbox misbehaves, and how.

mod action;
mod apply;
mod body;
mod file;

use std::sync::{Mutex, PoisonError};

pub use self::action::{Action, Length, RetryAfter, When};
pub(crate) use self::apply::{Lost, after, alter, before, status_after};
pub(crate) use self::body::ResetFlag;
pub use self::file::FaultError;
use crate::ids::Seed;
use crate::operation::Operation;

/// A rule: which calls it meets, and what becomes of them.
///
/// ```
/// use infrai_video_sandbox::{Action, Fault, Operation};
///
/// // The answer to the first `generate` is lost after the job was accepted and charged.
/// let fault = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
/// # let _ = fault;
/// ```
///
/// A rule without limits meets every call of its operation. Of several rules that match a call, the first one acts.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    operation: Option<Operation>,
    job: Option<JobMatch>,
    nth: Option<u64>,
    count: Option<u64>,
    probability: f64,
    action: Action,
}

#[derive(Clone, Debug, PartialEq)]
enum JobMatch {
    Number(u64),
    Id(String),
}

impl Fault {
    /// A rule for the calls of one operation.
    pub fn on(operation: Operation, action: Action) -> Self {
        Self { operation: Some(operation), ..Self::anywhere(action) }
    }

    /// A rule for every call, on both hosts.
    pub fn anywhere(action: Action) -> Self {
        Self { operation: None, job: None, nth: None, count: None, probability: 1.0, action }
    }

    /// Only the `n`th call that the rest of the rule matches, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.nth = Some(n);
        self
    }

    /// At most `count` times.
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Only with this probability, from 0 to 1. The seed decides, so that each run is the same.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Only calls whose path names the job with this id.
    pub fn for_job(mut self, id: impl Into<String>) -> Self {
        self.job = Some(JobMatch::Id(id.into()));
        self
    }

    /// Only calls whose path names the `n`th job that the sandbox accepted, counted from 1.
    pub fn for_nth_job(mut self, n: u64) -> Self {
        self.job = Some(JobMatch::Number(n));
        self
    }

    fn matches(&self, call: &FaultCall<'_>) -> bool {
        let operation = self.operation.is_none_or(|operation| call.operation == Some(operation));
        let job = match &self.job {
            None => true,
            Some(JobMatch::Id(id)) => call.job_id == Some(id.as_str()),
            Some(JobMatch::Number(number)) => call.job_number == Some(*number),
        };
        operation && job
    }
}

/// What a rule may look at.
pub(crate) struct FaultCall<'a> {
    pub(crate) operation: Option<Operation>,
    pub(crate) job_id: Option<&'a str>,
    pub(crate) job_number: Option<u64>,
}

/// The rules of a sandbox, and how often each has matched and acted.
pub(crate) struct Faults {
    seed: Seed,
    rules: Mutex<Vec<Rule>>,
}

struct Rule {
    fault: Fault,
    matched: u64,
    acted: u64,
}

impl Faults {
    pub(crate) fn new(seed: Seed, faults: Vec<Fault>) -> Self {
        Self { seed, rules: Mutex::new(unmet(faults)) }
    }

    /// Sets other rules in place of the ones there are.
    pub(crate) fn replace(&self, faults: Vec<Fault>) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = unmet(faults);
    }

    /// Starts counting anew.
    pub(crate) fn reset(&self) {
        for rule in self.rules.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            (rule.matched, rule.acted) = (0, 0);
        }
    }

    /// What is to become of a call. Every rule that matches counts it, the first that is due acts.
    pub(crate) fn meet(&self, call: &FaultCall<'_>) -> Option<Action> {
        let mut chosen = None;
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, rule) in rules.iter_mut().enumerate().filter(|(_, rule)| rule.fault.matches(call)) {
            rule.matched += 1;
            if chosen.is_none() && rule.is_due(self.seed, place) {
                rule.acted += 1;
                chosen = Some(rule.fault.action.clone());
            }
        }
        chosen
    }
}

fn unmet(faults: Vec<Fault>) -> Vec<Rule> {
    faults.into_iter().map(|fault| Rule { fault, matched: 0, acted: 0 }).collect()
}

impl Rule {
    fn is_due(&self, seed: Seed, place: usize) -> bool {
        self.fault.nth.is_none_or(|nth| self.matched == nth)
            && self.fault.count.is_none_or(|count| self.acted < count)
            && (self.fault.probability >= 1.0
                || seed.fraction(&format!("fault {place}"), self.matched) < self.fault.probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(faults: &Faults) -> bool {
        let call =
            FaultCall { operation: Some(Operation::Status), job_id: Some("vj_1"), job_number: Some(1) };
        faults.meet(&call).is_some()
    }

    fn rules(faults: impl IntoIterator<Item = Fault>) -> Faults {
        Faults::new(Seed(7), faults.into_iter().collect())
    }

    #[test]
    fn a_rule_acts_on_the_nth_call_alone() {
        let faults = rules([Fault::on(Operation::Status, Action::DropBefore).nth(2)]);
        assert_eq!([status(&faults), status(&faults), status(&faults)], [false, true, false]);
        faults.reset();
        assert_eq!([status(&faults), status(&faults)], [false, true]);
    }

    #[test]
    fn a_rule_stops_after_its_count_and_the_next_one_acts() {
        let faults = rules([
            Fault::anywhere(Action::DropBefore).times(1),
            Fault::on(Operation::Status, Action::hang()).times(1),
        ]);
        let call = FaultCall { operation: Some(Operation::Status), job_id: None, job_number: None };
        assert_eq!(faults.meet(&call), Some(Action::DropBefore));
        assert_eq!(faults.meet(&call), Some(Action::hang()));
        assert_eq!(faults.meet(&call), None);
    }

    #[test]
    fn a_rule_can_be_for_one_job() {
        assert!(status(&rules([Fault::anywhere(Action::DropBefore).for_job("vj_1")])));
        assert!(!status(&rules([Fault::anywhere(Action::DropBefore).for_job("vj_2")])));
        assert!(status(&rules([Fault::anywhere(Action::DropBefore).for_nth_job(1)])));
        assert!(!status(&rules([Fault::anywhere(Action::DropBefore).for_nth_job(2)])));
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
