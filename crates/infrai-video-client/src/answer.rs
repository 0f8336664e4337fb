//! What came back from the service.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::error::Error;

/// A whole answer. Its `Debug` form shows neither headers nor body, which may hold signed links.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Bytes,
}

impl Answer {
    /// An answer, as an [`Exchange`](crate::Exchange) gives it.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// As the generated code asks for it.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What an answer is read into. It has to be public, and cannot be named outside of this crate.
pub trait FromAnswer: Sized {
    /// Reads as much as can be read.
    ///
    /// # Errors
    ///
    /// Fails where what is required is not there.
    fn from_answer(answer: &Answer) -> serde_json::Result<Self>;
}

/// A result, with the status and the headers that it came with. Derefs to the result.
#[derive(Clone, PartialEq)]
pub struct ResponseValue<T> {
    inner: T,
    status: StatusCode,
    headers: HeaderMap,
}

impl<T> ResponseValue<T> {
    /// The result alone.
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

impl<T: FromAnswer> ResponseValue<T> {
    #[allow(clippy::unused_async, reason = "the generated code awaits it")]
    pub(crate) async fn from_response<E>(answer: Answer) -> Result<Self, Error<E>> {
        match T::from_answer(&answer) {
            Ok(inner) => Ok(Self { inner, status: answer.status, headers: answer.headers }),
            Err(error) => Err(Error::InvalidResponsePayload(answer, error)),
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
