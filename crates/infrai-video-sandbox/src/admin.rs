//! The routes beside the API: health, and the sandbox's inside for tools in any language.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::app::App;
use crate::envelope;
use crate::faults::Fault;
use crate::handle::Handle;
use crate::server::Peer;

pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/__sandbox/jobs", get(jobs))
        .route("/__sandbox/journal", get(journal))
        .route("/__sandbox/ledger", get(ledger))
        .route("/__sandbox/clock", get(clock).post(advance))
        .route("/__sandbox/faults", put(faults))
        .route("/__sandbox/reset", post(reset))
        .layer(from_fn(loopback_only))
        .route("/healthz", get(health))
        .with_state(Arc::clone(app))
}

/// Turns away callers from other machines, and pages of a browser that reach here under a name of their own.
async fn loopback_only(request: Request, next: Next) -> Response {
    let is_local = match request.extensions().get::<Peer>() {
        None => true,
        Some(Peer(address)) => address.ip().is_loopback() && names_loopback(&request),
    };
    if is_local {
        next.run(request).await
    } else {
        answer(
            StatusCode::FORBIDDEN,
            &json!({"error": "these routes answer on loopback only: call them at 127.0.0.1"}),
        )
    }
}

fn names_loopback(request: &Request) -> bool {
    let headers = request.headers();
    let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") && !headers.contains_key(http::header::ORIGIN)
}

async fn health() -> Response {
    answer(StatusCode::OK, &json!({"status": "ok"}))
}

async fn jobs(State(app): Shared) -> Response {
    answer(StatusCode::OK, &json!({"jobs": Handle::new(app).jobs()}))
}

async fn journal(State(app): Shared) -> Response {
    answer(StatusCode::OK, &json!({"requests": Handle::new(app).journal()}))
}

async fn ledger(State(app): Shared) -> Response {
    let ledger = Handle::new(app).ledger();
    answer(
        StatusCode::OK,
        &json!({
            "balances": ledger.balances,
            "entries": ledger.entries,
            "double_charges": ledger.double_charges(),
        }),
    )
}

async fn clock(State(app): Shared) -> Response {
    answer(StatusCode::OK, &json!({"now": app.now()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

async fn advance(State(app): Shared, body: Bytes) -> Response {
    let by = serde_json::from_slice::<Advance>(&body)
        .ok()
        .and_then(|advance| Duration::try_from_secs_f64(advance.advance_seconds).ok());
    match by {
        Some(by) => {
            app.clock.advance(by);
            clock(State(app)).await
        }
        None => answer(
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!({"error": "send {\"advance_seconds\": 60} with a number that is not below 0"}),
        ),
    }
}

async fn faults(State(app): Shared, rules: String) -> Response {
    match Fault::from_toml(&rules) {
        Ok(faults) => {
            let count = faults.len();
            app.faults.replace(faults);
            answer(StatusCode::OK, &json!({"rules": count}))
        }
        Err(error) => answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": error.to_string()})),
    }
}

async fn reset(State(app): Shared) -> Response {
    app.reset();
    answer(StatusCode::OK, &json!({"ok": true}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    envelope::json(status, &[], body).into_response()
}
