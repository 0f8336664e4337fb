//! Errors, as a user gets them.

mod kind;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use infrai_video_client::redact;

pub use kind::ErrorKind;
pub use transport::{TransportError, TransportErrorKind};

use crate::ids::IdempotencyKey;
use crate::text::one_line;

/// The error of a call, and what to do next.
///
/// An error has the size of a pointer and is cheap to clone. `Display` is one line that ends with the next step. `Debug` adds
/// the causes, so that a `main` that returns the error prints readable text; `{:#?}` lists all fields. Neither shows the API key or
/// a signed link.
///
/// # Troubleshooting
///
/// - [`is_outcome_unknown`](Self::is_outcome_unknown): a write may have been executed. Send the same
///   [`Submission`](crate::Submission) again; never prepare a new one for the same clip.
/// - [`is_insufficient_credit`](Self::is_insufficient_credit): top up, then send the same submission again.
/// - [`is_retryable`](Self::is_retryable): the same call can succeed later. This call has used all its retries.
#[derive(Clone)]
pub struct Error(Arc<Facts>);

#[derive(Clone, Default)]
struct Facts {
    kind: Option<ErrorKind>,
    message: String,
    operation: Option<&'static str>,
    field: Option<&'static str>,
    status: Option<u16>,
    code: Option<String>,
    hint: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    idempotency_key: Option<IdempotencyKey>,
    retryable: bool,
    outcome_unknown: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Facts { kind: Some(kind), message: message.into(), ..Facts::default() }))
    }

    /// A value that is rejected before anything is sent.
    pub(crate) fn invalid(field: &'static str, message: String) -> Self {
        Self::new(ErrorKind::InvalidInput, message).with_field(field)
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Rejected)
    }

    /// What failed and why, without the next step.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The contract's operation, such as `video_generate`, if one was called.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The field or setting that was rejected before sending.
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's name for the error in UPPER_SNAKE case (`ErrorDetail.code`). An open vocabulary.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's advice (`ErrorDetail.hint`).
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The service's identifier of the call (`Metadata.request_id`); quote it when asking for help.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The delay that the service requested with `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The number of attempts.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The idempotency key of all attempts. With it, the same request can be sent again without being charged twice.
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.0.idempotency_key.as_ref()
    }

    /// Whether the same call can succeed later. This call has used all its retries.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether a write may have been executed although this call has no result.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// Whether the balance is too low. `POST /v1/account/topup` returns a `checkout_url` to open.
    pub fn is_insufficient_credit(&self) -> bool {
        self.kind() == ErrorKind::InsufficientCredit
    }

    /// What to do next, as one clause.
    pub fn next_step(&self) -> String {
        let under = match self.idempotency_key() {
            Some(key) => format!("the idempotency key {key}"),
            None => "the same idempotency key".to_owned(),
        };
        match self.kind() {
            ErrorKind::AcceptedEarlier => {
                return format!(
                    "the first request under {under} stands: find its job with `list`, and do not send it under a new key"
                );
            }
            ErrorKind::InsufficientCredit | ErrorKind::Expired => {}
            ErrorKind::Authentication if self.is_outcome_unknown() => {
                return format!(
                    "check INFRAI_API_KEY, then send the same request again under {under}: an earlier one may have been carried out"
                );
            }
            _ if self.is_outcome_unknown() => {
                return format!("it may have been carried out: send the same request again, under {under}");
            }
            _ => {}
        }
        if let Some(hint) = self.hint() {
            return hint.to_owned();
        }
        self.kind().next_step().to_owned()
    }

    fn with(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn with_operation(self, operation: &'static str) -> Self {
        self.with(|facts| facts.operation = Some(operation))
    }

    pub(crate) fn with_field(self, field: &'static str) -> Self {
        self.with(|facts| facts.field = Some(field))
    }

    /// The same error with another kind and message.
    pub(crate) fn turned_into(self, kind: ErrorKind, message: String) -> Self {
        self.with(|facts| (facts.kind, facts.message) = (Some(kind), message))
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.with(|facts| facts.hint = Some(hint.into()))
    }

    pub(crate) fn with_response(self, status: u16, body: infrai_video_client::ErrorBody) -> Self {
        self.with(|facts| {
            facts.status = Some(status);
            facts.code = body.code;
            facts.hint = body.hint.or(facts.hint.take());
            facts.request_id = body.request_id;
        })
    }

    pub(crate) fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        self.with(|facts| facts.retry_after = retry_after)
    }

    pub(crate) fn with_attempts(self, attempts: u32, key: Option<&IdempotencyKey>) -> Self {
        self.with(|facts| {
            facts.attempts = attempts;
            facts.idempotency_key = key.cloned();
        })
    }

    pub(crate) fn with_retryable(self, retryable: bool) -> Self {
        self.with(|facts| facts.retryable = retryable)
    }

    pub(crate) fn with_outcome_unknown(self, unknown: bool) -> Self {
        self.with(|facts| facts.outcome_unknown = unknown)
    }

    pub(crate) fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.with(|facts| facts.source = Some(Arc::from(source.into())))
    }

    /// An error of a file operation.
    pub(crate) fn storage(path: &std::path::Path, doing: &str, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Storage, format!("cannot {doing} {}: {source}", path.display()))
            .with_source(source)
    }
}

