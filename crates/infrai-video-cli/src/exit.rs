//! From a failure to the process's exit code: the only place that knows the table.

use std::process::ExitCode;

use infrai_video::{API_KEY_VARIABLE, Error, ErrorKind, WaitError, WaitErrorKind};

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
    RateLimited = 75,
    HungUp = 129,
    Interrupted = 130,
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        of(&Facts {
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

impl Exit {
    /// The exit code of a command that failed in several ways: that of an unknown outcome where there is one, since money
    /// depends on it, else that of the first failure.
    pub(crate) fn of_all(exits: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut exits = exits.into_iter();
        let first = exits.next()?;
        let is_unknown = |exit| exit == Self::OutcomeUnknown;
        Some(if is_unknown(first) || exits.any(is_unknown) { Self::OutcomeUnknown } else { first })
    }
}

/// What an exit code depends on.
struct Facts {
    kind: ErrorKind,
    outcome_unknown: bool,
    status: Option<u16>,
    field: Option<&'static str>,
}

fn of(facts: &Facts) -> Exit {
    match facts.kind {
        // The service says that it did nothing, whatever an attempt before may have met.
        ErrorKind::InsufficientCredit => Exit::Credit,
        ErrorKind::AcceptedEarlier | ErrorKind::InProgress => Exit::OutcomeUnknown,
        _ if facts.outcome_unknown => Exit::OutcomeUnknown,
        ErrorKind::Config if matches!(facts.field, Some("api_key" | API_KEY_VARIABLE)) => {
            Exit::Authentication
        }
        ErrorKind::Config | ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Expired => {
            Exit::Refused
        }
        ErrorKind::Rejected if matches!(facts.status, Some(400 | 422)) => Exit::Refused,
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

fn of_wait(kind: WaitErrorKind, poll: Option<Exit>) -> Exit {
    match (kind, poll) {
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

    fn kind(kind: ErrorKind) -> Exit {
        of(&Facts { kind, outcome_unknown: false, status: None, field: None })
    }

    fn unknown(kind: ErrorKind) -> Exit {
        of(&Facts { kind, outcome_unknown: true, status: None, field: None })
    }

    #[test]
    fn every_kind_of_error_has_its_code() {
        for (error, code) in [
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
            assert_eq!(kind(error) as u8, code, "{error:?}");
        }
    }

    #[test]
    fn a_write_that_may_have_been_carried_out_says_so_unless_the_service_denies_it() {
        for error in
            [ErrorKind::ConnectionLost, ErrorKind::TimedOut, ErrorKind::Server, ErrorKind::RateLimited]
        {
            assert_eq!(unknown(error), Exit::OutcomeUnknown, "{error:?}");
        }
        assert_eq!(unknown(ErrorKind::InsufficientCredit), Exit::Credit);
    }

    #[test]
    fn an_unknown_outcome_decides_the_exit_code_of_several_failures() {
        use Exit::{JobFailed, OutcomeUnknown, Unreachable};

        assert_eq!(Exit::of_all([]), None);
        assert_eq!(Exit::of_all([JobFailed, Unreachable]), Some(JobFailed));
        assert_eq!(Exit::of_all([JobFailed, Unreachable, OutcomeUnknown]), Some(OutcomeUnknown));
        assert_eq!(Exit::of_all([OutcomeUnknown, JobFailed]), Some(OutcomeUnknown));
    }

    #[test]
    fn a_missing_key_is_another_thing_than_a_wrong_setting() {
        let config = |field| {
            of(&Facts { kind: ErrorKind::Config, outcome_unknown: false, status: None, field: Some(field) })
        };
        assert_eq!(config("INFRAI_API_KEY"), Exit::Authentication);
        assert_eq!(config("api_key"), Exit::Authentication);
        assert_eq!(config("base_url"), Exit::Refused);
    }

    #[test]
    fn a_value_that_the_service_refuses_counts_as_one_refused_here() {
        let rejected = |status| {
            of(&Facts {
                kind: ErrorKind::Rejected,
                outcome_unknown: false,
                status: Some(status),
                field: None,
            })
        };
        assert_eq!(rejected(422), Exit::Refused);
        assert_eq!(rejected(400), Exit::Refused);
        assert_eq!(rejected(413), Exit::Other);
    }

    #[test]
    fn a_wait_that_ends_without_a_clip_says_how() {
        assert_eq!(of_wait(WaitErrorKind::TimedOut, None), Exit::StillRunning);
        assert_eq!(of_wait(WaitErrorKind::Failed, None), Exit::JobFailed);
        assert_eq!(of_wait(WaitErrorKind::Cancelled, None), Exit::Cancelled);
        assert_eq!(of_wait(WaitErrorKind::Unreachable, Some(Exit::Other)), Exit::Unreachable);
        assert_eq!(of_wait(WaitErrorKind::Refused, Some(Exit::NotFound)), Exit::NotFound);
        assert_eq!(of_wait(WaitErrorKind::Refused, None), Exit::Other);
    }
}
