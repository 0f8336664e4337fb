//! Content encodings of API responses.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::error::{TransportError, TransportErrorKind};
use crate::text::one_line;

/// The value of `Accept-Encoding` in API requests.
pub(crate) const ACCEPTED: &str = if cfg!(feature = "gzip") { "gzip" } else { "identity" };

/// Decodes a response body to at most `limit` bytes.
pub(crate) fn decoded(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, TransportError> {
    let Some(encoding) = encoding(headers).filter(|_| !body.is_empty()) else { return Ok(body) };
    match encoding.to_ascii_lowercase().as_str() {
        #[cfg(feature = "gzip")]
        "gzip" | "x-gzip" => gunzipped(&body, limit),
        _ => {
            let _unused = limit;
            let message =
                format!("the response has the content encoding {encoding}, which was not requested");
            let hint = "the service, or a proxy in between, must send it without that encoding";
            Err(TransportError::new(TransportErrorKind::Encoded, message).with_hint(hint))
        }
    }
}

/// The content encodings of a response other than `identity`.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<String> {
    let named = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("not a text"));
    let all = named.flat_map(|value| value.split(',')).map(str::trim);
    let other: Vec<_> =
        all.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")).collect();
    (!other.is_empty()).then(|| one_line(&other.join(", ")))
}

#[cfg(feature = "gzip")]
fn gunzipped(body: &[u8], limit: usize) -> Result<Bytes, TransportError> {
    use std::io::Read as _;

    let mut decoded = Vec::new();
    // One byte beyond the limit shows that there is more.
    let mut reader = flate2::read::MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader.read_to_end(&mut decoded).map_err(|error| {
        let message = format!("the gzip response is truncated or corrupt: {error}");
        TransportError::new(TransportErrorKind::Lost, message).with_source(error)
    })?;
    super::within(decoded.into(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (CONTENT_ENCODING, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn encodings_other_than_identity_are_named() {
        for values in [&[][..], &[""], &["identity"], &["Identity, identity"]] {
            assert_eq!(encoding(&headers(values)), None, "{values:?}");
        }
        assert_eq!(encoding(&headers(&["br"])).as_deref(), Some("br"));
        assert_eq!(encoding(&headers(&["gzip", "identity, br"])).as_deref(), Some("gzip, br"));
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn the_size_limit_applies_to_the_decoded_body() {
        use std::io::Write as _;

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 10_000]).unwrap();
        let bomb = Bytes::from(encoder.finish().unwrap());
        assert!(bomb.len() < 1000);
        let gzip = headers(&["gzip"]);
        assert_eq!(decoded(&gzip, bomb.clone(), 10_000).unwrap().len(), 10_000);
        let error = decoded(&gzip, bomb.clone(), 9_999).unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::TooLarge);
        let error = decoded(&gzip, bomb.slice(..bomb.len() / 2), 10_000).unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Lost);
    }
}
