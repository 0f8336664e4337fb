//! Arithmetic with times, and the text forms of times.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde::Serializer;

/// `at` plus `by`, or the latest time that can be represented.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// `at` minus `by`, or the earliest time that can be represented.
pub(crate) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// The timestamp of a system time, or the nearest one that can be represented.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    let limit = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    time.try_into().unwrap_or(limit)
}

/// The system time of a timestamp.
///
/// # Panics
/// If the system cannot represent it. Windows cannot before 1601, but a sandbox's times start at that of its system.
pub(crate) fn system_time(at: Timestamp) -> SystemTime {
    at.try_into().expect("a sandbox's times are not before its epoch, which was a system time")
}

/// Serializes a system time as RFC 3339 in UTC, with as many digits as necessary.
pub(crate) fn as_rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&timestamp(*time))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_system_time_has_the_text_of_its_timestamp() {
        let text = |time| as_rfc3339(&time, serde_json::value::Serializer).expect("a text");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        assert_eq!(text(at), json!("2026-01-01T00:00:00Z"));
        assert_eq!(text(at + Duration::from_nanos(1_500_000_100)), json!("2026-01-01T00:00:01.5000001Z"));
    }

    #[test]
    fn a_time_that_is_too_far_away_is_the_last_timestamp() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
        assert_eq!(timestamp(far), Timestamp::MAX);
    }
}
