use std::fmt;

use http::header::InvalidHeaderValue;

use crate::request::Unbuildable;
use crate::response::{RawResponse, ResponseValue};
use crate::text::{describe_decode_error, one_line};
use crate::types::ErrorEnvelope;

/// An error of a call of the generated client.
#[non_exhaustive]
pub enum Error<E = ErrorEnvelope> {
    /// The request could not be built. Nothing was sent.
    InvalidRequest(String),
    /// No complete response was received. Whether the request was executed is unknown.
    Exchange(ExchangeError),
    /// An error response (4xx or 5xx).
    ErrorResponse(ResponseValue<E>),
    /// A successful response that cannot be decoded.
    InvalidResponsePayload(RawResponse, serde_json::Error),
    /// A response with any other status, such as a redirect.
    UnexpectedResponse(RawResponse),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(why) => write!(f, "the request cannot be built: {why}"),
            Self::Exchange(error) => write!(f, "no complete response was received: {error}"),
            Self::ErrorResponse(response) => {
                let (status, error) = (response.status(), &response.error);
                match (one_line(&error.message), one_line(&error.code)) {
                    (message, code) if message.is_empty() && code.is_empty() => {
                        write!(f, "the service responded with {status} and no reason")
                    }
                    (message, code) => write!(f, "the service responded with {status}: {message} ({code})"),
                }
            }
            Self::InvalidResponsePayload(response, error) => {
                let (status, what) = (response.status, describe_decode_error(error));
                write!(f, "the response ({status}) does not match the contract: {what}")
            }
            Self::UnexpectedResponse(response) => {
                write!(f, "the service responded with {}, which is not in the contract", response.status)
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Exchange(error) => Some(error),
            // The message of serde_json quotes the response, which may contain a signed link.
            _ => None,
        }
    }
}

impl<E> From<Unbuildable> for Error<E> {
    fn from(why: Unbuildable) -> Self {
        Self::InvalidRequest(why.0)
    }
}

impl<E> From<InvalidHeaderValue> for Error<E> {
    fn from(error: InvalidHeaderValue) -> Self {
        Self::InvalidRequest(format!("the value of a header contains invalid characters ({error})"))
    }
}

impl<E> From<ExchangeError> for Error<E> {
    fn from(error: ExchangeError) -> Self {
        Self::Exchange(error)
    }
}

/// The error of an [`Exchange`](crate::Exchange).
#[derive(Debug)]
pub struct ExchangeError(Box<dyn std::error::Error + Send + Sync>);

impl ExchangeError {
    /// An error with this cause.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }

    /// The cause, if it has this type.
    ///
    /// # Errors
    ///
    /// Returns this error if the cause has another type.
    pub fn downcast<T: std::error::Error + 'static>(self) -> Result<T, Self> {
        self.0.downcast().map(|cause| *cause).map_err(Self)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::types::DownloadLink;
    use crate::{Envelope, RawResponse};

    #[test]
    fn an_error_does_not_quote_the_body() {
        let body =
            Bytes::from_static(br#"{"ok":true,"data":"https://files.example/c.mp4?signature=SECRET"}"#);
        let response = RawResponse::new(StatusCode::OK, HeaderMap::new(), body);
        let decoded = ResponseValue::<Envelope<DownloadLink>>::from_response(response);
        let error: Error = decoded.now_or_never().expect("it does not wait").unwrap_err();
        let mut shown = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            shown += &format!("{error} {error:?}");
            cause = error.source();
        }
        assert!(shown.contains("another shape") && !shown.contains("SECRET"), "{shown}");
    }
}
