use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The delay in `Retry-After`: seconds, or a date, which is compared with the response's `Date`, so that a wrong clock on either
/// side has no effect. An invalid value is ignored.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = server_time(headers).unwrap_or_else(std::time::SystemTime::now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// The `Date` of a response.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<std::time::SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_by_the_servers_clock() {
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let dated = [(RETRY_AFTER, "Fri, 20 Nov 2026 17:40:30 GMT"), (DATE, "Fri, 20 Nov 2026 17:40:00 GMT")];
        assert_eq!(retry_after(&headers(&dated)), Some(Duration::from_secs(30)));
        let past = [(RETRY_AFTER, "Fri, 20 Nov 2026 17:39:00 GMT"), (DATE, "Fri, 20 Nov 2026 17:40:00 GMT")];
        assert_eq!(retry_after(&headers(&past)), Some(Duration::ZERO));
    }

    #[test]
    fn an_invalid_retry_after_is_ignored() {
        for text in ["soon", "-5", "NaN", "inf", "1e400", ""] {
            assert_eq!(retry_after(&headers(&[(RETRY_AFTER, text)])), None, "{text}");
        }
    }
}
