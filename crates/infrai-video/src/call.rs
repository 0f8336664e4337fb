//! One call of the API: its attempts, and the only loop in this crate that repeats a request.

mod api_result;
mod key_age;

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};
use infrai_video_client as generated;
use infrai_video_client::{Answer, Envelope, ErrorBody, MAX_RESPONSE_BYTES, ResponseValue, types};
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use api_result::ApiResult;
pub(crate) use key_age::sync_time;

use crate::client::{Client, Shared};
use crate::error::{Error, ErrorKind};
use crate::ids::{IdempotencyKey, JobId};
use crate::response::Response;
use crate::retry::{RetryPolicy, retry_after};
use crate::secrets::Secrets;
use crate::text::{one_line, what_is_wrong};
use crate::time::after;
use crate::transport::{ACCEPTED, Incoming, TransportError, decoded};

type Reply<T> = Result<ResponseValue<Envelope<T>>, generated::Error>;
type Sending<T> = dyn for<'a> Fn(&'a generated::Client, &'a Plan) -> BoxFuture<'a, Reply<T>> + Send + Sync;

/// A call that reads and changes nothing. It is sent when it is awaited.
#[must_use = "a call is not sent until it is awaited"]
pub struct Call<T> {
    client: Client,
    plan: Result<Plan, Error>,
    send: Box<Sending<T>>,
}

/// A call that changes something, under an idempotency key. It is sent when it is awaited.
#[must_use = "a call is not sent until it is awaited"]
pub struct Write<T>(Call<T>);

/// What all attempts of a call have in common.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) operation: &'static str,
    pub(crate) job: Option<JobId>,
    pub(crate) policy: RetryPolicy,
    /// The key of a call that changes something: every attempt carries it.
    pub(crate) key: Option<IdempotencyKey>,
    /// When the key was made, where it is safe to send only while the service remembers it.
    pub(crate) prepared_at: Option<Timestamp>,
    /// The exact body, where it was fixed before.
    pub(crate) body: Option<Bytes>,
    /// Whether the key was sent by an earlier call, perhaps of an earlier process.
    pub(crate) sent_before: bool,
    /// Whether the service may know the key from elsewhere, such as a key of the caller's own choice.
    pub(crate) known_key: bool,
}

impl Plan {
    /// The job's id, for the operations that have one in their path.
    pub(crate) fn job(&self) -> &str {
        self.job.as_ref().map_or("", JobId::as_str)
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(IdempotencyKey::as_str)
    }
}

impl<T> Call<T> {
    pub(crate) fn new(
        client: &Client,
        plan: Result<Plan, Error>,
        send: impl for<'a> Fn(&'a generated::Client, &'a Plan) -> BoxFuture<'a, Reply<T>> + Send + Sync + 'static,
    ) -> Self {
        Self { client: client.clone(), plan, send: Box::new(send) }
    }

    /// Repeats this call by another policy than the client's.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        if let Ok(plan) = &mut self.plan {
            plan.policy = policy;
        }
        self
    }
}

impl<T> Write<T> {
    /// Mints the key, once, before anything is sent.
    pub(crate) fn new(mut call: Call<T>) -> Self {
        if let Ok(plan) = &mut call.plan {
            plan.key.get_or_insert_with(|| call.client.mint_key());
        }
        Self(call)
    }

    /// Uses this key instead of the minted one, to carry out an intent once although it is asked for several times.
    pub fn with_idempotency_key(mut self, key: IdempotencyKey) -> Self {
        if let Ok(plan) = &mut self.0.plan {
            (plan.key, plan.known_key) = (Some(key), true);
        }
        self
    }

    /// Repeats this call by another policy than the client's.
    pub fn with_retry_policy(self, policy: RetryPolicy) -> Self {
        Self(self.0.with_retry_policy(policy))
    }
}

impl<T: ApiResult + Send + 'static> IntoFuture for Call<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let plan = self.plan?;
            let span = tracing::debug_span!(
                "call",
                operation = plan.operation,
                job_id = plan.job.as_ref().map(JobId::as_str),
                idempotency_key = plan.key(),
            );
            run(&self.client, &plan, &*self.send).instrument(span).await
        })
    }
}

