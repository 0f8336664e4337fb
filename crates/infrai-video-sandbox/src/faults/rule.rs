//! A fault rule: which calls it matches, and what it does to them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{Action, fields};
use crate::model::keys::account_of;
use crate::model::operation::Operation;
use crate::store::JobIdentity;

/// A rule: which calls it matches, and what it does to them.
///
/// ```
/// use infrai_video_sandbox::{Action, Fault, Operation};
///
/// // The response to the first `generate` is lost after the job was accepted and charged.
/// let fault = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
/// # let _ = fault;
/// ```
///
/// A rule matches the calls of its operation and job, and acts on those that meet all its other conditions; a rule
/// without conditions acts on every call. If several rules are due for a call, the first one acts.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a rule does nothing until it is given to a sandbox"]
pub struct Fault(pub(super) Rule);

/// The fields of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) operation: Option<Operation>,
    #[serde(default, deserialize_with = "fields::account")]
    pub(super) account: Option<String>,
    pub(super) job: Option<JobMatch>,
    #[serde(default, deserialize_with = "fields::optional_ordinal")]
    pub(super) nth: Option<u64>,
    #[serde(default, deserialize_with = "fields::optional_ordinal")]
    pub(super) count: Option<u64>,
    #[serde(default = "fields::always", deserialize_with = "fields::probability")]
    pub(super) probability: f64,
    #[serde(default, rename = "from_seconds", with = "fields::optional_seconds")]
    pub(super) from: Option<Duration>,
    #[serde(default, rename = "until_seconds", with = "fields::optional_seconds")]
    pub(super) until: Option<Duration>,
    #[serde(default, rename = "sooner_than_seconds", with = "fields::optional_seconds")]
    pub(super) sooner_than: Option<Duration>,
    /// In a file, its fields are beside the other fields of the rule.
    pub(super) action: Action,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the id of a job, or n from 1 for the nth")]
pub(super) enum JobMatch {
    Number(#[serde(deserialize_with = "fields::ordinal")] u64),
    Id(String),
}

impl Fault {
    /// A rule for the calls of one operation.
    pub fn on(operation: Operation, action: Action) -> Self {
        let mut fault = Self::anywhere(action);
        fault.0.operation = Some(operation);
        fault
    }

    /// A rule for every call, on both hosts.
    pub fn anywhere(action: Action) -> Self {
        Self(Rule {
            operation: None,
            account: None,
            job: None,
            nth: None,
            count: None,
            probability: 1.0,
            from: None,
            until: None,
            sooner_than: None,
            action,
        })
    }

    /// Only calls whose path names the job with this id.
    pub fn for_job(mut self, id: impl Into<String>) -> Self {
        self.0.job = Some(JobMatch::Id(id.into()));
        self
    }

    /// Only calls of the account of this API key; on the file host, only links to its jobs. Other accounts do not notice the
    /// rule: tests that run side by side can each have rules for a key of their own.
    pub fn for_key(self, key: &str) -> Self {
        self.for_account(account_of(key))
    }

    /// Only calls of the account of this name, see [`Fault::for_key`].
    pub(crate) fn for_account(mut self, name: String) -> Self {
        self.0.account = Some(name);
        self
    }

    /// The account that the rule is for.
    pub(crate) fn account(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    /// Only calls whose path names the `n`th job that the sandbox accepted, counted from 1. In a rule for one account, its
    /// `n`th job.
    pub fn for_nth_job(mut self, n: u64) -> Self {
        self.0.job = Some(JobMatch::Number(n));
        self
    }

    /// Only the `n`th call that the rule matches, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.0.nth = Some(n);
        self
    }

    /// At most `count` times.
    pub fn times(mut self, count: u64) -> Self {
        self.0.count = Some(count);
        self
    }

    /// Only with this probability, from 0 to 1. The seed decides, so that each run is the same.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.0.probability = probability;
        self
    }

    /// Only calls that come at least this long after the first one of their account that the rule matches, on its clock.
    pub fn from(mut self, from: Duration) -> Self {
        self.0.from = Some(from);
        self
    }

    /// Only calls that come less than this long after the first one of their account that the rule matches, on its clock.
    pub fn until(mut self, until: Duration) -> Self {
        self.0.until = Some(until);
        self
    }

    /// Only a call that comes sooner than this after the previous one of its account that the rule matches, on its clock.
    /// Where calls name a job, each job counts alone.
    pub fn sooner_than(mut self, pause: Duration) -> Self {
        self.0.sooner_than = Some(pause);
        self
    }

    pub(super) fn matches(&self, call: &FaultCall<'_>) -> bool {
        let operation = self.0.operation.is_none_or(|operation| call.operation == Some(operation));
        let account = self.0.account.as_ref().is_none_or(|account| call.account == Some(account));
        let number = |job: &JobIdentity| match &self.0.account {
            None => Some(job.number),
            Some(account) => (job.account == *account).then_some(job.ordinal),
        };
        let job = match &self.0.job {
            None => true,
            Some(JobMatch::Id(id)) => call.job_id == Some(id.as_str()),
            Some(JobMatch::Number(n)) => call.job.and_then(number) == Some(*n),
        };
        operation && account && job
    }
}

impl Serialize for Fault {
    /// As a table with the names of the rule file, without fields that have their default value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = match serde_json::to_value(&self.0) {
            Ok(Value::Object(table)) => table,
            other => unreachable!("a struct of plain values is serialized as an object: {other:?}"),
        };
        if let Some(Value::Object(action)) = table.get_mut("action").map(Value::take) {
            table.extend(action.into_iter().flat_map(|(_, fields)| fields.as_object().cloned()).flatten());
        }
        table.insert("action".to_owned(), self.0.action.name().into());
        table.retain(|name, value| match value {
            Value::Null | Value::Bool(false) => false,
            value => name != "probability" || *value != fields::always(),
        });
        table.serialize(serializer)
    }
}

/// What the conditions of a rule apply to.
pub(crate) struct FaultCall<'a> {
    pub(crate) operation: Option<Operation>,
    pub(crate) account: Option<&'a str>,
    pub(crate) job_id: Option<&'a str>,
    /// The job of the id, if there is one.
    pub(crate) job: Option<&'a JobIdentity>,
    pub(crate) at: Timestamp,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_rule_does_not_say_is_not_shown() {
        let fault = Fault::on(Operation::Generate, Action::rate_limited(2));
        let shown = json!({"operation": "generate", "action": "status", "status": 429, "retry_after": 2});
        assert_eq!(json!(fault), shown);
    }
}
