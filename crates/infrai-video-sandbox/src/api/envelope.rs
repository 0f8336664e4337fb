//! The envelope of every response of the API.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::call::Call;
use crate::app_state::AppState;
use crate::model::catalogue::number;
use crate::model::money::Usd;
use crate::model::operation::Host;
use crate::model::problem::Problem;
use crate::quirks;
use crate::store::Written;

/// A successful response before it is wrapped into the envelope.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) data: Value,
    pub(crate) cost: Usd,
    pub(crate) vendor: Option<String>,
    pub(crate) cache_hit: bool,
    /// The number of the job that this call created, now or when it was first sent.
    pub(crate) accepted: Option<u64>,
}

impl Reply {
    pub(crate) fn new(data: Value) -> Self {
        Self { data, cost: Usd::ZERO, vendor: None, cache_hit: false, accepted: None }
    }

    pub(crate) fn with_vendor(mut self, vendor: &str) -> Self {
        self.vendor = Some(vendor.to_owned());
        self
    }
}

impl From<Written> for Reply {
    fn from(written: Written) -> Self {
        match written {
            Written::Done { data, vendor } => Self { vendor, ..Self::new(data) },
            Written::Replayed { data, vendor } => Self { vendor, cache_hit: true, ..Self::new(data) },
        }
    }
}

/// The result of a handler. The middleware wraps it into the envelope.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    Problem(Problem),
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        Outcome::Reply(self).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Outcome::Problem(self).into_response()
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    ok: bool,
    data: Option<&'a Value>,
    error: Option<Error<'a>>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
    hint: &'a str,
    retryable: bool,
}

#[derive(Serialize)]
struct Metadata<'a> {
    cost_usd: serde_json::Number,
    latency_ms: i64,
    vendor: Option<&'a str>,
    cache_hit: bool,
    request_id: &'a str,
}

/// Builds the response.
pub(crate) fn respond(app: &AppState, call: &Call, outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Problem(problem) if call.host == Host::Files => plain(problem),
        Outcome::Problem(problem) => {
            let envelope = failure(problem, metadata(app, call, Usd::ZERO, None, false));
            sent(app, call, problem.status, &problem.headers, &envelope)
        }
        Outcome::Reply(reply) => {
            let metadata = metadata(app, call, reply.cost, reply.vendor.as_deref(), reply.cache_hit);
            let envelope = Envelope { ok: true, data: Some(&reply.data), error: None, metadata };
            sent(app, call, StatusCode::OK, &[], &envelope)
        }
    }
}

fn sent(
    app: &AppState,
    call: &Call,
    status: StatusCode,
    headers: &[(HeaderName, HeaderValue)],
    envelope: &Envelope<'_>,
) -> Response {
    if call.quirks.is_empty() {
        json(status, headers, envelope)
    } else {
        quirks::response::respond(app, call, status, headers, json!(envelope))
    }
}

/// The response to a request that is rejected before it becomes a call: it is not in the journal, and no fault rule applies.
pub(crate) fn refusal(app: &AppState, host: Host, problem: &Problem) -> Response {
    if host == Host::Files {
        return plain(problem);
    }
    let request_id = &app.next_request_id(app.now());
    let cost_usd = number(Usd::ZERO.dollars());
    let metadata = Metadata { cost_usd, latency_ms: 0, vendor: None, cache_hit: false, request_id };
    json(problem.status, &problem.headers, &failure(problem, metadata))
}

fn failure<'a>(problem: &'a Problem, metadata: Metadata<'a>) -> Envelope<'a> {
    let error = Error {
        code: &problem.code,
        message: &problem.message,
        hint: &problem.hint,
        retryable: problem.retryable,
    };
    Envelope { ok: false, data: None, error: Some(error), metadata }
}

fn metadata<'a>(
    app: &AppState,
    call: &'a Call,
    cost: Usd,
    vendor: Option<&'a str>,
    cache_hit: bool,
) -> Metadata<'a> {
    Metadata {
        cost_usd: number(cost.dollars()),
        latency_ms: call.now(app).as_millisecond().saturating_sub(call.arrived.as_millisecond()).max(0),
        vendor,
        cache_hit,
        request_id: &call.request_id,
    }
}

/// JSON without the envelope, for routes that do not belong to the API.
pub(crate) fn json<T: Serialize>(
    status: StatusCode,
    headers: &[(HeaderName, HeaderValue)],
    body: &T,
) -> Response {
    let text = serde_json::to_vec(body).expect("responses contain only values that JSON can represent");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().extend(headers.iter().cloned());
    response
}

/// The file host is another service without the envelope.
fn plain(problem: &Problem) -> Response {
    let mut response = Response::new(Body::from(format!("{}: {}\n", problem.message, problem.hint)));
    *response.status_mut() = problem.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().extend(problem.headers.iter().cloned());
    response
}
