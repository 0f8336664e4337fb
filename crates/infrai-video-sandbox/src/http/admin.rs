//! The admin API under `/__sandbox/`, and the health check.

mod body;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post, put};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use self::body::Text;
use super::scope::{self, Scope};
use crate::api::envelope;
use crate::app_state::{AppState, Shared};
use crate::faults::scenario::Scenario;
use crate::faults::{Fault, seconds};
use crate::handle::Handle;
use crate::input::{closest, shortened};
use crate::model::catalogue::VendorState;
use crate::network::admin_auth::Refused;
use crate::page;
use crate::store::{NotPersisted, redaction};

pub(crate) fn routes(app: &Arc<AppState>) -> Router {
    let add = |router: Router<_>, (path, methods)| router.route(path, methods);
    let guarded = guarded()
        .into_iter()
        .chain(page::admin_routes())
        .fold(Router::new(), add)
        .route("/__sandbox", any(no_route))
        .route("/__sandbox/{*path}", any(no_route))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), guard));
    open()
        .into_iter()
        .chain(page::admin_document())
        .fold(guarded, add)
        .layer(from_fn_with_state(Arc::clone(app), persisted))
        .with_state(Arc::clone(app))
}

/// A route. `openapi/sandbox.yaml` describes each of them.
type Route = (&'static str, MethodRouter<Arc<AppState>>);

fn guarded() -> [Route; 11] {
    let for_all_accounts = |methods: MethodRouter<_>| methods.layer(from_fn(scope::reject_query));
    [
        ("/__sandbox/jobs", get(jobs)),
        ("/__sandbox/journal", get(journal)),
        ("/__sandbox/ledger", get(ledger)),
        ("/__sandbox/clock", get(clock).post(advance)),
        ("/__sandbox/faults", get(faults).put(set_faults).post(add_faults)),
        ("/__sandbox/faults/remove", post(remove_faults)),
        ("/__sandbox/vendors", for_all_accounts(get(vendors).put(set_vendors))),
        ("/__sandbox/scenarios", for_all_accounts(get(scenarios))),
        ("/__sandbox/scenario", for_all_accounts(put(play))),
        ("/__sandbox/scenario/{name}", for_all_accounts(put(play_named))),
        ("/__sandbox/reset", post(reset)),
    ]
}

/// Routes for everyone.
fn open() -> [Route; 1] {
    [("/healthz", get(health))]
}

async fn no_route(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    let guarded = guarded();
    let routes = guarded.iter().map(|(route, _)| *route).chain(["/__sandbox/", "/__sandbox/events"]);
    let meant = closest(path, routes).map(|route| format!("did you mean {route}? ")).unwrap_or_default();
    let error =
        format!("there is no route {method} {}: {meant}GET /__sandbox/ lists the routes", shortened(path));
    respond(StatusCode::NOT_FOUND, &json!({"error": redaction::without_keys(&error)}))
}

async fn method_not_allowed(method: Method) -> Response {
    let error = format!("this route does not take {method}: the header Allow has the methods that it takes");
    respond(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": error }))
}

/// Rejects requests that may not use the admin routes.
async fn guard(State(app): Shared, request: Request, next: Next) -> Response {
    match app.admin_auth.admits(&request) {
        Ok(()) => next.run(request).await,
        Err(Refused::NotLocal) => denied(
            StatusCode::FORBIDDEN,
            "these routes can be called from loopback only: call them at 127.0.0.1, or start the sandbox with an admin token",
        ),
        Err(Refused::OtherPage) => denied(
            StatusCode::FORBIDDEN,
            "no web page of another origin may call these routes: call them from a program, or from the sandbox's own page",
        ),
        Err(Refused::NoToken) => {
            let mut response = denied(
                StatusCode::UNAUTHORIZED,
                "these routes need the admin token: send `Authorization: Bearer <token>`",
            );
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

fn denied(status: StatusCode, error: &str) -> Response {
    envelope::json(status, &[], &json!({ "error": error })).into_response()
}

/// Delays a response until every change that it can reveal is on the disk.
async fn persisted(State(app): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    app.clock.reach();
    match app.store.persisted().await {
        Ok(()) => response,
        Err(NotPersisted(reason)) => respond(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": reason})),
    }
}

async fn health() -> Response {
    respond(StatusCode::OK, &json!({"status": "ok"}))
}

async fn jobs(State(app): Shared, Scope(account): Scope) -> Response {
    respond(StatusCode::OK, &json!({"jobs": app.store.jobs(app.now(), account.as_deref())}))
}

async fn journal(State(app): Shared, Scope(account): Scope) -> Response {
    let requests = account.map_or_else(|| app.journal.seen(), |account| app.journal.seen_of(&account));
    respond(StatusCode::OK, &json!({"requests": requests}))
}

async fn ledger(State(app): Shared, Scope(account): Scope) -> Response {
    let ledger = app.store.ledger(app.now(), account.as_deref());
    respond(
        StatusCode::OK,
        &json!({
            "balances": ledger.balances,
            "entries": ledger.entries,
            "double_charges": ledger.double_charges(),
        }),
    )
}

async fn clock(State(app): Shared, Scope(account): Scope) -> Response {
    respond(StatusCode::OK, &json!({"now": app.now_for(account.as_deref())}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(deserialize_with = "seconds::deserialize")]
    advance_seconds: Duration,
}

async fn advance(State(app): Shared, Scope(account): Scope, body: Text) -> Response {
    match body.read_or_json("{\"advance_seconds\": 60}") {
        Ok(Advance { advance_seconds }) => {
            match &account {
                Some(account) => app.store.advance(app.now(), account, advance_seconds),
                None => app.clock.advance(advance_seconds),
            }
            clock(State(app), Scope(account)).await
        }
        Err(error) => refusal(error),
    }
}

async fn faults(State(app): Shared, Scope(account): Scope) -> Response {
    respond(StatusCode::OK, &json!({"faults": app.faults.records(account.as_deref())}))
}

async fn set_faults(State(app): Shared, scope: Scope, body: Text) -> Response {
    change_faults(app, scope, &body, |app, account, rules| match account {
        Some(account) => app.faults.replace_of(account, rules),
        None => app.faults.replace(rules),
    })
    .await
}

async fn add_faults(State(app): Shared, scope: Scope, body: Text) -> Response {
    change_some_faults(app, scope, &body, |app, _, rules| app.faults.add(rules)).await
}

async fn remove_faults(State(app): Shared, scope: Scope, body: Text) -> Response {
    change_some_faults(app, scope, &body, |app, _, rules| app.faults.remove(&rules)).await
}

/// As [`change_faults`], for a change that an empty body would not make.
async fn change_some_faults(
    app: Arc<AppState>,
    scope: Scope,
    body: &Text,
    change: impl FnOnce(&AppState, Option<&str>, Vec<Fault>),
) -> Response {
    match body.is_blank() {
        true => refusal("the body is empty: send fault rules in TOML or JSON"),
        false => change_faults(app, scope, body, change).await,
    }
}

async fn change_faults(
    app: Arc<AppState>,
    Scope(account): Scope,
    body: &Text,
    change: impl FnOnce(&AppState, Option<&str>, Vec<Fault>),
) -> Response {
    let (text, format) = body.or_toml();
    let mut rules = match Fault::read(text, format) {
        Ok(rules) => rules,
        Err(error) => return refusal(error),
    };
    if let Some(account) = &account {
        if rules.iter().any(|rule| rule.account().is_some_and(|other| other != account)) {
            return refusal(format!("a rule is for another account than the parameter `account`, {account}"));
        }
        rules = rules.into_iter().map(|rule| rule.for_account(account.clone())).collect();
    }
    change(&app, account.as_deref(), rules);
    faults(State(app), Scope(account)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendors {
    vendors: BTreeMap<String, VendorState>,
}

async fn vendors(State(app): Shared) -> Response {
    respond(StatusCode::OK, &json!({"vendors": Handle::new(app).vendors()}))
}

async fn set_vendors(State(app): Shared, body: Text) -> Response {
    let set = |Vendors { vendors }| {
        Handle::new(Arc::clone(&app)).set_vendors(&vendors).map_err(|error| error.to_string())
    };
    match body.read_or_json("{\"vendors\": {\"sandbox-swift\": \"down\"}}").and_then(set) {
        Ok(()) => vendors(State(app)).await,
        Err(error) => refusal(error),
    }
}

async fn scenarios() -> Response {
    respond(StatusCode::OK, &json!({"scenarios": Scenario::all().collect::<Vec<_>>()}))
}

async fn play(State(app): Shared, body: Text) -> Response {
    let (text, format) = body.or_toml();
    started(&app, Scenario::read(text, format))
}

async fn play_named(State(app): Shared, Path(name): Path<String>) -> Response {
    started(&app, Scenario::named(&name))
}

fn started(app: &AppState, scenario: Result<Scenario, impl Display>) -> Response {
    match scenario {
        Ok(scenario) => {
            app.play(&scenario);
            respond(StatusCode::OK, &json!(scenario))
        }
        Err(error) => refusal(error),
    }
}

async fn reset(State(app): Shared, Scope(account): Scope) -> Response {
    match account {
        Some(account) => app.reset_account(&account),
        None => app.reset(),
    }
    respond(StatusCode::OK, &json!({"ok": true}))
}

pub(super) fn refusal(error: impl Display) -> Response {
    // An error may quote what was sent.
    let error = error.to_string();
    respond(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": redaction::without_keys(&error)}))
}

fn respond(status: StatusCode, body: &Value) -> Response {
    envelope::json(status, &[], body).into_response()
}
