//! How long polls may fail before a wait ends.

use std::time::Duration;

use tokio::time::Instant;

use super::WaitErrorKind;
use crate::error::{Error, ErrorKind};

/// How long a 404 counts as replication lag after the submission.
const LAG: Duration = Duration::from_secs(30);

/// Consecutive failed polls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PollFailures {
    since: Option<Instant>,
    /// The start of consecutive 404s.
    not_found_since: Option<Instant>,
}

impl PollFailures {
    /// Records a failed poll. Returns the kind of error with which the wait ends, if polls have been failing for `limit`, or if
    /// further polls cannot succeed.
    pub(super) fn record(&mut self, error: &Error, limit: Duration) -> Option<WaitErrorKind> {
        let failing_for = self.since.get_or_insert_with(Instant::now).elapsed();
        // A gateway without this route responds with 404 too. Only the service's own error says that the job does not exist.
        let is_unknown_job = error.kind() == ErrorKind::NotFound && error.code().is_some();
        if !is_unknown_job {
            self.not_found_since = None;
        }
        let can_recover = match error.kind() {
            ErrorKind::NotFound if is_unknown_job => {
                self.not_found_since.get_or_insert_with(Instant::now).elapsed() < LAG
            }
            ErrorKind::Authentication | ErrorKind::InvalidInput | ErrorKind::Config => false,
            // An untrusted certificate, a proxy that refuses, an invalid setting.
            ErrorKind::Unreachable => error.is_retryable(),
            // No request can have this id.
            ErrorKind::Decode if error.field() == Some("job_id") => false,
            _ => true,
        };
        if !can_recover {
            return Some(WaitErrorKind::Refused);
        }
        (failing_for >= limit).then_some(WaitErrorKind::Unreachable)
    }
}
