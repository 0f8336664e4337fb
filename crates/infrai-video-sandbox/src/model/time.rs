//! Arithmetic with times, and the text forms of times.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// `at` plus `by`, or the latest time that can be represented.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// A day on the sandbox's clock.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Formats a time as RFC 3339 in UTC, in whole seconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Formats a time as HTTP headers do.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
