//! The table of exit codes: their numbers, their meaning, and which error leads to which.

use std::fmt::Write as _;
use std::process::ExitCode;

use infrai_video::wait::{WaitError, WaitErrorKind};
use infrai_video::{API_KEY_VARIABLE, Error, ErrorKind};

/// How the process exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Success = 0,
    Other = 1,
    Usage = 2,
    JobFailed = 3,
    Authentication = 4,
    NotFound = 5,
    Credit = 6,
    Refused = 7,
    StillRunning = 8,
    Cancelled = 9,
    Unreachable = 10,
    OutcomeUnknown = 11,
    Download = 12,
    Incomplete = 13,
    AfterSave = 14,
    RateLimited = 75,
    HungUp = 129,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    const ALL: [Self; 19] = [
        Self::Success,
        Self::Other,
        Self::Usage,
        Self::JobFailed,
        Self::Authentication,
        Self::NotFound,
        Self::Credit,
        Self::Refused,
        Self::StillRunning,
        Self::Cancelled,
        Self::Unreachable,
        Self::OutcomeUnknown,
        Self::Download,
        Self::Incomplete,
        Self::AfterSave,
        Self::RateLimited,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    fn meaning(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Other => "another error",
            Self::Usage => "invalid command line",
            Self::JobFailed => "the job failed",
            Self::Authentication => "no API key, 401 or 403",
            Self::NotFound => "not found",
            Self::Credit => "insufficient credit",
            Self::Refused => "an invalid value, or no vendor supports it",
            Self::StillRunning => "not finished in time; the job continues",
            Self::Cancelled => "the job was cancelled",
            Self::Unreachable => "the API was unreachable; nothing was submitted",
            Self::OutcomeUnknown => "outcome unknown: the job may exist",
            Self::Download => "the job succeeded, the download failed",
            Self::Incomplete => "some items of the batch have no clip",
            Self::AfterSave => "all clips are saved, but --open or --exec failed",
            Self::RateLimited => "rate limited, after all retries",
            Self::HungUp => "the terminal was closed; the job continues",
            Self::Interrupted => "interrupted; the job continues",
            Self::Terminated => "terminated; the job continues",
        }
    }

    /// One line for each exit code, as the help shows them.
    pub(crate) fn table() -> String {
        Self::ALL.into_iter().fold(String::new(), |mut table, exit| {
            let _infallible = writeln!(table, "{:>4}  {}", exit as u8, exit.meaning());
            table
        })
    }

    /// The exit code of a command with several failures: [`OutcomeUnknown`](Self::OutcomeUnknown) if one of them has it, because
    /// that request may have been charged, else that of the first failure.
    pub(crate) fn of_all(exits: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut exits = exits.into_iter();
        let first = exits.next()?;
        let is_unknown = |exit| exit == Self::OutcomeUnknown;
        Some(if is_unknown(first) || exits.any(is_unknown) { Self::OutcomeUnknown } else { first })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        of_call(&CallError {
            kind: error.kind(),
            outcome_unknown: error.is_outcome_unknown(),
            status: error.status(),
            field: error.field(),
        })
    }
}

impl From<&WaitError> for Exit {
    fn from(error: &WaitError) -> Self {
        of_wait(error.kind(), error.poll_error().map(Self::from))
    }
}

/// The properties of an error that its exit code depends on.
struct CallError {
    kind: ErrorKind,
    outcome_unknown: bool,
    status: Option<u16>,
    field: Option<&'static str>,
}

fn of_call(error: &CallError) -> Exit {
    match error.kind {
        // The service states that it did nothing, whatever happened to an earlier attempt.
        ErrorKind::InsufficientCredit => Exit::Credit,
        ErrorKind::AcceptedEarlier | ErrorKind::InProgress => Exit::OutcomeUnknown,
        _ if error.outcome_unknown => Exit::OutcomeUnknown,
        ErrorKind::Config if matches!(error.field, Some("api_key" | API_KEY_VARIABLE)) => {
            Exit::Authentication
        }
        ErrorKind::Config | ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Expired => {
            Exit::Refused
        }
        ErrorKind::Rejected if matches!(error.status, Some(400 | 422)) => Exit::Refused,
        ErrorKind::Authentication => Exit::Authentication,
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::RateLimited => Exit::RateLimited,
        ErrorKind::Unreachable | ErrorKind::ConnectionLost | ErrorKind::TimedOut | ErrorKind::Server => {
            Exit::Unreachable
        }
        ErrorKind::Download => Exit::Download,
        ErrorKind::JobFailed => Exit::JobFailed,
        ErrorKind::JobCancelled => Exit::Cancelled,
        ErrorKind::StillRunning => Exit::StillRunning,
        _ => Exit::Other,
    }
}

