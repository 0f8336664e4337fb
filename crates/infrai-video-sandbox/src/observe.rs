//! What happens around every request: the journal, the faults, the latency and the envelope.

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
use http_body_util::BodyExt;
use tower_http::timeout::TimeoutError;
use tracing::debug;

use crate::app::App;
use crate::call::{Call, Facts};
use crate::clock::http_date;
use crate::envelope::{self, Answer};
use crate::faults::{self, Action, FaultCall, Lost, ResetFlag};
use crate::journal::{self, Host, Seen};
use crate::operation::Operation;
use crate::problem::Problem;
use crate::secrets;
use crate::store::NotKept;

/// A body beyond the limit is read on up to so many times the limit, so that the caller gets to read the answer.
const DRAINED: usize = 16;

pub(crate) async fn observe(
    State((app, host)): State<(Arc<App>, Host)>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let operation = route.and_then(|route| Operation::of(&parts.method, route.as_str()));
    let limit = app.limits.body_bytes;
    let body = read(&parts, body, limit).await.map_err(|unread| unread.problem(limit, operation));
    let call = open(&app, (host, operation), &parts, body.as_ref().ok());
    let reset = parts.extensions.get::<ResetFlag>().cloned();
    let mut told = Told { app: &app, job: None, is_new: false, is_readable: false };

    let mut response = match take(&app, &call, &mut parts).await {
        Some(response) => response,
        None => match body {
            Ok(body) => {
                parts.extensions.insert(call.clone());
                next.run(Request::from_parts(parts, Body::from(body))).await
            }
            Err(problem) => problem.into_response(),
        },
    };
    if let Some(answer) = response.extensions_mut().remove::<Answer>() {
        response = finish(&app, &call, response, answer, &mut told);
    }
    if let Some(action) = &call.fault
        && response.extensions().get::<Lost>().is_none()
    {
        response = faults::after(action, &app, &call, reset, response).await;
    }
    told.settle(call.fault.as_ref());
    app.clock.reach();
    // Nobody is told of anything that could still be lost.
    if let Err(NotKept(reason)) = app.store.kept().await
        && response.extensions().get::<Lost>().is_none()
    {
        response = envelope::render(&app, &call, &Answer::Problem(Problem::not_kept(&reason)));
    }
    told.leave();
    close(&app, &call, response)
}

/// Whether a caller was told of the job that it asked for. If it goes away before the answer is ready, it was not.
struct Told<'a> {
    app: &'a App,
    job: Option<u64>,
    is_new: bool,
    is_readable: bool,
}

impl Told<'_> {
    /// The answer is about to go out, as readable as the fault rule lets it be.
    fn settle(&mut self, fault: Option<&Action>) {
        self.is_readable = !fault.is_some_and(Action::spoils_the_answer);
        if let Some(job) = self.job.filter(|_| self.is_readable) {
            self.app.store.answer_found(self.app.now(), job);
        }
    }

    /// The answer goes out.
    fn leave(mut self) {
        if self.is_readable {
            self.job = None;
        }
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        // An answer that was repeated and lost again changes nothing: the first one may have arrived.
        if let Some(job) = self.job.filter(|_| self.is_new) {
            self.app.store.answer_lost(self.app.now(), job);
        }
    }
}

/// Reads a body of at most so many bytes. No more of it is ever kept.
async fn read(parts: &Parts, mut body: Body, limit: usize) -> Result<Bytes, Unread> {
    let most_drained = limit.saturating_mul(DRAINED);
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > most_drained) {
        return Err(Unread::TooLarge);
    }
    let mut kept = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::of(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > most_drained {
            break;
        }
    }
    if length > limit { Err(Unread::TooLarge) } else { Ok(kept.freeze()) }
}

/// Why a body did not arrive.
enum Unread {
    TooLarge,
    TooSlow,
    Incomplete,
}