impl<T: ApiResult + Send + 'static> IntoFuture for Write<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.into_future()
    }
}

impl<T> std::fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plan = self.plan.as_ref().ok();
        f.debug_struct("Call")
            .field("operation", &plan.map(|plan| plan.operation))
            .field("job", &plan.and_then(|plan| plan.job.as_ref()))
            .field("idempotency_key", &plan.and_then(|plan| plan.key.as_ref()))
            .finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for Write<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The retry loop.
async fn run<T: ApiResult>(client: &Client, plan: &Plan, send: &Sending<T>) -> Result<Response<T>, Error> {
    let deadline = after(plan.policy.max_elapsed());
    let began = client.shared.clocks.moment();
    let mut attempts = 0;
    // Whether an attempt of this call, or an earlier call with this key, may have been carried out unnoticed.
    let mut outcome_unknown = plan.sent_before;
    loop {
        attempts += 1;
        let span = tracing::debug_span!("attempt", attempt = attempts);
        let once = async {
            if outcome_unknown && let Some(prepared_at) = plan.prepared_at {
                // A call of this process can outlast its key only where the machine slept, or with days of patience.
                let since = client.shared.clocks.since(began).filter(|_| !plan.sent_before);
                if since.is_none_or(key_age::is_too_old) {
                    key_age::check(client, prepared_at, deadline).await?;
                }
            }
            attempt(client, plan, send, deadline).await
        };
        let failure = match once.instrument(span).await {
            Ok(Success { result, metadata, retry_after }) => {
                client.shared.budget.give_back();
                return Ok(Response::new(result, metadata, attempts, plan.key.clone(), retry_after));
            }
            Err(failure) => failure,
        };
        let failure = failure.seen_by(plan, outcome_unknown);
        outcome_unknown |= plan.key.is_some() && failure.may_have_been_carried_out;
        // A request in progress takes as long as it takes: asking for it early would only use the attempts up.
        let share = if failure.in_progress { 1.0 } else { client.random_share() };
        let delay = plan.policy.delay(attempts, share, failure.retry_after);
        let repeat = failure.retryable
            && attempts < plan.policy.max_attempts()
            && after(delay) < deadline
            && client.shared.budget.take();
        if !repeat {
            return Err(failure
                .error
                .with_operation(plan.operation)
                .with_retry_after(failure.retry_after)
                .with_attempts(attempts, plan.key.as_ref())
                .with_retryable(failure.retryable)
                .with_outcome_unknown(outcome_unknown));
        }
        tracing::debug!(attempt = attempts, delay_ms = delay.as_millis() as u64, error = %failure.error, "repeating the call");
        sleep(delay).await;
    }
}

/// An attempt that brought no result.
struct Failure {
    error: Error,
    retryable: bool,
    may_have_been_carried_out: bool,
    /// Whether the service says that an earlier request under this key is still being carried out.
    in_progress: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    fn certain(error: Error) -> Self {
        Self {
            error,
            retryable: false,
            may_have_been_carried_out: false,
            in_progress: false,
            retry_after: None,
        }
    }

    /// A refusal of a key that may have been accepted before is no verdict on the request. Starting a job has no other
    /// conflict; the other writes have conflicts of their own, over the job's state, which name themselves.
    fn seen_by(mut self, plan: &Plan, outcome_unknown: bool) -> Self {
        if self.in_progress && plan.key.is_some() {
            let message = format!(
                "a request under this idempotency key is still being carried out: {}",
                self.error.message()
            );
            self.error = self.error.turned_into(ErrorKind::InProgress, message);
            (self.retryable, self.may_have_been_carried_out) = (true, true);
            return self;
        }
        let starts_a_job = plan.operation == "video_generate";
        let about_the_key =
            self.error.code().is_none_or(|code| code.to_ascii_uppercase().contains("IDEMPOTEN"));
        let accepted_earlier = match self.error.status() {
            Some(409) if starts_a_job => true,
            Some(409) => (outcome_unknown || plan.known_key) && about_the_key,
            Some(422) => outcome_unknown && (starts_a_job || about_the_key),
            _ => false,
        };
        if accepted_earlier && plan.key.is_some() {
            let message = format!("the idempotency key was accepted earlier: {}", self.error.message());
            self.error = self.error.turned_into(ErrorKind::AcceptedEarlier, message);
            self.retryable = false;
        }
        self
    }
}

