//! Files that are part of the program.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::model::ids::sha256_hex;

pub(super) struct Asset {
    content_type: &'static str,
    text: &'static str,
}

impl Asset {
    pub(super) const fn new(content_type: &'static str, text: &'static str) -> Self {
        Self { content_type, text }
    }

    /// The file, or 304 if the caller has it already.
    pub(super) fn respond(&self, request: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", sha256_hex(self.text.as_bytes()));
        let known = request.get(IF_NONE_MATCH).is_some_and(|known| names(known, &tag));
        let mut response = Response::new(if known { Body::empty() } else { Body::from(self.text) });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
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

fn names(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
