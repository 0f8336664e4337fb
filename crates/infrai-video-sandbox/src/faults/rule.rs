//! A fault rule: which calls it meets, and what becomes of them.

use std::time::Duration;

use jiff::Timestamp;

use super::Action;
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
/// A rule matches the calls of its operation and job, and acts on those of them that fulfil all its other conditions;
/// one without conditions acts on every call. Of several rules that are to act on a call, the first one does.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(super) operation: Option<Operation>,
    pub(super) job: Option<JobMatch>,
    pub(super) nth: Option<u64>,
    pub(super) count: Option<u64>,
    pub(super) probability: f64,
    pub(super) from: Option<Duration>,
    pub(super) until: Option<Duration>,
    pub(super) sooner_than: Option<Duration>,
    pub(super) action: Action,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum JobMatch {
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
        Self {
            operation: None,
            job: None,
            nth: None,
            count: None,
            probability: 1.0,
            from: None,
            until: None,
            sooner_than: None,
            action,
        }
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

    /// Only the `n`th call that the rule matches, counted from 1.
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

    /// Only calls that come at least this long after the first one that the rule matches, on the sandbox's clock.
    pub fn from(mut self, from: Duration) -> Self {
        self.from = Some(from);
        self
    }

    /// Only calls that come less than this long after the first one that the rule matches, on the sandbox's clock.
    pub fn until(mut self, until: Duration) -> Self {
        self.until = Some(until);
        self
    }

    /// Only a call that comes sooner than this after the one before it that the rule matches, on the sandbox's clock.
    /// Where calls name a job, each job counts alone.
    pub fn sooner_than(mut self, pause: Duration) -> Self {
        self.sooner_than = Some(pause);
        self
    }

    pub(super) fn matches(&self, call: &FaultCall<'_>) -> bool {
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
    pub(crate) at: Timestamp,
}
