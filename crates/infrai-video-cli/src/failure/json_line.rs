//! Failures for programs: with `--json`, one JSON object on a line of stderr for each failure.

use infrai_video::{Error, IdempotencyKey};
use schemars::JsonSchema;
use serde::Serialize;

use super::Failure;

/// A line of stderr that reports a failure.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FailureLine<'a> {
    error: FailureDetail<'a>,
}

/// What failed, and what to do about it.
#[derive(Serialize, JsonSchema)]
struct FailureDetail<'a> {
    /// The exit code of this failure. The process exits with 11 if the outcome of a request is unknown, else with the code of its
    /// first failure; `batch` exits with 13 if some items have no clip.
    exit: u8,
    /// What failed, in one line.
    message: String,
    /// What to run or to do next, one line each. Never empty where something can be done.
    next: &'a [String],
    #[serde(flatten)]
    facts: &'a Facts,
}

/// Details of a failure. Unknown ones are left out.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(crate) struct Facts {
    /// The error code of the service in UPPER_SNAKE case. An open vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The HTTP status of the last response.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The id that the service gave the last request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The job that the failure is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// The idempotency key of the request. The same request under the same key is charged once.
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
}

impl From<&Error> for Facts {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().map(str::to_owned),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            ..Self::default()
        }
    }
}

impl Facts {
    /// Fills in what is unknown from `other`.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            code: self.code.or(other.code),
            status: self.status.or(other.status),
            request_id: self.request_id.or(other.request_id),
            job_id: self.job_id.or(other.job_id),
            idempotency_key: self.idempotency_key.or(other.idempotency_key),
        }
    }

    pub(crate) fn of_job(job_id: &str) -> Self {
        Self { job_id: Some(job_id.to_owned()), ..Self::default() }
    }

    pub(crate) fn of_key(key: &IdempotencyKey) -> Self {
        Self::of_stored_key(key.as_str())
    }

    /// Of a key as the ledger stores it.
    pub(super) fn of_stored_key(key: &str) -> Self {
        Self { idempotency_key: Some(key.to_owned()), ..Self::default() }
    }
}

impl<'a> From<&'a Failure> for FailureLine<'a> {
    fn from(failure: &'a Failure) -> Self {
        let message = match failure.label {
            "error" => failure.message.clone(),
            label => format!("{label}: {}", failure.message),
        };
        let detail =
            FailureDetail { exit: failure.exit as u8, message, next: &failure.next, facts: &failure.facts };
        Self { error: detail }
    }
}
