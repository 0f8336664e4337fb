//! Moments, in milliseconds since 1970: relative for people, RFC 3339 for programs.

use jiff::{SignedDuration, Timestamp};

/// Younger than this is `just now`.
const JUST_NOW: i64 = 5;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// From this age on the date says more than a number of days.
const LONG_AGO: i64 = 30 * DAY;

/// `3 min ago`, or the date (UTC) if it is long ago. So is a moment in the future, as after a change of the clock.
pub(crate) fn ago(moment: i64, now: i64) -> String {
    let seconds = SignedDuration::from_millis(now.saturating_sub(moment)).as_secs();
    match seconds {
        _ if seconds < -MINUTE => date(moment),
        _ if seconds < JUST_NOW => "just now".to_owned(),
        _ if seconds < MINUTE => format!("{seconds} s ago"),
        _ if seconds < HOUR => format!("{} min ago", seconds / MINUTE),
        _ if seconds < DAY => format!("{} h ago", seconds / HOUR),
        _ if seconds < 2 * DAY => "1 day ago".to_owned(),
        _ if seconds < LONG_AGO => format!("{} days ago", seconds / DAY),
        _ => date(moment),
    }
}

fn date(moment: i64) -> String {
    rfc3339(moment).chars().take_while(|c| *c != 'T').collect()
}

/// `2026-11-29T12:00:00Z`. A moment that no calendar has is empty.
pub(crate) fn rfc3339(moment: i64) -> String {
    Timestamp::from_millisecond(moment).map(|moment| format!("{moment:.0}")).unwrap_or_default()
}

/// The time of this machine.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_changes_its_unit_at_whole_units() {
        let of = |seconds: i64| ago(1_000_000_000_000 - seconds * 1000, 1_000_000_000_000);
        for (seconds, expected) in [
            (-DAY, "2001-09-10"),
            (-MINUTE, "just now"),
            (0, "just now"),
            (4, "just now"),
            (5, "5 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (119, "1 min ago"),
            (59 * MINUTE + 59, "59 min ago"),
            (HOUR, "1 h ago"),
            (DAY - 1, "23 h ago"),
            (DAY, "1 day ago"),
            (2 * DAY - 1, "1 day ago"),
            (2 * DAY, "2 days ago"),
            (LONG_AGO - 1, "29 days ago"),
            (LONG_AGO, "2001-08-10"),
        ] {
            assert_eq!(of(seconds), expected, "{seconds}");
        }
        // Parts of a second do not round up.
        assert_eq!((ago(0, 59_999), ago(0, 60_000)), ("59 s ago".to_owned(), "1 min ago".to_owned()));
    }

    #[test]
    fn moments_outside_the_calendar_are_tolerated() {
        assert_eq!(ago(i64::MIN, i64::MAX), "");
        assert_eq!(ago(i64::MAX, 0), "");
        assert_eq!((rfc3339(i64::MAX), rfc3339(0)), (String::new(), "1970-01-01T00:00:00Z".to_owned()));
        assert_eq!(rfc3339(1_795_953_600_999), "2026-11-29T12:00:00Z");
    }
}
