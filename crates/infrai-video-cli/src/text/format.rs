//! Numbers and times in the form that users read.

use std::ops::RangeInclusive;
use std::time::Duration;

/// `01:57`, or `1:02:03` from an hour on.
pub(crate) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `1:40 to 2:10`, or `0:09` if both are the same.
pub(crate) fn span(range: &RangeInclusive<Duration>) -> String {
    let text = |duration: &Duration| {
        let text = clock(*duration);
        text.strip_prefix('0').map_or(text.clone(), str::to_owned)
    };
    let (from, to) = (text(range.start()), text(range.end()));
    if from == to { from } else { format!("{from} to {to}") }
}

/// `about 2 min`, rounded so that it changes rarely. `None` if there is next to nothing left.
pub(crate) fn about(left: Duration) -> Option<String> {
    const MINUTE: u64 = 60;
    let seconds = left.as_secs_f64().round() as u64;
    let minutes = (seconds + MINUTE / 2) / MINUTE;
    Some(match seconds {
        0 => return None,
        1..=50 => format!("about {} s", seconds.div_ceil(10) * 10),
        _ if minutes < 60 => format!("about {} min", minutes.max(1)),
        _ if minutes.is_multiple_of(60) => format!("about {} h", minutes / 60),
        _ => format!("about {} h {} min", minutes / 60, minutes % 60),
    })
}

/// `8.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        let decimals = usize::from(unit != "B");
        if value < 999.95 || unit == "GB" {
            return format!("{value:.decimals$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{bytes} B")
}

/// `1 job`, `2 jobs`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(clock(Duration::from_secs(117)), "01:57");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(8_400_000), "8.4 MB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(count(1, "job"), "1 job");
        assert_eq!(count(2, "job"), "2 jobs");
    }

    #[test]
    fn durations_are_ranges_and_estimates() {
        let seconds = Duration::from_secs;
        assert_eq!(span(&(seconds(100)..=seconds(130))), "1:40 to 2:10");
        assert_eq!(span(&(seconds(9)..=seconds(9))), "0:09");
        assert_eq!(span(&(seconds(700)..=seconds(3700))), "11:40 to 1:01:40");
        for (left, expected) in [
            (0, None),
            (1, Some("about 10 s")),
            (10, Some("about 10 s")),
            (11, Some("about 20 s")),
            (50, Some("about 50 s")),
            (51, Some("about 1 min")),
            (89, Some("about 1 min")),
            (90, Some("about 2 min")),
            (59 * 60 + 29, Some("about 59 min")),
            (59 * 60 + 30, Some("about 1 h")),
            (80 * 60, Some("about 1 h 20 min")),
        ] {
            assert_eq!(about(seconds(left)).as_deref(), expected, "{left}");
        }
        assert_eq!(about(Duration::from_millis(400)), None);
    }
}
