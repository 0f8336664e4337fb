//! `Range` and `If-Range`.

use std::num::NonZeroUsize;

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};
use http_range_header::parse_range_header_with_max_ranges;

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
    // Several ranges count as an error here.
    let Ok(parsed) = parse_range_header_with_max_ranges(range, NonZeroUsize::MIN) else {
        return Part::Whole;
    };
    match parsed.validate(length).as_deref() {
        Ok([range, ..]) => Part::Bytes(*range.start(), *range.end()),
        _ => Part::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";
    const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

    fn part_for(range: &str, if_range: Option<&str>) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().expect("a header"));
        if let Some(validator) = if_range {
            headers.insert(IF_RANGE, validator.parse().expect("a header"));
        }
        part(&headers, 100, ETAG, DATE)
    }

    #[test]
    fn a_single_range_is_supported_in_all_three_forms() {
        assert_eq!(part_for("bytes=10-19", None), Part::Bytes(10, 19));
        assert_eq!(part_for("bytes=90-1000", None), Part::Bytes(90, 99));
        assert_eq!(part_for("bytes=10-", None), Part::Bytes(10, 99));
        assert_eq!(part_for("bytes=-10", None), Part::Bytes(90, 99));
        assert_eq!(part_for("bytes=-1000", None), Part::Bytes(0, 99));
    }

    #[test]
    fn a_range_outside_the_file_is_unsatisfiable() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(part_for(range, None), Part::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn anything_but_a_single_range_gets_the_whole_file() {
        for range in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "bytes=0-1,500-600",
            "items=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(part_for(range, None), Part::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole_file() {
        assert_eq!(part_for("bytes=10-19", Some(ETAG)), Part::Bytes(10, 19));
        assert_eq!(part_for("bytes=10-19", Some(DATE)), Part::Bytes(10, 19));
        assert_eq!(part_for("bytes=10-19", Some("\"other\"")), Part::Whole);
        assert_eq!(part_for("bytes=10-19", Some("W/\"abc\"")), Part::Whole);
        assert_eq!(part_for("bytes=10-19", Some("Thu, 01 Jan 2026 00:00:01 GMT")), Part::Whole);
    }
}
