//! Headers of a file host's responses.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};

/// Whether a response is a text, such as a page of a proxy or a captive portal, instead of a clip.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let kind = text(headers, CONTENT_TYPE).unwrap_or_default();
    kind.starts_with("text/") || kind.starts_with("application/json") || kind.starts_with("application/xml")
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.parse().ok()
}

/// The validator of this version of the clip, for `If-Range`. Only a strong one can join two ranges.
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = text(headers, ETAG).filter(|etag| etag.starts_with('"'));
    let validator = strong.or_else(|| text(headers, LAST_MODIFIED))?;
    HeaderValue::from_str(validator).is_ok().then(|| validator.to_owned())
}

/// The start and the total of `bytes START-END/TOTAL`, the range of a 206.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) = text(headers, CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((start.parse().ok()?, total))
}

/// The total of `bytes */TOTAL`, the range of a 416.
pub(super) fn unsatisfied_total(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_RANGE)?.strip_prefix("bytes */")?.parse().ok()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        [(name, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn a_content_range_is_read_or_refused() {
        let read = |range| content_range(&headers(CONTENT_RANGE, range));
        assert_eq!(read("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(read("bytes 5-9/*"), Some((5, None)));
        for text in ["", "bytes */10", "bytes 5-9", "items 5-9/10", "bytes x-9/10"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_range_of_a_416_tells_the_total() {
        let read = |range| unsatisfied_total(&headers(CONTENT_RANGE, range));
        assert_eq!(read("bytes */10"), Some(10));
        for text in ["", "bytes */*", "bytes 5-9/10", "items */10"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_weak_etag_cannot_join_two_parts() {
        assert_eq!(validator(&headers(ETAG, "W/\"a\"")), None);
        assert_eq!(validator(&headers(ETAG, "\"a\"")).as_deref(), Some("\"a\""));
    }
}
