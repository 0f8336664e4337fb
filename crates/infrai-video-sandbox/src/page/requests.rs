//! Requests of the journal as the page shows them.

use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use crate::api::envelope;
use crate::app_state::Shared;
use crate::model::operation::{Host, Operation};
use crate::model::time::as_rfc3339;
use crate::store::journal::Seen;
use crate::store::redaction;

/// The maximum number of characters of a path with its query.
const MAX_PATH: usize = 300;

/// A line of the list of requests.
#[derive(Serialize)]
pub(super) struct RequestSummary {
    sequence: u64,
    request_id: String,
    #[serde(serialize_with = "as_rfc3339")]
    at: SystemTime,
    host: Host,
    method: String,
    /// With the query, except for files: there it is only the signature.
    path: String,
    operation: Option<Operation>,
    status: Option<u16>,
    /// Whether there will be no other status.
    is_done: bool,
    duration_ms: Option<f64>,
    account: Option<String>,
    job_id: Option<String>,
    idempotency_key: Option<String>,
    fault: Option<String>,
}

impl RequestSummary {
    pub(super) fn of(seen: &Seen) -> Self {
        let query = seen.query.as_ref().filter(|_| seen.host == Host::Api);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Self {
            sequence: seen.sequence,
            request_id: seen.request_id.clone(),
            at: seen.at,
            host: seen.host,
            method: seen.method.clone(),
            path: seen.path.chars().chain(query.chars()).take(MAX_PATH).collect(),
            operation: seen.operation,
            status: seen.status,
            is_done: seen.duration.is_some(),
            duration_ms: seen.duration.map(|duration| duration.as_micros() as f64 / 1000.0),
            account: seen.account.clone(),
            job_id: seen.job_id.clone(),
            idempotency_key: idempotency_key(seen),
            fault: seen.fault.clone(),
        }
    }
}

/// The idempotency key in the header, or else in the body.
fn idempotency_key(seen: &Seen) -> Option<String> {
    let in_body = || {
        // Most bodies have none, and some are large.
        seen.body.as_ref().filter(|body| body.contains("idempotency_key"))?;
        Some(seen.json()?.get("idempotency_key")?.as_str()?.to_owned())
    };
    seen.header("idempotency-key").map(str::to_owned).or_else(in_body)
}

/// `GET /__sandbox/journal/ID`: the request with this request id.
pub(super) async fn request(State(app): Shared, Path(id): Path<String>) -> Response {
    match app.journal.find(&id) {
        Some(seen) => envelope::json(StatusCode::OK, &[], &seen).into_response(),
        None => {
            let id = redaction::without_keys(&id);
            let error = json!({"error": format!("there is no request {id} in the journal: GET /__sandbox/journal lists them")});
            envelope::json(StatusCode::NOT_FOUND, &[], &error).into_response()
        }
    }
}
