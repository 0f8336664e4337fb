//! What went wrong, for programs: with `--json`, one JSON object on a line of stderr for each failure.

use std::io::Write as _;

use infrai_video::{Error, IdempotencyKey};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Screen;
use crate::text::clean_json;

/// A line of stderr that says what went wrong.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FailureLine<'a> {
    error: FailureDetail<'a>,
}

/// What went wrong, and what to do about it.
#[derive(Serialize, JsonSchema)]
struct FailureDetail<'a> {
    /// The exit code of this failure. The process exits with that of its first failure.
    exit: u8,
    /// What went wrong, in one line.
    message: String,
    /// What to run or to do next, one line each. Never empty where something can be done.
    next: &'a [String],
    #[serde(flatten)]
    facts: &'a Facts,
}

/// What is known of a failure besides its reason. What is not known is left out.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(crate) struct Facts {
    /// The service's name for the error in UPPER_SNAKE case. An open vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The service's name for the last request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The job that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// The key that the job was asked for under. The same request under the same key is charged once.
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
    /// Of these and those, what was known first.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            code: self.code.or(other.code),
            status: self.status.or(other.status),
            request_id: self.request_id.or(other.request_id),
            job_id: self.job_id.or(other.job_id),
            idempotency_key: self.idempotency_key.or(other.idempotency_key),
        }
    }

    /// A failure of that job.
    pub(crate) fn of_job(job_id: &str) -> Self {
        Self { job_id: Some(job_id.to_owned()), ..Self::default() }
    }

    /// A failure of a request under that key.
    pub(crate) fn of_key(key: &IdempotencyKey) -> Self {
        Self::under(key.as_str())
    }

    /// The same, where the key was read back.
    pub(crate) fn under(key: &str) -> Self {
        Self { idempotency_key: Some(key.to_owned()), ..Self::default() }
    }
}

impl Screen {
    /// Why a command failed, as a line of JSON on stderr.
    pub(crate) fn failure_line(&self, failure: &Failure) {
        let message = match failure.word() {
            "error" => failure.message().to_owned(),
            // An end that the user wanted.
            word => format!("{word}: {}", failure.message()),
        };
        let line = FailureLine {
            error: FailureDetail {
                exit: failure.exit() as u8,
                message,
                next: failure.steps(),
                facts: failure.facts(),
            },
        };
        let json = serde_json::to_string(&line).expect("texts and numbers have a JSON form");
        let line = format!("{}\n", clean_json(&json));
        self.foot.suspend(|| {
            // Where stderr is gone there is nobody to tell.
            let _nobody = std::io::stderr().write_all(line.as_bytes());
        });
    }
}
