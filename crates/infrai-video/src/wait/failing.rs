use std::time::Duration;

use tokio::time::Instant;

use super::WaitErrorKind;
use crate::error::{Error, ErrorKind};

/// For how long a 404 counts as read-after-write lag, such as that of a replica which does not know the job yet.
const LAG: Duration = Duration::from_secs(30);

/// Since when polls have been failing without a break.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failing {
    since: Option<Instant>,
    /// Since when the service says that there is no such job. Other failures say nothing about that, before or in between.
    not_found_since: Option<Instant>,
}

impl Failing {
    /// Counts a failed poll, and says how the wait ends over it, where it does: polls have been failing for longer than
    /// `longest`, or another one cannot change what this one said.
    pub(super) fn verdict(&mut self, error: &Error, longest: Duration) -> Option<WaitErrorKind> {
        let failing_for = self.since.get_or_insert_with(Instant::now).elapsed();
        // A gateway without this route answers 404 too. Only the service's own error says that there is no such job.
        let is_unknown_job = error.kind() == ErrorKind::NotFound && error.code().is_some();
        if !is_unknown_job {
            self.not_found_since = None;
        }
        let can_change = match error.kind() {
            ErrorKind::NotFound if is_unknown_job => {
                self.not_found_since.get_or_insert_with(Instant::now).elapsed() < LAG
            }
            ErrorKind::Authentication | ErrorKind::InvalidInput | ErrorKind::Config => false,
            // An untrusted certificate, a proxy that refuses, an invalid setting.
            ErrorKind::Unreachable => error.is_retryable(),
            // The service gave the job an id that no request can name.
            ErrorKind::Decode if error.field() == Some("job_id") => false,
            _ => true,
        };
        if !can_change {
            return Some(WaitErrorKind::Refused);
        }
        (failing_for >= longest).then_some(WaitErrorKind::Unreachable)
    }
}
