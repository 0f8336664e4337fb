//! What is said of items once they were worked on.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::ledger::{Item, Stage};

/// An item as `--json` prints it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ItemReport {
    /// planned, sent, accepted, fetched, saved, missing, failed, cancelled, refused or dropped.
    state: &'static str,
    /// Its line in the plan, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<i64>,
    /// Its name in the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What is asked for, as `GenerateRequest` of the API without a key. A plan takes it as a line.
    request: Map<String, Value>,
    /// The key that it is asked for under.
    idempotency_key: String,
    /// 1, and one more for each `batch retry`.
    attempt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// The job's last state that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_state: Option<String>,
    /// What the service said that the job costs, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    /// Where the clip is.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The size of the clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
    /// The checksum of the clip, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The host whose disk has the clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    /// Why it is not further.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The service's name for the error in UPPER_SNAKE case. An open vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
}

impl ItemReport {
    pub(crate) fn of(item: &Item) -> Self {
        let is_saved = item.stage == Stage::Saved;
        let if_saved = |value: &Option<String>| value.clone().filter(|_| is_saved);
        Self {
            state: item.stage.as_str(),
            line: item.line,
            name: item.name.clone(),
            request: serde_json::from_str(&item.request).unwrap_or_default(),
            idempotency_key: item.key.clone(),
            attempt: item.attempt,
            job_id: item.job_id.clone(),
            job_state: item.job_state.clone(),
            cost_usd: item.cost_usd,
            path: if_saved(&item.path),
            bytes: item.bytes.filter(|_| is_saved),
            sha256: if_saved(&item.sha256),
            machine: if_saved(&item.machine),
            error: item.error.clone(),
            error_code: item.error_code.clone(),
        }
    }
}

/// What an item costs, as far as the service said. For a job that fails or is cancelled nothing is owed.
pub(crate) fn charge(item: &Item) -> Option<f64> {
    item.cost_usd.filter(|_| !matches!(item.stage, Stage::Failed | Stage::Cancelled | Stage::Refused))
}

/// What a batch came to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BatchReport {
    /// The name of the batch.
    batch: String,
    counts: Counts,
    /// What the service said that the jobs cost when it accepted them, in US dollars; without those that failed or were
    /// cancelled, whose price is given back.
    cost_usd: f64,
    /// In the order of the plan.
    items: Vec<ItemReport>,
}

/// How many items are at each stage.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Counts {
    /// All of them.
    pub(crate) items: usize,
    /// With a clip.
    pub(crate) saved: usize,
    /// Saved before, with a clip that is not there any more.
    pub(crate) missing: usize,
    /// Failed or refused.
    pub(crate) failed: usize,
    /// Cancelled, or dropped by its user.
    pub(crate) cancelled: usize,
    /// Begun and not at their end.
    pub(crate) under_way: usize,
    /// Not begun.
    pub(crate) planned: usize,
}

impl Counts {
    pub(crate) fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        items.into_iter().fold(Self::default(), |mut counts, item| {
            counts.items += 1;
            *match item.stage {
                Stage::Saved => &mut counts.saved,
                Stage::Missing => &mut counts.missing,
                Stage::Failed | Stage::Refused => &mut counts.failed,
                Stage::Cancelled | Stage::Dropped => &mut counts.cancelled,
                Stage::Planned => &mut counts.planned,
                Stage::Sent | Stage::Accepted | Stage::Fetched => &mut counts.under_way,
            } += 1;
            counts
        })
    }
}

impl BatchReport {
    pub(crate) fn of(batch: &str, items: &[Item]) -> Self {
        Self {
            batch: batch.to_owned(),
            counts: Counts::of(items),
            cost_usd: items.iter().filter_map(charge).fold(0.0, |sum, cost| sum + cost),
            items: items.iter().map(ItemReport::of).collect(),
        }
    }
}
