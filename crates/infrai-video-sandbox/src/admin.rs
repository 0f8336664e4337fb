//! The routes beside the API: health, and the sandbox's inside for tools in any language.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
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
use crate::gate::guard;
use crate::handle::Handle;
use crate::page;
use crate::scenario::Scenario;
use crate::store::NotKept;

pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/__sandbox/jobs", get(jobs))
        .route("/__sandbox/journal", get(journal))
        .route("/__sandbox/ledger", get(ledger))
        .route("/__sandbox/clock", get(clock).post(advance))
        .route("/__sandbox/faults", get(faults).put(set_faults).post(add_faults))
        .route("/__sandbox/faults/remove", post(remove_faults))
        .route("/__sandbox/vendors", get(vendors).put(set_vendors))
        .route("/__sandbox/scenarios", get(scenarios))
        .route("/__sandbox/scenario", put(play))
        .route("/__sandbox/scenario/{name}", put(play_named))
        .route("/__sandbox/reset", post(reset))
        .merge(page::admin_routes())
        .layer(from_fn_with_state(Arc::clone(app), guard))
        .route("/healthz", get(health))
        .layer(from_fn_with_state(Arc::clone(app), kept))
        .with_state(Arc::clone(app))
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
    change_faults(app, &rules, |app, rules| app.faults.replace(rules)).await
}

async fn add_faults(State(app): Shared, rules: String) -> Response {
    change_faults(app, &rules, |app, rules| app.faults.add(rules)).await
}

async fn remove_faults(State(app): Shared, rules: String) -> Response {
    change_faults(app, &rules, |app, rules| app.faults.remove(&rules)).await
}

async fn change_faults(app: Arc<App>, rules: &str, change: impl FnOnce(&App, Vec<Fault>)) -> Response {
    match Fault::from_toml(rules) {
        Ok(rules) => {
            change(&app, rules);
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
