//! A response recorded from the sandbox.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};

use crate::{Body, Failure, whole};

pub(crate) struct Recorded {
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Recorded {
    /// Parses a response with its head.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let (head, body) = text.split_once("\r\n\r\n").ok_or("a response has no head")?;
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        if status.split(' ').nth(1) != Some("200") {
            return Err(format!("the response is `{status}`").into());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>()?, HeaderValue::from_str(value)?);
        }
        // hyper writes these itself.
        for name in [CONTENT_LENGTH, DATE, CONNECTION] {
            headers.remove(name);
        }
        Ok(Self { headers, body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    /// The same head with this body.
    pub(crate) fn response(&self, body: Bytes) -> Response<Body> {
        let mut response = Response::new(whole(body));
        *response.headers_mut() = self.headers.clone();
        response
    }

    /// The same head without a body.
    pub(crate) fn head(&self) -> Self {
        Self { headers: self.headers.clone(), body: Bytes::new() }
    }
}
