//! The types of this command that `--json` prints.

use infrai_video::IdempotencyKey;
use infrai_video::types::VideoJob;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::ledger::{Item, KnownJob, Stage};
use crate::text::rfc3339;

/// A job and its clip.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GenerateReport<'a> {
    pub(crate) job: &'a VideoJob,
    /// The path of the clip. Left out if it was not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// The size of the clip. Left out if it was not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// The SHA-256 of the clip in hexadecimal. Left out if it was not saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<&'a str>,
    /// The idempotency key of the request.
    #[schemars(with = "String")]
    pub(crate) idempotency_key: &'a IdempotencyKey,
    /// What was charged, in US dollars; null if the service did not report it.
    pub(crate) cost_usd: Option<f64>,
}

/// A clip that was saved.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DownloadReport<'a> {
    pub(crate) job_id: &'a str,
    /// The path of the clip.
    pub(crate) path: String,
    /// The size of the clip.
    pub(crate) bytes: u64,
    /// The SHA-256 of the clip in hexadecimal.
    pub(crate) sha256: &'a str,
}

/// The configuration in use.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConfigReport {
    /// The path of the file; null if there is none.
    pub(crate) file: Option<String>,
    /// The name of the profile; null if there is none.
    pub(crate) profile: Option<String>,
    pub(crate) values: Vec<ConfigValue>,
}

/// A value in use.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConfigValue {
    /// The name of the setting.
    pub(crate) name: &'static str,
    /// Null if it is not set. The API key is never shown.
    pub(crate) value: Option<String>,
    /// Where it comes from: an option, an environment variable, FILE:LINE, or `default`.
    pub(crate) source: String,
}

/// Where the configuration is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConfigPath {
    pub(crate) path: String,
    /// Whether the file exists.
    pub(crate) exists: bool,
}

/// A page of jobs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListPage<'a> {
    pub(crate) items: Vec<JobReport<'a, VideoJob>>,
    /// The cursor of the next page. Left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<&'a str>,
}

/// A job as the service reports it, and what the ledger knows of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}WithLedger")]
pub(crate) struct JobReport<'a, T> {
    #[serde(flatten)]
    pub(crate) job: &'a T,
    /// The newest item of the ledger with this job. Left out if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ledger: Option<KnownJobReport>,
}

/// The newest item of the ledger with a job.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KnownJobReport {
    #[serde(flatten)]
    item: ItemReport,
    /// When the request was accepted: RFC 3339 in UTC.
    submitted_at: String,
}

impl<'a, T> JobReport<'a, T> {
    pub(crate) fn new(job: &'a T, known: Option<&KnownJob>) -> Self {
        let report = |known: &KnownJob| KnownJobReport {
            item: ItemReport::of(&known.item),
            submitted_at: rfc3339(known.submitted_at),
        };
        Self { job, ledger: known.map(report) }
    }
}

/// A sandbox that listens.
#[cfg(feature = "sandbox")]
#[derive(Serialize, JsonSchema)]
pub(crate) struct Listening<'a> {
    /// The base URL of the API.
    pub(crate) base_url: &'a str,
    /// The base URL of the links to clips.
    pub(crate) file_base_url: &'a str,
}

/// An item of the ledger.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ItemReport {
    /// planned, sent, accepted, fetched, saved, missing, failed, cancelled, refused or dropped.
    state: &'static str,
    /// When it was recorded, before its request was sent: RFC 3339 in UTC. Left out if it is not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// The batch that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    /// The line in the plan, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<i64>,
    /// The name in the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The request, as `GenerateRequest` of the API without a key. It can be a line of a plan.
    request: Map<String, Value>,
    /// The idempotency key of the request.
    idempotency_key: String,
    /// 1 for the first request, and one more for each retry under a new key.
    attempt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// The last known state of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_state: Option<String>,
    /// The cost of the job in US dollars, as the service reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    /// The path of the clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The size of the clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
    /// The SHA-256 of the clip in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The host whose disk has the clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    /// Why it is not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The error code of the service in UPPER_SNAKE case. An open vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
}

