//! The middleware around every request: journal, fault rules, latency, envelope, and durability.

use std::error::Error as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, DATE};
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt;
use tower_http::timeout::TimeoutError;
use tracing::debug;

use super::fault_injection::{self, Lost, Sent};
use super::record::{self, Record};
use crate::api::call::{Call, Facts};
use crate::api::envelope::{self, Outcome};
use crate::app_state::AppState;
use crate::faults::{Action, FaultCall, ResetFlag};
use crate::model::keys::account_in;
use crate::model::operation::{Host, Operation};
use crate::model::problem::Problem;
use crate::model::time::http_date;
use crate::quirks::{self, Quirks};
use crate::store::journal::{self, Seen};
use crate::store::{NotPersisted, redaction};

/// A body larger than the limit is drained up to this multiple of the limit, so that the caller can read the response.
const DRAINED: usize = 16;

/// The maximum size of a body of a response in the journal.
const KEPT_RESPONSE: u64 = 256 * 1024;

pub(crate) async fn observe(
    State((app, host)): State<(Arc<AppState>, Host)>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let operation = route.and_then(|route| Operation::of(&parts.method, route.as_str()));
    let limit = app.limits.body_bytes;
    let body = read(&parts, body, limit).await.map_err(|error| error.problem(limit, operation));
    // The record is dropped last, also if the caller gives up.
    let (call, mut record) = open(&app, (host, operation), &parts, body.as_ref().ok());
    let reset = parts.extensions.get::<ResetFlag>().cloned();
    let mut delivery = Delivery { app: &app, job: None, is_new: false, is_readable: false };

    let mut response = match before_handler(&app, &call, &mut parts).await {
        Some(response) => response,
        None => match body.and_then(|body| quirks::request::change(&app, &call, &mut parts, body)) {
            Ok(body) => {
                parts.extensions.insert(call.clone());
                next.run(Request::from_parts(parts, Body::from(body))).await
            }
            Err(problem) => problem.into_response(),
        },
    };
    if let Some(outcome) = response.extensions_mut().remove::<Outcome>() {
        response = finish(&app, &call, response, outcome, (&mut delivery, &mut record));
    }
    if host == Host::Files {
        quirks::response::change_file_headers(call.quirks, response.headers_mut());
    }
    if let Some(action) = &call.fault
        && response.extensions().get::<Lost>().is_none()
    {
        response = fault_injection::after(action, &app, &call, reset, response).await;
    }
    delivery.settle(call.fault.as_ref());
    app.clock.reach();
    // The response must not reveal a change that is not on the disk yet.
    if let Err(NotPersisted(reason)) = app.store.persisted().await
        && response.extensions().get::<Lost>().is_none()
    {
        response = envelope::respond(&app, &call, &Outcome::Problem(Problem::not_persisted(&reason)));
    }
    delivery.complete();
    close(&app, &call, response, &mut record).await
}

/// Records whether the response about a new job reaches the caller. A dropped request counts as a lost response.
struct Delivery<'a> {
    app: &'a AppState,
    job: Option<u64>,
    is_new: bool,
    is_readable: bool,
}

impl Delivery<'_> {
    /// Decides whether the caller can read the response, given the fault rule.
    fn settle(&mut self, fault: Option<&Action>) {
        self.is_readable = !fault.is_some_and(Action::spoils_the_response);
        if let Some(job) = self.job.filter(|_| self.is_readable) {
            self.app.store.response_delivered(self.app.now(), job);
        }
    }

    /// The response is sent.
    fn complete(mut self) {
        if self.is_readable {
            self.job = None;
        }
    }
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        // The loss of a replayed response changes nothing: the first one may have arrived.
        if let Some(job) = self.job.filter(|_| self.is_new) {
            self.app.store.response_lost(self.app.now(), job);
        }
    }
}

/// Reads a body of at most `limit` bytes, and never keeps more in memory.
async fn read(parts: &Parts, mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let drain_limit = limit.saturating_mul(DRAINED);
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > drain_limit) {
        return Err(BodyError::TooLarge);
    }
    let mut kept = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::of(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > drain_limit {
            break;
        }
    }
    if length > limit { Err(BodyError::TooLarge) } else { Ok(kept.freeze()) }
}

