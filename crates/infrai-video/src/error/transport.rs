//! Errors of transports.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::ErrorKind;

/// The error of a request without a complete response.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    pub(crate) message: String,
    /// The next step, if the default for the kind is not specific enough.
    pub(crate) hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What happened to a request without a complete response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request could not be built. It was not sent, and a retry cannot succeed.
    Request,
    /// No connection was established. The request was not sent.
    Connect,
    /// No connection was established, and a retry cannot succeed: an untrusted certificate, a proxy that refuses, an invalid
    /// setting. The request was not sent.
    Rejected,
    /// The connection was lost, or the response was cut short. The request may have been executed.
    Lost,
    /// The response was not received in time. The request may have been executed.
    TimedOut,
    /// The response is larger than the SDK's limit. The request was executed.
    TooLarge,
    /// The response has a content encoding that was not requested, such as `br`. The request was executed.
    Encoded,
}

impl TransportError {
    /// An error of this kind; `message` is one line in lower case, without secrets.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Adds the cause, which must not contain secrets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What happened.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// A copy without the cause.
    pub(crate) fn without_source(&self) -> Self {
        Self { hint: self.hint.clone(), ..Self::new(self.kind, &*self.message) }
    }

    /// Adds the next step.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn timed_out(what: &str, after: Duration) -> Self {
        Self::new(TransportErrorKind::TimedOut, format!("{what} within {after:?}"))
    }

    /// Whether the server may have seen the request.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        !matches!(
            self.kind,
            TransportErrorKind::Request | TransportErrorKind::Connect | TransportErrorKind::Rejected
        )
    }

    pub(crate) fn is_retryable(&self) -> bool {
        !matches!(
            self.kind,
            TransportErrorKind::Request
                | TransportErrorKind::Rejected
                | TransportErrorKind::TooLarge
                | TransportErrorKind::Encoded
        )
    }

    pub(crate) fn error_kind(&self) -> ErrorKind {
        match self.kind {
            TransportErrorKind::Request => ErrorKind::InvalidInput,
            TransportErrorKind::Connect | TransportErrorKind::Rejected => ErrorKind::Unreachable,
            TransportErrorKind::Lost => ErrorKind::ConnectionLost,
            TransportErrorKind::TimedOut => ErrorKind::TimedOut,
            TransportErrorKind::TooLarge | TransportErrorKind::Encoded => ErrorKind::Decode,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
