//! `Range` and `If-Range`.

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

/// The part of a file to respond with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// From the first byte to the last, both included.
    Bytes(u64, u64),
    /// No requested byte exists.
    Unsatisfiable,
}

/// Reads the range of a request. A range that is malformed, has several parts, or is for another version of the file is
/// ignored.
pub(crate) fn part(headers: &HeaderMap, length: u64, etag: &str, last_modified: &str) -> Part {
    let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return Part::Whole;
    };
    if let Some(validator) = headers.get(IF_RANGE) {
        let validator = validator.as_bytes();
        if validator != etag.as_bytes() && validator != last_modified.as_bytes() {
            return Part::Whole;
        }
    }
    parse(range, length).unwrap_or(Part::Whole)
}

fn parse(range: &str, length: u64) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let part = match (digits(first)?, digits(last)?) {
        (None, None) => return None,
        (None, Some(0)) => Part::Unsatisfiable,
        (None, Some(suffix)) => Part::Bytes(length.saturating_sub(suffix), length.checked_sub(1)?),
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), _) if first >= length => Part::Unsatisfiable,
        (Some(first), last) => Part::Bytes(first, last.map_or(length - 1, |last| last.min(length - 1))),
    };
    Some(part)
}

/// A number, or `None` for an empty text. The outer `None` is for any other text.
fn digits(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";
    const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

    fn asked(range: &str, if_range: Option<&str>) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().expect("a header"));
        if let Some(validator) = if_range {
            headers.insert(IF_RANGE, validator.parse().expect("a header"));
        }
        part(&headers, 100, ETAG, DATE)
    }

    #[test]
    fn single_ranges_are_understood_in_all_three_forms() {
        assert_eq!(asked("bytes=10-19", None), Part::Bytes(10, 19));
        assert_eq!(asked("bytes=90-1000", None), Part::Bytes(90, 99));
        assert_eq!(asked("bytes=10-", None), Part::Bytes(10, 99));
        assert_eq!(asked("bytes=-10", None), Part::Bytes(90, 99));
        assert_eq!(asked("bytes=-1000", None), Part::Bytes(0, 99));
    }

    #[test]
    fn a_range_outside_of_the_file_can_not_be_satisfied() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(asked(range, None), Part::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn what_is_no_single_range_is_answered_with_the_whole_file() {
        for range in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(range, None), Part::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_answered_with_the_whole_file() {
        assert_eq!(asked("bytes=10-19", Some(ETAG)), Part::Bytes(10, 19));
        assert_eq!(asked("bytes=10-19", Some(DATE)), Part::Bytes(10, 19));
        assert_eq!(asked("bytes=10-19", Some("\"other\"")), Part::Whole);
        assert_eq!(asked("bytes=10-19", Some("W/\"abc\"")), Part::Whole);
        assert_eq!(asked("bytes=10-19", Some("Thu, 01 Jan 2026 00:00:01 GMT")), Part::Whole);
    }
}
