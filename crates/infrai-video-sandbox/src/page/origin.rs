//! Whether a browser sends a request on behalf of a page of another origin.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Whether the request names an origin, and it is not the very host and port that the request is for.
///
/// Browsers name the origin on every request that can change something. Other programs name none.
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let origin = origin.to_str().ok().and_then(|origin| {
        let schemes = ["http://", "https://"];
        schemes.iter().find_map(|scheme| origin.strip_prefix(scheme))
    });
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin, host) {
        (Some(origin), Some(host)) => !origin.eq_ignore_ascii_case(host),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere(host: &str, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a header"));
        headers.insert(ORIGIN, origin.parse().expect("a header"));
        comes_from_elsewhere(&headers)
    }

    #[test]
    fn only_the_very_same_host_and_port_is_the_page_itself() {
        assert!(!elsewhere("127.0.0.1:8787", "http://127.0.0.1:8787"));
        assert!(!elsewhere("localhost:8787", "http://localhost:8787"));
        for (host, origin) in [
            ("127.0.0.1:8787", "http://127.0.0.1:8788"),
            ("127.0.0.1:8787", "http://localhost:8787"),
            ("127.0.0.1:8787", "http://127.0.0.1"),
            ("127.0.0.1:8787", "https://example.com"),
            ("127.0.0.1:8787", "null"),
            ("127.0.0.1:8787", "file://127.0.0.1:8787"),
            ("127.0.0.1:8787", "http://127.0.0.1:8787.example.com"),
            ("127.0.0.1:8787", "http://example.com@127.0.0.1:8787"),
        ] {
            assert!(elsewhere(host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn a_program_that_names_no_origin_is_no_page() {
        assert!(!comes_from_elsewhere(&HeaderMap::new()));
    }
}