/// Why a body could not be read.
enum BodyError {
    TooLarge,
    TooSlow,
    Incomplete,
}

impl BodyError {
    fn of(error: &axum::Error) -> Self {
        match error.source().is_some_and(|source| source.is::<TimeoutError>()) {
            true => Self::TooSlow,
            false => Self::Incomplete,
        }
    }

    fn problem(self, limit: usize, operation: Option<Operation>) -> Problem {
        match self {
            Self::TooLarge => Problem::too_large(limit, operation),
            Self::TooSlow => Problem::body_too_slow(),
            Self::Incomplete => {
                Problem::invalid_request("the body ended before it was complete", "send the whole body")
            }
        }
    }
}

/// Adds the request to the journal and matches it against the fault rules.
fn open<'a>(
    app: &'a AppState,
    (host, operation): (Host, Option<Operation>),
    parts: &Parts,
    body: Option<&Bytes>,
) -> (Call, Record<'a>) {
    let is_of_service = host == Host::Files || parts.uri.path().starts_with("/v1/");
    let quirks = if is_of_service { app.settings().quirks } else { Quirks::default() };
    // The journal and the fault rules know a job by its real id.
    let mut job_id = operation.and_then(|operation| job_in(operation, parts.uri.path()));
    if host == Host::Api
        && !quirks.is_empty()
        && let Some(account) = parts.headers.get(AUTHORIZATION).and_then(account_in)
    {
        job_id = job_id.map(|id| quirks::ids::in_path(app, quirks, &account, &id).unwrap_or(id));
    }
    let job = job_id.as_deref().and_then(|id| app.store.identity_of(id));
    let account = match (host, operation, &job) {
        (Host::Files, _, Some(job)) => Some(job.account.clone()),
        // The link of a deleted job.
        (Host::Files, ..) => job_id.as_deref().and_then(|id| app.store.account_of_job(id)),
        (Host::Api, Some(Operation::Checkout), _) => {
            app.store.account_of_topup(last_segment(parts.uri.path()))
        }
        (Host::Api, ..) => parts.headers.get(AUTHORIZATION).and_then(account_in),
    };
    let arrived = app.now_for(account.as_deref());
    let request_id = app.next_request_id(arrived);
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().map(str::to_owned);
    let repetition = app.faults.repetition(&parts.headers, arrived);
    let fault_call = FaultCall {
        operation,
        account: account.as_deref(),
        job_id: job_id.as_deref(),
        job: job.as_ref(),
        at: arrived,
    };
    let matched = if repetition.is_some() { None } else { app.faults.select(&fault_call) };
    // A fault may have been attached to a link when it was issued.
    let fault = matched.or_else(|| {
        let query = query.as_deref().filter(|_| host == Host::Files)?;
        app.links.expires_after(query).map(|after| Action::ExpireMidway { after })
    });
    let body = body.filter(|body| !body.is_empty() && app.journal.keeps_bodies());
    let head = (&parts.method, &parts.uri, &parts.headers);
    let record = Record::open(
        app,
        Seen {
            body: body.map(|body| redaction::in_text(&String::from_utf8_lossy(body)).into_owned()),
            operation,
            account: account.clone(),
            job_id,
            fault: fault.as_ref().map(|action| action.name().to_owned()),
            ..record::seen(host, head, arrived, request_id.clone())
        },
    );
    let call = Call::new(Facts {
        request_id,
        arrived,
        host,
        method: parts.method.clone(),
        path,
        query,
        operation,
        account,
        fault,
        repetition,
        quirks,
    });
    (call, record)
}

/// The job id in the path of an operation.
fn job_in(operation: Operation, path: &str) -> Option<String> {
    let last = last_segment(path);
    if operation.is_file() {
        return last.rsplit_once('.').map(|(id, _)| id.to_owned());
    }
    operation.takes_job_id().then(|| last.to_owned())
}

