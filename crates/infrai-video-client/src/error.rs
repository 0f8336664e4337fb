use std::fmt;

use http::header::InvalidHeaderValue;

use crate::answer::{Answer, ResponseValue};
use crate::request::Unbuildable;
use crate::text::{one_line, what_is_wrong};
use crate::types::ErrorEnvelope;

/// Why a call of the generated client brought no result.
#[non_exhaustive]
pub enum Error<E = ErrorEnvelope> {
    /// The request could not be built, for this reason. Nothing was sent.
    InvalidRequest(String),
    /// No whole answer came. Whether the request was carried out is not known.
    Exchange(ExchangeError),
    /// The service says no.
    ErrorResponse(ResponseValue<E>),
    /// The service says yes, in words that are not the contract's.
    InvalidResponsePayload(Answer, serde_json::Error),
    /// The service answered with a status that is neither: a redirect, say.
    UnexpectedResponse(Answer),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(why) => write!(f, "the request cannot be built: {why}"),
            Self::Exchange(error) => write!(f, "no whole answer came: {error}"),
            Self::ErrorResponse(answer) => {
                let error = &answer.error;
                let (message, code) = (one_line(&error.message), one_line(&error.code));
                write!(f, "the service answered {}: {message} ({code})", answer.status())
            }
            Self::InvalidResponsePayload(answer, error) => {
                let what = what_is_wrong(error);
                write!(f, "the service answered {}, and not as the contract says: {what}", answer.status)
            }
            Self::UnexpectedResponse(answer) => {
                write!(f, "the service answered {}, which the contract does not know", answer.status)
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
            // What serde_json says repeats the answer, which may hold a signed link.
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
        Self::InvalidRequest(format!("a header's value holds characters that no header can carry ({error})"))
    }
}

impl<E> From<ExchangeError> for Error<E> {
    fn from(error: ExchangeError) -> Self {
        Self::Exchange(error)
    }
}

/// Why an exchange brought no whole answer: whatever the [`Exchange`](crate::Exchange) says.
#[derive(Debug)]
pub struct ExchangeError(Box<dyn std::error::Error + Send + Sync>);

impl ExchangeError {
    /// An error with this cause.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }

    /// The cause, if it is of that type.
    ///
    /// # Errors
    ///
    /// Gives this error back where it is of another.
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
    use crate::{Answer, Envelope};

    #[test]
    fn an_error_repeats_nothing_of_a_body_that_may_hold_a_link() {
        let body =
            Bytes::from_static(br#"{"ok":true,"data":"https://files.example/c.mp4?signature=SECRET"}"#);
        let answer = Answer::new(StatusCode::OK, HeaderMap::new(), body);
        let read = ResponseValue::<Envelope<DownloadLink>>::from_response(answer);
        let error: Error = read.now_or_never().expect("nothing is waited for").unwrap_err();
        let mut told = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            told += &format!("{error} {error:?}");
            cause = error.source();
        }
        assert!(told.contains("another shape") && !told.contains("SECRET"), "{told}");
    }
}
