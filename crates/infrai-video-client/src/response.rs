//! Responses of the service.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::error::Error;

/// A whole response before it is decoded. Its `Debug` form shows neither headers nor body, which may contain signed links.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RawResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it was received.
    pub body: Bytes,
}

impl RawResponse {
    /// A response, as an [`Exchange`](crate::Exchange) returns it.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// Called by the generated code.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A type that a response is decoded into. It has to be public, and cannot be named outside of this crate.
pub trait FromResponse: Sized {
    /// Decodes as much as possible.
    ///
    /// # Errors
    ///
    /// If a required member is missing.
    fn from_response(response: &RawResponse) -> serde_json::Result<Self>;
}

/// A decoded response with its status and headers. Derefs to the decoded value.
#[derive(Clone, PartialEq)]
pub struct ResponseValue<T> {
    inner: T,
    status: StatusCode,
    headers: HeaderMap,
}

impl<T> ResponseValue<T> {
    /// The decoded value.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl<T: FromResponse> ResponseValue<T> {
    #[allow(clippy::unused_async, reason = "the generated code awaits it")]
    pub(crate) async fn from_response<E>(response: RawResponse) -> Result<Self, Error<E>> {
        match T::from_response(&response) {
            Ok(inner) => Ok(Self { inner, status: response.status, headers: response.headers }),
            Err(error) => Err(Error::InvalidResponsePayload(response, error)),
        }
    }
}

impl<T> Deref for ResponseValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for ResponseValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseValue")
            .field("inner", &self.inner)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
