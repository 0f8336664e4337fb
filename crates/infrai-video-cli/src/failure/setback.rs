//! Why an item of the ledger has no clip yet.

use infrai_video::{Error, ErrorKind};

use super::describe;
use crate::exit_code::Exit;
use crate::ledger::{Item, LedgerError, Stage};

/// Why an item was not finished.
#[derive(Debug)]
pub(crate) enum Setback {
    /// It finished without a clip. The item has the reason.
    NoClip,
    /// The job still ran when the wait for it timed out.
    StillRunning,
    /// The job succeeded, and its clip could not be saved.
    NotSaved(String),
    /// The job succeeded, and another file has the name of its clip.
    FileExists(String),
    /// The clip was saved and is gone. `job_gone` says whether the service no longer has it either.
    Missing { why: String, job_gone: bool },
    /// It was begun with another API key, and the service does not know its job under the current one.
    OtherApiKey,
    /// Sending it again could be charged twice, for this reason.
    UnsafeToRetry(String),
    /// Whether there is a job is unknown.
    OutcomeUnknown(String),
    /// It cannot be continued, for this reason.
    Stuck { exit: Exit, why: String },
    /// Other items would fail in the same way until the outage is over.
    Paused { outage: Outage, why: String },
    /// Other items would fail in the same way until the user changes something.
    Stopped { exit: Exit, why: String },
    /// Its charge would exceed the budget.
    OverBudget,
    /// Another process has taken it over.
    TakenOver,
    /// The ledger cannot be written.
    Ledger(LedgerError),
}

/// What makes all items wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    Credit,
    Unreachable,
    RateLimited,
}

impl Outage {
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Credit => Exit::Credit,
            Self::Unreachable => Exit::Unreachable,
            Self::RateLimited => Exit::RateLimited,
        }
    }
}

impl Setback {
    /// What a failed call means for its item.
    pub(crate) fn of_call(error: &Error) -> Self {
        let why = describe(error);
        match Exit::from(error) {
            _ if error.kind() == ErrorKind::Authentication => {
                Self::Stopped { exit: Exit::Authentication, why }
            }
            _ if error.kind() == ErrorKind::Expired => Self::UnsafeToRetry(why),
            // The service is reachable and still works on it.
            _ if error.kind() == ErrorKind::InProgress => Self::Paused { outage: Outage::RateLimited, why },
            Exit::Credit => Self::Paused { outage: Outage::Credit, why },
            Exit::RateLimited => Self::Paused { outage: Outage::RateLimited, why },
            // An untrusted certificate, a proxy that refuses, an invalid setting: waiting does not help.
            Exit::Unreachable if error.kind() == ErrorKind::Unreachable && !error.is_retryable() => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                Self::Stopped { exit: Exit::Unreachable, why: why + &hint }
            }
            Exit::Unreachable => Self::Paused { outage: Outage::Unreachable, why },
            // The network is the usual reason. A retry under the same key is safe.
            Exit::OutcomeUnknown if error.is_retryable() => Self::Paused { outage: Outage::Unreachable, why },
            Exit::OutcomeUnknown => Self::OutcomeUnknown(why),
            _ => Self::NoClip,
        }
    }

    /// The reason in words.
    pub(crate) fn why(&self, item: &Item) -> String {
        match self {
            Self::NoClip => item.error.clone().unwrap_or_else(|| "no reason given".to_owned()),
            Self::StillRunning => "the job keeps running and is charged once".to_owned(),
            Self::FileExists(why) | Self::NotSaved(why) => {
                format!("the job succeeded, but its clip was not saved: {why}")
            }
            Self::Missing { why, .. } => why.clone(),
            Self::OtherApiKey => "it was started with another API key than the current one".to_owned(),
            Self::UnsafeToRetry(why)
            | Self::OutcomeUnknown(why)
            | Self::Paused { why, .. }
            | Self::Stopped { why, .. }
                if item.stage == Stage::Sent =>
            {
                format!("{why}; the job may exist, under the idempotency key {}", item.key)
            }
            Self::UnsafeToRetry(why)
            | Self::OutcomeUnknown(why)
            | Self::Stuck { why, .. }
            | Self::Paused { why, .. }
            | Self::Stopped { why, .. } => why.clone(),
            Self::OverBudget => "not started: its charge would exceed the budget".to_owned(),
            Self::TakenOver => "another process has taken it over".to_owned(),
            Self::Ledger(error) => error.to_string(),
        }
    }

    /// The exit code of a run that had only this setback.
    pub(crate) fn exit(&self, item: &Item) -> Exit {
        match self {
            Self::NoClip => match item.stage {
                Stage::Cancelled => Exit::Cancelled,
                Stage::Refused => Exit::Refused,
                _ => Exit::JobFailed,
            },
            Self::StillRunning => Exit::StillRunning,
            Self::OtherApiKey => Exit::Authentication,
            Self::Missing { .. } => Exit::Incomplete,
            // The service states that it did nothing.
            Self::Paused { outage: Outage::Credit, .. } => Exit::Credit,
            // This attempt or an earlier one may have been accepted.
            Self::Paused { .. } | Self::Stopped { .. } if item.stage == Stage::Sent => Exit::OutcomeUnknown,
            Self::NotSaved(_) | Self::FileExists(_) => Exit::Download,
            Self::UnsafeToRetry(_) | Self::OutcomeUnknown(_) => Exit::OutcomeUnknown,
            Self::Stuck { exit, .. } | Self::Stopped { exit, .. } => *exit,
            Self::Paused { outage, .. } => outage.exit(),
            Self::OverBudget => Exit::Refused,
            Self::TakenOver | Self::Ledger(_) => Exit::Other,
        }
    }
}

impl From<LedgerError> for Setback {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Lost => Self::TakenOver,
            error => Self::Ledger(error),
        }
    }
}
