//! Files that are part of the program.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::model::ids::sha256_hex;

#[derive(Clone, Copy)]
pub(super) struct Asset {
    content_type: &'static str,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    Text(&'static str),
    Gzip(&'static [u8]),
}

/// The lengths of what gzip puts before and after the compressed bytes of a file without a name.
const GZIP_HEADER: usize = 10;
const GZIP_TRAILER: usize = 8;

impl Asset {
    pub(super) const fn new(content_type: &'static str, text: &'static str) -> Self {
        Self { content_type, content: Content::Text(text) }
    }

    /// A file without a name in the form of gzip.
    pub(super) const fn gzip(content_type: &'static str, gzip: &'static [u8]) -> Self {
        Self { content_type, content: Content::Gzip(gzip) }
    }

    /// The file, or 304 if the caller has it already.
    pub(super) fn respond(&self, request: &HeaderMap) -> Response {
        let is_compressed = matches!(self.content, Content::Gzip(_)) && accepts_gzip(request);
        let hash = match self.content {
            Content::Text(text) => sha256_hex(text.as_bytes()),
            Content::Gzip(gzip) => sha256_hex(gzip),
        };
        let tag = if is_compressed { format!("\"{hash}-gzip\"") } else { format!("\"{hash}\"") };
        let known = request.get(IF_NONE_MATCH).is_some_and(|known| names(known, &tag));
        let mut response = Response::new(match self.content {
            _ if known => Body::empty(),
            Content::Text(text) => Body::from(text),
            Content::Gzip(gzip) if is_compressed => Body::from(gzip),
            Content::Gzip(gzip) => Body::from(inflated(gzip)),
        });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        if let Content::Gzip(_) = self.content {
            headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        }
        if is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(ETAG, HeaderValue::try_from(tag).expect("a tag of hexadecimal digits is ASCII"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // Another version of the sandbox may use the same address later.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }

    /// The file with a Content-Security-Policy.
    pub(super) fn respond_with_policy(&self, request: &HeaderMap, policy: &str) -> Response {
        let mut response = self.respond(request);
        // A file host with an unusual name must not leave the page without a policy.
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        response
    }
}

fn inflated(gzip: &[u8]) -> Vec<u8> {
    let deflated = &gzip[GZIP_HEADER..gzip.len() - GZIP_TRAILER];
    miniz_oxide::inflate::decompress_to_vec(deflated).expect("a file that the build made is complete")
}

/// Whether a client says that it accepts gzip. A client that says nothing gets the plain file.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings: Vec<(&str, bool)> = values
        .flat_map(|value| value.split(','))
        .map(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
            (name.trim(), weight.is_ok_and(|weight| weight > 0.0) || coding == name)
        })
        .collect();
    let of = |wanted: &[&str]| codings.iter().find(|(name, _)| wanted.contains(name)).map(|(_, is)| *is);
    of(&["gzip", "x-gzip"]).or_else(|| of(&["*"])).unwrap_or(false)
}

fn names(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