impl ItemReport {
    pub(crate) fn of(item: &Item) -> Self {
        let is_saved = item.stage == Stage::Saved;
        let if_saved = |value: &Option<String>| value.clone().filter(|_| is_saved);
        Self {
            state: item.stage.as_str(),
            created_at: (item.created_at > 0).then(|| rfc3339(item.created_at)),
            batch: item.batch.clone(),
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

/// What an item costs, as far as the service reported it. Jobs that fail or are cancelled are refunded.
pub(crate) fn billed_cost(stage: Stage, cost_usd: Option<f64>) -> Option<f64> {
    cost_usd.filter(|_| !matches!(stage, Stage::Failed | Stage::Cancelled | Stage::Refused))
}

/// The result of a batch.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BatchReport {
    /// The name of the batch.
    batch: String,
    counts: Counts,
    /// The cost of the jobs in US dollars, as the service reported it; without jobs that failed or were cancelled, which are
    /// refunded.
    cost_usd: f64,
    /// In the order of the plan.
    items: Vec<ItemReport>,
}

/// The number of items at each stage.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Counts {
    /// All items.
    pub(crate) items: usize,
    /// With a clip.
    pub(crate) saved: usize,
    /// Saved before, with a clip that no longer exists.
    pub(crate) missing: usize,
    /// Failed or rejected.
    pub(crate) failed: usize,
    /// Cancelled, or dropped by its user.
    pub(crate) cancelled: usize,
    /// Started and not finished.
    pub(crate) in_progress: usize,
    /// Not started.
    pub(crate) planned: usize,
}

impl Counts {
    /// Counts an item.
    pub(crate) fn add(&mut self, stage: Stage) {
        self.items += 1;
        *match stage {
            Stage::Saved => &mut self.saved,
            Stage::Missing => &mut self.missing,
            Stage::Failed | Stage::Refused => &mut self.failed,
            Stage::Cancelled | Stage::Dropped => &mut self.cancelled,
            Stage::Planned => &mut self.planned,
            Stage::Sent | Stage::Accepted | Stage::Fetched => &mut self.in_progress,
        } += 1;
    }
}

impl BatchReport {
    /// The report without its items.
    pub(crate) fn new(batch: &str, counts: Counts, cost_usd: f64) -> Self {
        Self { batch: batch.to_owned(), counts, cost_usd, items: Vec::new() }
    }
}

/// An item with what `resume` would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResumeStep {
    /// What `resume` would do, in words.
    pub(crate) to_do: String,
    #[serde(flatten)]
    pub(crate) item: ItemReport,
}

/// What was charged at a service, by the ledger. Amounts are US dollars.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageReport {
    /// The base URL of the API.
    pub(crate) service: String,
    /// The time of the first request that counts, in RFC 3339. Left out if all count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    /// In alphabetical order of their names.
    pub(crate) groups: Vec<UsageGroup>,
    pub(crate) total: ChargeSums,
    /// Number of requests whose responses are not known. They may be charged, and are not in the sums.
    pub(crate) requests_without_response: usize,
}

/// The charges of a day, a state or a vendor.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageGroup {
    /// The day in UTC, the last known state of the jobs, or the vendor; `unknown` if it is not known.
    pub(crate) group: String,
    #[serde(flatten)]
    pub(crate) sums: ChargeSums,
}

/// Sums of charges.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChargeSums {
    /// Number of jobs.
    pub(crate) jobs: usize,
    /// What the service reported as their cost.
    pub(crate) charged_usd: f64,
    /// The part of it that is for failed and cancelled jobs, for which refunds are expected. The ledger cannot confirm them.
    pub(crate) expected_refunds_usd: f64,
    /// What was charged less the expected refunds.
    pub(crate) net_usd: f64,
    /// Number of jobs whose cost the service did not report. It is not in the sums.
    pub(crate) unreported_jobs: usize,
    /// What those of them cost that are not to be refunded, as far as jobs of the same vendor, size and length tell.
    pub(crate) unreported_estimate_usd: f64,
    /// Number of jobs that were deleted before they were seen to be final. Whether they were refunded is not known.
    pub(crate) deleted_jobs: usize,
}
