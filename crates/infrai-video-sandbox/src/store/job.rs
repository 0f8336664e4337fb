//! Jobs. The state of a job is not stored: it follows from its schedule and the time.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::model::money::Usd;
use crate::model::order::Order;
use crate::model::time::{as_rfc3339, system_time};

/// The states of a job, as the contract names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Accepted, and not started yet.
    Queued,
    /// In progress.
    Running,
    /// Finished, with a clip.
    Succeeded,
    /// Finished, without a clip. The charge was refunded.
    Failed,
    /// Cancelled by its owner. The charge was refunded.
    Cancelled,
}

impl JobState {
    /// The name of the state in responses.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the job has finished.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a job fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Counts up from 1 over all accounts: the order of `list`.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) account: String,
    /// The id of the request that created it.
    pub(crate) request_id: String,
    pub(crate) order: Order,
    pub(crate) vendor: String,
    pub(crate) model: String,
    pub(crate) cost: Usd,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) starts: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) failure: Option<Failure>,
    pub(crate) cancelled: Option<Timestamp>,
    /// When the clip is deleted.
    pub(crate) expires: Timestamp,
    /// Set if the retention is extended after the clip was deleted: the clip is not restored.
    pub(crate) gone: bool,
}

impl Job {
    pub(crate) fn state(&self, now: Timestamp) -> JobState {
        if self.cancelled.is_some() {
            JobState::Cancelled
        } else if now < self.starts {
            JobState::Queued
        } else if now < self.ends {
            JobState::Running
        } else if self.failure.is_some() {
            JobState::Failed
        } else {
            JobState::Succeeded
        }
    }

    /// When the job finished, if it has.
    pub(crate) fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        self.cancelled.or_else(|| Some(self.ends).filter(|ends| *ends <= now))
    }

    /// Whether the clip has been deleted.
    pub(crate) fn clip_is_gone(&self, now: Timestamp) -> bool {
        self.gone || self.expires <= now
    }

    pub(crate) fn has_clip(&self, now: Timestamp) -> bool {
        self.state(now) == JobState::Succeeded && !self.clip_is_gone(now)
    }
}

/// A job, for assertions in tests.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JobRecord {
    /// The id.
    pub job_id: String,
    /// Counts up from 1 over all accounts.
    pub number: u64,
    /// The account that owns the job: [`Ledger::account_of`](crate::Ledger::account_of) a key.
    pub account: String,
    /// The id of the request that created it.
    pub request_id: String,
    /// The state at the time of the call.
    pub state: JobState,
    /// The prompt.
    pub prompt: String,
    /// The clip's length in seconds.
    pub duration_seconds: f64,
    /// 16:9, 9:16 or 1:1.
    pub aspect_ratio: String,
    /// 720p, 1080p or 4k.
    pub resolution: String,
    /// The vendor.
    pub vendor: String,
    /// The model.
    pub model: String,
    /// The price in US dollars.
    pub cost_usd: f64,
    /// The idempotency key of the request.
    pub idempotency_key: Option<String>,
    /// When it was accepted.
    #[serde(serialize_with = "as_rfc3339")]
    pub created_at: SystemTime,
    /// When it starts to run.
    #[serde(serialize_with = "as_rfc3339")]
    pub starts_at: SystemTime,
    /// When it finishes or was cancelled.
    #[serde(serialize_with = "as_rfc3339")]
    pub ends_at: SystemTime,
    /// When the clip is deleted.
    #[serde(serialize_with = "as_rfc3339")]
    pub expires_at: SystemTime,
}

impl JobRecord {
    pub(crate) fn of(job: &Job, now: Timestamp) -> Self {
        Self {
            job_id: job.id.clone(),
            number: job.number,
            account: job.account.clone(),
            request_id: job.request_id.clone(),
            state: job.state(now),
            prompt: job.order.prompt.clone(),
            duration_seconds: job.order.duration_seconds,
            aspect_ratio: job.order.aspect.clone(),
            resolution: job.order.resolution.clone(),
            vendor: job.vendor.clone(),
            model: job.model.clone(),
            cost_usd: job.cost.dollars(),
            idempotency_key: job.idempotency_key.clone(),
            created_at: system_time(job.created),
            starts_at: system_time(job.starts),
            ends_at: system_time(job.cancelled.unwrap_or(job.ends)),
            expires_at: system_time(job.expires),
        }
    }
}
