use infrai_video::{Error, ErrorKind};

use crate::exit::Exit;
use crate::failure::describe;
use crate::ledger::LedgerError;

/// Why an item did not come to its end.
#[derive(Debug)]
pub(crate) enum Setback {
    /// It came to an end without a clip: the item says which.
    Ended,
    /// The job goes on after the longest wait.
    StillRunning,
    /// The job is fine, and its clip is not here.
    NotSaved(String),
    /// The job is fine, and another file lies where its clip should go.
    Taken(String),
    /// The clip was saved once. It is not there any more, and the service may have it no longer.
    Missing { why: String, gone: bool },
    /// It was begun with another API key, and the service does not know its job under the one in use.
    OtherKey,
    /// To send it again might be charged twice, for that reason.
    Unsafe(String),
    /// Whether there is a job is not known.
    Unknown(String),
    /// Nothing can be done about it here.
    Stuck { exit: Exit, why: String },
    /// Other items would meet the same, until it is over.
    Paused { outage: Outage, why: String },
    /// Other items would meet the same, until somebody changes something.
    Stopped { exit: Exit, why: String },
    /// Another process has it now.
    Lost,
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
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Credit => Exit::Credit,
            Self::Unreachable => Exit::Unreachable,
            Self::RateLimited => Exit::RateLimited,
        }
    }
}

impl Setback {
    /// What a call that failed means for its item.
    pub(super) fn of(error: &Error) -> Self {
        let why = describe(error);
        match Exit::from(error) {
            _ if error.kind() == ErrorKind::Authentication => {
                Self::Stopped { exit: Exit::Authentication, why }
            }
            _ if error.kind() == ErrorKind::Expired => Self::Unsafe(why),
            // The service is there, and still at work on it.
            _ if error.kind() == ErrorKind::InProgress => Self::Paused { outage: Outage::RateLimited, why },
            Exit::Credit => Self::Paused { outage: Outage::Credit, why },
            Exit::RateLimited => Self::Paused { outage: Outage::RateLimited, why },
            // An untrusted certificate, a proxy that refuses, an invalid setting: waiting does not help.
            Exit::Unreachable if error.kind() == ErrorKind::Unreachable && !error.is_retryable() => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                Self::Stopped { exit: Exit::Unreachable, why: why + &hint }
            }
            Exit::Unreachable => Self::Paused { outage: Outage::Unreachable, why },
            // The network is the usual reason. Sent again under its key, it does no harm.
            Exit::OutcomeUnknown if error.is_retryable() => Self::Paused { outage: Outage::Unreachable, why },
            Exit::OutcomeUnknown => Self::Unknown(why),
            _ => Self::Ended,
        }
    }
}

impl From<LedgerError> for Setback {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Lost => Self::Lost,
            error => Self::Ledger(error),
        }
    }
}
