use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use infrai_video_client::redact;

use crate::ids::IdempotencyKey;
use crate::text::one_line;
use crate::transport::TransportError;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or wrong, such as the key or the base URL. Nothing was sent.
    Config,
    /// A value is out of its range. Nothing was sent.
    InvalidInput,
    /// No vendor can make what was asked for, by its own capabilities. Nothing was sent, nothing was charged.
    Unsupported,
    /// The service does not accept the key (401 or 403).
    Authentication,
    /// The balance is too low (402). Nothing was started.
    InsufficientCredit,
    /// There is no such job (404).
    NotFound,
    /// The state of the job does not allow the call (409, 410).
    Conflict,
    /// The idempotency key was accepted earlier (409 or 422 for a key that was sent before). The first request stands.
    AcceptedEarlier,
    /// A request under this idempotency key is still being carried out (409, 423 or 425 with `retryable: true`), also after
    /// the retries. Sent again under the same key later, it brings the result.
    InProgress,
    /// The service refused the request (another 4xx, or a result that says no).
    Rejected,
    /// Too many calls (429), also after the retries.
    RateLimited,
    /// The service failed (5xx), also after the retries.
    Server,
    /// The service could not be reached: no connection was made.
    Unreachable,
    /// The connection was lost, or the answer was cut short, after the request may have been sent.
    ConnectionLost,
    /// The answer did not come in time.
    TimedOut,
    /// The answer could not be understood.
    Decode,
    /// The list went in a circle: a cursor came twice.
    Pagination,
    /// The clip could not be downloaded, or what came is not the whole right clip. The job is fine.
    Download,
    /// A file could not be read or written.
    Storage,
    /// The submission may have been sent before, and is older than its key's lifetime, or its age cannot be established: sent
    /// again, it could be charged again. It was not sent this time. See [`Submit::with_any_age`](crate::Submit::with_any_age).
    Expired,
    /// The job failed, or succeeded without a clip. See [`WaitError`](crate::WaitError).
    JobFailed,
    /// The job was cancelled. See [`WaitError`](crate::WaitError).
    JobCancelled,
    /// The job was still on its way when the wait ended. See [`WaitError`](crate::WaitError).
    StillRunning,
}

impl ErrorKind {
    /// What to do next where nothing more is known.
    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::Config => "set it and try again",
            Self::InvalidInput => "correct the value",
            Self::Unsupported => {
                "choose another duration or resolution; `capabilities` lists what can be made"
            }
            Self::Authentication => "check INFRAI_API_KEY; keys look like ifr_pk_proj_...",
            Self::InsufficientCredit => {
                "POST /v1/account/topup and open the checkout_url that it answers, then send the same request again"
            }
            Self::NotFound => "check the job id; `list` shows the account's jobs",
            Self::Conflict => "read the job's state with `status`",
            Self::AcceptedEarlier => {
                "the first request stands: find its job with `list`, and do not send it under a new key"
            }
            Self::InProgress => "send the same request again later, under the same key",
            Self::Rejected => "correct the request",
            Self::RateLimited => "wait, then try again",
            Self::Server => "try again later",
            Self::Unreachable => "check the network and the base URL, then try again",
            Self::ConnectionLost | Self::TimedOut => "try again",
            Self::Decode => "check that the base URL is the API's",
            Self::Pagination => "start the list again without a cursor",
            Self::Download => "download again with the job id; nothing is generated or charged again",
            Self::Storage => "check the path and the free space",
            Self::Expired => {
                "look for its job with `list`; only where there is none, prepare a new submission"
            }
            Self::JobFailed => "change the request and generate again",
            Self::JobCancelled => "generate again if the clip is still wanted",
            Self::StillRunning => "wait again with the job id; nothing is charged again",
        }
    }
}

/// Why a call failed, and what to do next.
///
/// One word wide, and cheap to clone. `Display` is one line that ends with the next step. `Debug` adds the causes, so that a
/// `main` that returns the error prints what a person can read; `{:#?}` lists every fact. None shows a key or a signed link.
///
/// # Troubleshooting
///
/// - [`is_outcome_unknown`](Self::is_outcome_unknown): a write may have been carried out. Send the same
///   [`Submission`](crate::Submission) again; never make a new one for the same clip.
/// - [`is_insufficient_credit`](Self::is_insufficient_credit): top up, then send the same submission again.
/// - [`is_retryable`](Self::is_retryable): the same call can succeed later. The retries of this call are spent.
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

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Rejected)
    }

    /// What went wrong, without the next step.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The contract's operation, such as `video_generate`, where one was called.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The field or setting that was refused before sending.
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }

    /// The HTTP status, where the service answered.
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

    /// Names the call on the service's side (`Metadata.request_id`); quote it when asking for help.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times the request was sent, or tried to.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The key that every attempt carried. With it, the same request can be sent again without being charged twice.
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.0.idempotency_key.as_ref()
    }

    /// Whether the same call can succeed later. The retries of this call are spent already.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether a write may have been carried out although this call did not learn of it.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// Whether the balance is too low. `POST /v1/account/topup` answers a `checkout_url` to open.
    pub fn is_insufficient_credit(&self) -> bool {
        self.kind() == ErrorKind::InsufficientCredit
    }

    /// What to do next, in one clause.
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

    /// The same facts as another kind of failure.
    pub(crate) fn turned_into(self, kind: ErrorKind, message: String) -> Self {
        self.with(|facts| (facts.kind, facts.message) = (Some(kind), message))
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.with(|facts| facts.hint = Some(hint.into()))
    }

    pub(crate) fn with_answer(self, status: u16, body: infrai_video_client::ErrorBody) -> Self {
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

    /// A file that could not be used.
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
        // A refused value says in its message what would be right.
        match self.kind() {
            ErrorKind::InvalidInput => Ok(()),
            _ => write!(f, "; {}", self.next_step()),
        }
    }
}

/// An error as a program shows it whose `main` returns it: its line, and each of its causes that says something new.
pub(crate) fn write_report(
    f: &mut fmt::Formatter<'_>,
    error: &dyn std::error::Error,
    message: &str,
) -> fmt::Result {
    let mut said = error.to_string();
    f.write_str(&said)?;
    let (mut cause, mut is_first) = (error.source(), true);
    while let Some(error) = cause {
        let text = one_line(&error.to_string());
        if !said.contains(&text) && (message.is_empty() || !text.contains(message)) {
            f.write_str(if is_first { "\n\nCaused by:\n    " } else { "\n    " })?;
            f.write_str(&text)?;
            is_first = false;
            said.push_str(&text);
        }
        cause = error.source();
    }
    Ok(())
}

/// A cause with every fact, but without what looks like a secret: some of it may come from a server.
struct Cause<'a>(&'a (dyn std::error::Error + Send + Sync));

impl fmt::Debug for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&format!("{:#?}", self.0), None))
    }
}

impl fmt::Debug for Error {
    /// The line of `Display` with its causes; every fact with `{:#?}`.
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
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