fn of_wait(kind: WaitErrorKind, poll_error: Option<Exit>) -> Exit {
    match (kind, poll_error) {
        (WaitErrorKind::TimedOut, _) => Exit::StillRunning,
        (WaitErrorKind::Failed, _) => Exit::JobFailed,
        (WaitErrorKind::Cancelled, _) => Exit::Cancelled,
        (WaitErrorKind::Unreachable, _) => Exit::Unreachable,
        (_, Some(exit)) => exit,
        (_, None) => Exit::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind) -> CallError {
        CallError { kind, outcome_unknown: false, status: None, field: None }
    }

    #[test]
    fn every_error_kind_has_an_exit_code() {
        for (kind, code) in [
            (ErrorKind::Config, 7),
            (ErrorKind::InvalidInput, 7),
            (ErrorKind::Unsupported, 7),
            (ErrorKind::Expired, 7),
            (ErrorKind::Authentication, 4),
            (ErrorKind::InsufficientCredit, 6),
            (ErrorKind::NotFound, 5),
            (ErrorKind::Conflict, 1),
            (ErrorKind::AcceptedEarlier, 11),
            (ErrorKind::InProgress, 11),
            (ErrorKind::Rejected, 1),
            (ErrorKind::RateLimited, 75),
            (ErrorKind::Server, 10),
            (ErrorKind::Unreachable, 10),
            (ErrorKind::ConnectionLost, 10),
            (ErrorKind::TimedOut, 10),
            (ErrorKind::Decode, 1),
            (ErrorKind::Pagination, 1),
            (ErrorKind::Download, 12),
            (ErrorKind::Storage, 1),
            (ErrorKind::JobFailed, 3),
            (ErrorKind::JobCancelled, 9),
            (ErrorKind::StillRunning, 8),
        ] {
            assert_eq!(of_call(&error(kind)) as u8, code, "{kind:?}");
        }
    }

    #[test]
    fn the_table_lists_each_exit_code_once_in_order() {
        let codes: Vec<u8> = Exit::ALL.into_iter().map(|exit| exit as u8).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
        assert_eq!(Exit::table().lines().count(), codes.len());
    }

    #[test]
    fn an_unknown_outcome_takes_precedence_unless_the_service_states_that_it_did_nothing() {
        let unknown = |kind| of_call(&CallError { outcome_unknown: true, ..error(kind) });
        for kind in
            [ErrorKind::ConnectionLost, ErrorKind::TimedOut, ErrorKind::Server, ErrorKind::RateLimited]
        {
            assert_eq!(unknown(kind), Exit::OutcomeUnknown, "{kind:?}");
        }
        assert_eq!(unknown(ErrorKind::InsufficientCredit), Exit::Credit);
    }

    #[test]
    fn an_unknown_outcome_determines_the_exit_code_of_several_failures() {
        use Exit::{JobFailed, OutcomeUnknown, Unreachable};

        assert_eq!(Exit::of_all([]), None);
        assert_eq!(Exit::of_all([JobFailed, Unreachable]), Some(JobFailed));
        assert_eq!(Exit::of_all([JobFailed, Unreachable, OutcomeUnknown]), Some(OutcomeUnknown));
        assert_eq!(Exit::of_all([OutcomeUnknown, JobFailed]), Some(OutcomeUnknown));
    }

    #[test]
    fn a_missing_api_key_differs_from_an_invalid_setting() {
        let config = |field| of_call(&CallError { field: Some(field), ..error(ErrorKind::Config) });
        assert_eq!(config("INFRAI_API_KEY"), Exit::Authentication);
        assert_eq!(config("api_key"), Exit::Authentication);
        assert_eq!(config("base_url"), Exit::Refused);
    }

    #[test]
    fn a_value_rejected_by_the_service_counts_as_one_rejected_locally() {
        let rejected = |status| of_call(&CallError { status: Some(status), ..error(ErrorKind::Rejected) });
        assert_eq!(rejected(422), Exit::Refused);
        assert_eq!(rejected(400), Exit::Refused);
        assert_eq!(rejected(413), Exit::Other);
    }

    #[test]
    fn a_failed_wait_has_the_exit_code_of_its_cause() {
        assert_eq!(of_wait(WaitErrorKind::TimedOut, None), Exit::StillRunning);
        assert_eq!(of_wait(WaitErrorKind::Failed, None), Exit::JobFailed);
        assert_eq!(of_wait(WaitErrorKind::Cancelled, None), Exit::Cancelled);
        assert_eq!(of_wait(WaitErrorKind::Unreachable, Some(Exit::Other)), Exit::Unreachable);
        assert_eq!(of_wait(WaitErrorKind::Refused, Some(Exit::NotFound)), Exit::NotFound);
        assert_eq!(of_wait(WaitErrorKind::Refused, None), Exit::Other);
    }
}