impl Unread {
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

/// Writes the request into the journal, and asks the fault rules what is to become of it.
fn open(
    app: &App,
    (host, operation): (Host, Option<Operation>),
    parts: &Parts,
    body: Option<&Bytes>,
) -> Call {
    let arrived = app.now();
    let request_id = app.next_request_id(arrived);
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().map(str::to_owned);
    let job_id = operation.and_then(|operation| job_in(operation, &path));
    let repetition = app.faults.repetition(&parts.headers, arrived);
    let fault_call = FaultCall {
        operation,
        job_id: job_id.as_deref(),
        job_number: job_id.as_deref().and_then(|id| app.store.number_of(id)),
        at: arrived,
    };
    let met = if repetition.is_some() { None } else { app.faults.meet(&fault_call) };
    // A link may have been given out with a fault in it.
    let fault = met.or_else(|| {
        let query = query.as_deref().filter(|_| host == Host::Files)?;
        app.links.expires_after(query).map(|after| Action::ExpireMidway { after })
    });
    let sequence = app.journal.open(Seen {
        sequence: 0,
        at: arrived,
        host,
        method: parts.method.to_string(),
        path: secrets::without_keys(&path).into_owned(),
        query: query.as_deref().map(secrets::in_query),
        headers: journal::shown(&parts.headers),
        authorization: parts.headers.contains_key(AUTHORIZATION),
        body: body
            .filter(|body| !body.is_empty() && app.journal.keeps_bodies())
            .map(|body| secrets::without_keys(&String::from_utf8_lossy(body)).into_owned()),
        operation,
        job_id,
        status: None,
        fault: fault.as_ref().map(|action| action.name().to_owned()),
        request_id: request_id.clone(),
    });
    Call::new(Facts {
        sequence,
        request_id,
        arrived,
        host,
        method: parts.method.clone(),
        path,
        query,
        operation,
        fault,
        repetition,
    })
}

/// The job that the path of an operation names.
fn job_in(operation: Operation, path: &str) -> Option<String> {
    let last = path.rsplit('/').next()?;
    let takes_id = operation.route().ends_with("/{id}") && operation != Operation::Checkout;
    if operation.is_file() {
        return last.rsplit_once('.').map(|(id, _)| id.to_owned());
    }
    takes_id.then(|| last.to_owned())
}

/// The simulated latency, and what a fault rule does before the call is carried out.
async fn take(app: &App, call: &Call, parts: &mut Parts) -> Option<Response> {
    if let Err(NotKept(reason)) = app.store.keeps() {
        return Some(Problem::not_kept(&reason).into_response());
    }
    if let Some(response) = faults::repeated(call) {
        return Some(response);
    }
    if let Some(action) = &call.fault
        && let Some(response) = faults::before(action, app, call, &mut parts.headers).await
    {
        return Some(response);
    }
    let latency = app.settings().latency;
    if !latency.is_zero() {
        tokio::time::sleep(app.clock.clock().real_time(latency)).await;
    }
    None
}

/// Wraps a handler's answer, after a fault rule had its way with it.
fn finish(app: &App, call: &Call, from: Response, mut answer: Answer, told: &mut Told<'_>) -> Response {
    if let Answer::Reply(reply) = &mut answer {
        (told.job, told.is_new) = (reply.accepted, !reply.cache_hit);
        if let Some(action) = &call.fault {
            faults::alter(action, &app.links, app.now(), &mut reply.data);
        }
    }
    if let Some(problem) = call.fault.as_ref().and_then(|action| faults::status_after(action, app.now())) {
        answer = Answer::Problem(problem);
    }
    let mut response = envelope::render(app, call, &answer);
    // Axum names the methods of a route on the answer that the handler made.
    if let Some(methods) = from.headers().get(ALLOW) {
        response.headers_mut().insert(ALLOW, methods.clone());
    }
    response
}

/// Writes the answer into the journal.
fn close(app: &App, call: &Call, mut response: Response) -> Response {
    let is_lost = response.extensions().get::<Lost>().is_some();
    let status = (!is_lost).then(|| response.status().as_u16());
    app.journal.amend(call.sequence, |seen| seen.status = status);
    if let Ok(date) = HeaderValue::try_from(http_date(app.now())) {
        response.headers_mut().insert(DATE, date);
    }
    debug!(
        request_id = call.request_id,
        method = %call.method,
        path = call.path,
        operation = call.operation.map(Operation::as_str),
        fault = call.fault.as_ref().map(Action::name),
        status,
        "answered"
    );
    response
}
