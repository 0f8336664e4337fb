//! The envelope: what every answer of the API is wrapped in.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::call::Call;
use crate::catalogue::number;
use crate::journal::Host;
use crate::money::Usd;
use crate::problem::Problem;
use crate::store::Written;

/// A successful answer in the making.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) data: Value,
    pub(crate) cost: Usd,
    pub(crate) vendor: Option<String>,
    pub(crate) cache_hit: bool,
    /// The number of the job that this call made, or made when it was first sent.
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

/// What a handler hands to the middleware, which knows the request and makes the envelope.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Reply(Reply),
    Problem(Problem),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        Answer::Reply(self).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Answer::Problem(self).into_response()
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

/// The answer as it goes out.
pub(crate) fn render(app: &App, call: &Call, answer: &Answer) -> Response {
    match answer {
        Answer::Problem(problem) if call.host == Host::Files => plain(problem),
        Answer::Problem(problem) => failure(problem, metadata(app, call, Usd::ZERO, None, false)),
        Answer::Reply(reply) if app.settings().bare_results => json(StatusCode::OK, &[], &reply.data),
        Answer::Reply(reply) => {
            let metadata = metadata(app, call, reply.cost, reply.vendor.as_deref(), reply.cache_hit);
            let envelope = Envelope { ok: true, data: Some(&reply.data), error: None, metadata };
            json(StatusCode::OK, &[], &envelope)
        }
    }
}

/// The error for a request that is refused before it is a call: it is not in the journal, and meets no fault rule.
pub(crate) fn refusal(app: &App, host: Host, problem: &Problem) -> Response {
    if host == Host::Files {
        return plain(problem);
    }
    let request_id = &app.next_request_id(app.now());
    let cost_usd = number(Usd::ZERO.dollars());
    failure(problem, Metadata { cost_usd, latency_ms: 0, vendor: None, cache_hit: false, request_id })
}

fn failure(problem: &Problem, metadata: Metadata<'_>) -> Response {
    let error = Error {
        code: &problem.code,
        message: &problem.message,
        hint: &problem.hint,
        retryable: problem.retryable,
    };
    let envelope = Envelope { ok: false, data: None, error: Some(error), metadata };
    json(problem.status, &problem.headers, &envelope)
}

fn metadata<'a>(
    app: &App,
    call: &'a Call,
    cost: Usd,
    vendor: Option<&'a str>,
    cache_hit: bool,
) -> Metadata<'a> {
    Metadata {
        cost_usd: number(cost.dollars()),
        latency_ms: app.now().as_millisecond().saturating_sub(call.arrived.as_millisecond()).max(0),
        vendor,
        cache_hit,
        request_id: &call.request_id,
    }
}

/// JSON outside of the envelope, for the routes that are not the API's.
pub(crate) fn json<T: Serialize>(
    status: StatusCode,
    headers: &[(HeaderName, HeaderValue)],
    body: &T,
) -> Response {
    let text = serde_json::to_vec(body).expect("answers hold nothing that JSON can not say");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().extend(headers.iter().cloned());
    response
}

/// The file host is another service: it knows no envelope.
fn plain(problem: &Problem) -> Response {
    let mut response = Response::new(Body::from(format!("{}: {}\n", problem.message, problem.hint)));
    *response.status_mut() = problem.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().extend(problem.headers.iter().cloned());
    response
}
