//! Numbers and times in the form that users read.

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
}
