//! The routes beside the API: health, and the sandbox's inside for tools in any language.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::app::App;
use crate::catalogue::VendorState;
use crate::envelope;
use crate::faults::Fault;
use crate::handle::Handle;
use crate::scenario::Scenario;
use crate::server::Peer;
use crate::store::NotKept;

pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/__sandbox/jobs", get(jobs))
        .route("/__sandbox/journal", get(journal))
        .route("/__sandbox/ledger", get(ledger))
        .route("/__sandbox/clock", get(clock).post(advance))
        .route("/__sandbox/faults", get(faults).put(set_faults))
        .route("/__sandbox/vendors", get(vendors).put(set_vendors))
        .route("/__sandbox/scenarios", get(scenarios))
        .route("/__sandbox/scenario", put(play))
        .route("/__sandbox/scenario/{name}", put(play_named))
        .route("/__sandbox/reset", post(reset))
        .layer(from_fn(loopback_only))
        .route("/healthz", get(health))
        .layer(from_fn_with_state(Arc::clone(app), kept))
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

/// Lets an answer wait until nothing that it tells of can be lost.
async fn kept(State(app): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    app.clock.reach();
    match app.store.kept().await {
        Ok(()) => response,
        Err(NotKept(reason)) => answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": reason})),
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
        None => refusal("send {\"advance_seconds\": 60} with a number that is not below 0"),
    }
}

async fn faults(State(app): Shared) -> Response {
    answer(StatusCode::OK, &json!({"faults": Handle::new(app).faults()}))
}

async fn set_faults(State(app): Shared, rules: String) -> Response {
    match Fault::from_toml(&rules) {
        Ok(rules) => {
            Handle::new(Arc::clone(&app)).set_faults(rules);
            faults(State(app)).await
        }
        Err(error) => refusal(error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendors {
    vendors: BTreeMap<String, VendorState>,
}

async fn vendors(State(app): Shared) -> Response {
    answer(StatusCode::OK, &json!({"vendors": Handle::new(app).vendors()}))
}

async fn set_vendors(State(app): Shared, body: Bytes) -> Response {
    let Ok(Vendors { vendors: states }) = serde_json::from_slice(&body) else {
        return refusal(
            "send {\"vendors\": {\"NAME\": \"down\"}} with the name of a vendor, and `up` or `down`",
        );
    };
    match Handle::new(Arc::clone(&app)).set_vendors(&states) {
        Ok(()) => vendors(State(app)).await,
        Err(error) => refusal(error),
    }
}

async fn scenarios() -> Response {
    answer(StatusCode::OK, &json!({"scenarios": Scenario::all().collect::<Vec<_>>()}))
}

async fn play(State(app): Shared, text: String) -> Response {
    started(&app, Scenario::from_toml(&text))
}

async fn play_named(State(app): Shared, Path(name): Path<String>) -> Response {
    started(&app, Scenario::named(&name))
}

fn started(app: &App, scenario: Result<Scenario, impl Display>) -> Response {
    match scenario {
        Ok(scenario) => {
            app.play(&scenario);
            answer(StatusCode::OK, &json!(scenario))
        }
        Err(error) => refusal(error),
    }
}

async fn reset(State(app): Shared) -> Response {
    app.reset();
    answer(StatusCode::OK, &json!({"ok": true}))
}

fn refusal(error: impl Display) -> Response {
    answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": error.to_string()}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    envelope::json(status, &[], body).into_response()
}