/// What an attempt brought.
struct Success<T> {
    result: T,
    metadata: types::Metadata,
    retry_after: Option<Duration>,
}

/// A generated client for one request, which ends at the deadline at the latest.
fn api_for_one_request(client: &Client, body: Option<Bytes>, deadline: Instant) -> generated::Client {
    let shared = &client.shared;
    let allowed = shared.timeouts.attempt.min(deadline.saturating_duration_since(Instant::now()));
    let exchange = OneExchange { shared: Arc::clone(shared), body, allowed };
    let context = shared.context.with_exchange(Arc::new(exchange));
    generated::Client::new_with_client(&shared.base_url, shared.builder.clone(), context)
}

async fn attempt<T: ApiResult>(
    client: &Client,
    plan: &Plan,
    send: &Sending<T>,
    deadline: Instant,
) -> Result<Success<T>, Failure> {
    let api = api_for_one_request(client, plan.body.clone(), deadline);
    let secrets = &client.shared.secrets;
    match send(&api, plan).await {
        Ok(answer) => judge(answer, secrets),
        Err(generated::Error::InvalidResponsePayload(answer, error)) => {
            let nothing_to_come = answer.status == StatusCode::NO_CONTENT
                || answer.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
            match T::of_nothing().filter(|_| nothing_to_come && answer.body.is_empty()) {
                Some(result) => Ok(Success {
                    result,
                    metadata: types::Metadata::default(),
                    retry_after: retry_after(&answer.headers),
                }),
                None => Err(undecodable(answer.status, error)),
            }
        }
        Err(generated::Error::Exchange(error)) => Err(match error.downcast() {
            Ok(Ended::Refused(answer)) => {
                let body = secrets.remove_from_body(ErrorBody::read(&answer.body));
                refusal(answer.status, body, retry_after(&answer.headers))
            }
            Ok(Ended::Failed(error)) => transport_failure(error.without(secrets)),
            Err(error) => not_understood(error.to_string()),
        }),
        Err(generated::Error::InvalidRequest(why)) => {
            Err(Failure::certain(Error::new(ErrorKind::InvalidInput, why)))
        }
        Err(error) => Err(not_understood(error.to_string())),
    }
}

/// An answer with a status of success may still say no.
fn judge<T: ApiResult>(answer: ResponseValue<Envelope<T>>, secrets: &Secrets) -> Result<Success<T>, Failure> {
    let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
    let mut envelope = answer.into_inner();
    secrets.remove_from_metadata(&mut envelope.metadata);
    if let Some(data) = &mut envelope.data {
        data.each_text(&mut |text| secrets.remove_from(text));
    }
    match envelope {
        Envelope { ok: true, data: Some(data), metadata, .. } if data.says_no() => {
            let request_id = metadata.request_id.as_deref().map(one_line);
            let body = ErrorBody { request_id, ..ErrorBody::default() };
            let error = Error::new(ErrorKind::Rejected, "the service says that it was not carried out");
            Err(Failure::certain(error.with_answer(status.as_u16(), body)))
        }
        Envelope { ok: true, data: Some(result), metadata, .. } => {
            Ok(Success { result, metadata, retry_after })
        }
        Envelope { error, metadata, .. } => {
            let body = error.map(|error| ErrorBody::from_api_error(error, metadata.request_id));
            Err(refusal(status, secrets.remove_from_body(body.unwrap_or_default()), retry_after))
        }
    }
}

/// The exchange came to an end that is not known here, after the request may have left.
fn not_understood(what: String) -> Failure {
    Failure { may_have_been_carried_out: true, ..Failure::certain(Error::new(ErrorKind::Decode, what)) }
}

fn transport_failure(error: TransportError) -> Failure {
    let (retryable, may_have_been_carried_out) = (error.is_retryable(), error.may_have_been_sent());
    Failure { retryable, may_have_been_carried_out, ..Failure::certain(error.into()) }
}