fn last_segment(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

/// Applies latency and fault rules before the handler. Returns a response that replaces the handler's.
async fn before_handler(app: &AppState, call: &Call, parts: &mut Parts) -> Option<Response> {
    if let Err(NotPersisted(reason)) = app.store.can_persist() {
        return Some(Problem::not_persisted(&reason).into_response());
    }
    if let Some(response) = fault_injection::repeated(call) {
        return Some(response);
    }
    if let Some(action) = &call.fault
        && let Some(response) = fault_injection::before(action, app, call, &mut parts.headers).await
    {
        return Some(response);
    }
    let latency = app.settings().latency;
    if !latency.is_zero() {
        tokio::time::sleep(app.clock.clock().real_time(latency)).await;
    }
    None
}

/// Wraps the result of a handler into the envelope, after a fault rule has altered it.
fn finish(
    app: &AppState,
    call: &Call,
    from: Response,
    mut outcome: Outcome,
    (delivery, record): (&mut Delivery<'_>, &mut Record<'_>),
) -> Response {
    quirks::outcome::change(call, &mut outcome);
    if let Outcome::Reply(reply) = &mut outcome {
        (delivery.job, delivery.is_new) = (reply.accepted, !reply.cache_hit);
        let job_id = reply.data["job_id"].as_str();
        record.amend(|seen| {
            seen.cost_usd = Some(reply.cost.dollars());
            seen.job_id = seen.job_id.take().or_else(|| job_id.map(str::to_owned));
        });
        if let Some(action) = &call.fault {
            fault_injection::alter(action, &app.links, call.now(app), &mut reply.data);
        }
    }
    if let Some(problem) =
        call.fault.as_ref().and_then(|action| fault_injection::status_after(action, call.now(app)))
    {
        outcome = Outcome::Problem(problem);
    }
    let mut response = envelope::respond(app, call, &outcome);
    // Axum sets `Allow` on the response of the handler.
    if let Some(methods) = from.headers().get(ALLOW) {
        response.headers_mut().insert(ALLOW, methods.clone());
    }
    response
}

/// Adds the response to the journal.
async fn close(app: &AppState, call: &Call, mut response: Response, record: &mut Record<'_>) -> Response {
    if let Ok(date) = HeaderValue::try_from(http_date(call.now(app))) {
        response.headers_mut().insert(DATE, date);
    }
    let is_lost = response.extensions().get::<Lost>().is_some();
    let status = (!is_lost).then(|| response.status().as_u16());
    if !is_lost {
        let (size, text);
        (response, size, text) = with_text(app, call, response).await;
        let headers = journal::shown(response.headers());
        record.amend(|seen| {
            (seen.status, seen.response_bytes) = (status, size);
            seen.response_headers.clone_from(&headers);
            seen.response_body.clone_from(&text);
        });
    }
    debug!(
        request_id = call.request_id,
        method = %call.method,
        path = redaction::in_path(&call.path),
        operation = call.operation.map(Operation::as_str),
        fault = call.fault.as_ref().map(Action::name),
        status,
        "responded"
    );
    response
}

/// The response, the size of its body, and the body as the journal keeps it: never a file.
async fn with_text(
    app: &AppState,
    call: &Call,
    mut response: Response,
) -> (Response, Option<u64>, Option<String>) {
    let sent = response.extensions_mut().remove::<Sent>().map(|Sent(bytes)| bytes);
    let size = sent.as_ref().map_or(response.body().size_hint().exact(), |sent| Some(sent.len() as u64));
    let is_file = call.operation.is_some_and(Operation::is_file) && response.status().is_success();
    let is_kept = size.is_some_and(|size| 0 < size && size <= KEPT_RESPONSE);
    if is_file || !is_kept || !app.journal.keeps_bodies() {
        return (response, size, None);
    }
    let bytes = match sent {
        Some(sent) => sent,
        None => {
            let (parts, body) = response.into_parts();
            // A body of a known size consists of bytes in memory: it neither waits nor fails.
            let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            response = Response::from_parts(parts, Body::from(bytes.clone()));
            bytes
        }
    };
    let text = std::str::from_utf8(&bytes).ok().map(|text| redaction::in_text(text).into_owned());
    (response, size, text)
}