impl From<TransportError> for Error {
    fn from(source: TransportError) -> Self {
        let kind = source.error_kind();
        let error = Self::new(kind, source.to_string()).with_retryable(source.is_retryable());
        let error = match &source.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        error.with_source(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        write!(f, "{}", self.message())?;
        let mut facts = Vec::new();
        facts.extend(self.status().map(|status| format!("status {status}")));
        facts.extend(self.code().map(str::to_owned));
        facts.extend(self.request_id().map(|id| format!("request {id}")));
        if self.attempts() > 1 {
            facts.push(format!("{} attempts", self.attempts()));
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        // The message of an invalid value already says what is valid.
        match self.kind() {
            ErrorKind::InvalidInput => Ok(()),
            _ => write!(f, "; {}", self.next_step()),
        }
    }
}

/// Writes an error for a `main` that returns it: its line, and each cause that adds information.
pub(crate) fn write_report(
    f: &mut fmt::Formatter<'_>,
    error: &dyn std::error::Error,
    message: &str,
) -> fmt::Result {
    let mut shown = error.to_string();
    f.write_str(&shown)?;
    let (mut cause, mut is_first) = (error.source(), true);
    while let Some(error) = cause {
        let text = one_line(&error.to_string());
        if !shown.contains(&text) && (message.is_empty() || !text.contains(message)) {
            f.write_str(if is_first { "\n\nCaused by:\n    " } else { "\n    " })?;
            f.write_str(&text)?;
            is_first = false;
            shown.push_str(&text);
        }
        cause = error.source();
    }
    Ok(())
}

/// A cause with all its fields, without secrets: a server may have written some of it.
struct Cause<'a>(&'a (dyn std::error::Error + Send + Sync));

impl fmt::Debug for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&format!("{:#?}", self.0), None))
    }
}

impl fmt::Debug for Error {
    /// The line of `Display` with its causes; all fields with `{:#?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return write_report(f, self, self.message());
        }
        let mut report = f.debug_struct("Error");
        report.field("kind", &self.kind()).field("message", &self.message());
        macro_rules! known {
            ($($name:ident),+) => {
                $(if let Some(value) = &self.0.$name {
                    report.field(stringify!($name), value);
                })+
            };
        }
        known!(operation, field, status, code, hint, request_id, retry_after, idempotency_key);
        report
            .field("attempts", &self.attempts())
            .field("retryable", &self.is_retryable())
            .field("outcome_unknown", &self.is_outcome_unknown());
        if let Some(source) = &self.0.source {
            report.field("source", &Cause(&**source));
        }
        report.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_size_of_a_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