/// The service answered, and says no.
fn refusal(status: StatusCode, body: ErrorBody, retry_after: Option<Duration>) -> Failure {
    let insufficient = status == StatusCode::PAYMENT_REQUIRED
        || body.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("INSUFFICIENT_CREDIT"));
    let kind = match status.as_u16() {
        _ if insufficient => ErrorKind::InsufficientCredit,
        401 | 403 => ErrorKind::Authentication,
        404 => ErrorKind::NotFound,
        409 | 410 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        408 => ErrorKind::TimedOut,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Rejected,
    };
    let transient = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
    let may_retry = body.retryable != Some(false) && !insufficient;
    let in_progress = matches!(status.as_u16(), 409 | 423 | 425) && body.retryable == Some(true);
    let message = match &body.message {
        Some(message) => message.clone(),
        None if status.is_redirection() => {
            "the service answered with a redirect, which is not followed".to_owned()
        }
        None => format!("the service answered {status} without a reason"),
    };
    let mut error = Error::new(kind, message);
    if status.is_redirection() {
        error = error.with_hint("check that the base URL is the API's");
    }
    Failure {
        retryable: transient && may_retry,
        may_have_been_carried_out: status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT,
        in_progress,
        retry_after,
        error: error.with_answer(status.as_u16(), body),
    }
}

/// The service said yes, in words that make no sense. Asking again under the same key can bring the sense.
fn undecodable(status: StatusCode, cause: serde_json::Error) -> Failure {
    let cut_or_garbled = cause.is_eof() || cause.is_syntax();
    let message = format!("the answer is not what the contract says: {}", what_is_wrong(&cause));
    let error = Error::new(ErrorKind::Decode, message).with_answer(status.as_u16(), ErrorBody::default());
    Failure { retryable: cut_or_garbled, may_have_been_carried_out: true, ..Failure::certain(error) }
}

/// Sends one attempt and reads the whole answer.
struct OneExchange {
    shared: Arc<Shared>,
    body: Option<Bytes>,
    /// How long it may take.
    allowed: Duration,
}

/// Why an exchange brought nothing to decode.
#[derive(Debug)]
enum Ended {
    /// The status says no.
    Refused(Answer),
    Failed(TransportError),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(answer) => write!(f, "the service answered {}", answer.status),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Ended {}

impl OneExchange {
    async fn answer(&self, mut request: reqwest::Request) -> Result<Answer, TransportError> {
        request.headers_mut().insert(USER_AGENT, self.shared.user_agent.clone());
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        if request.method() == Method::GET {
            // A state that a cache between here and the service kept is no news.
            request.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        if let Some(body) = &self.body {
            *request.body_mut() = Some(body.clone().into());
        }
        let read = self.shared.timeouts.read;
        let exchange = async {
            let Incoming { status, headers, body } = self.shared.sender.send(request).await?;
            self.shared.clocks.note(&headers);
            let body = body.bounded(read, MAX_RESPONSE_BYTES).await;
            let body = match body.and_then(|body| decoded(&headers, body, MAX_RESPONSE_BYTES)) {
                Ok(body) => body,
                // A status that says no needs no body to be believed.
                Err(_) if !status.is_success() => Bytes::new(),
                Err(error) => return Err(error),
            };
            Ok(Answer::new(status, headers, body))
        };
        match timeout(self.allowed, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::timed_out("no whole answer came", self.allowed)),
        }
    }
}

impl generated::Exchange for OneExchange {
    fn exchange(
        &self,
        request: reqwest::Request,
        _: &'static str,
    ) -> BoxFuture<'_, Result<Answer, generated::ExchangeError>> {
        Box::pin(async move {
            let answer = self.answer(request).await.map_err(Ended::Failed);
            let ended = match answer {
                Ok(answer) => {
                    tracing::debug!(status = answer.status.as_u16(), "answered");
                    if answer.status.is_success() {
                        return Ok(answer);
                    }
                    Ended::Refused(answer)
                }
                Err(ended) => ended,
            };
            Err(generated::ExchangeError::new(ended))
        })
    }
}
