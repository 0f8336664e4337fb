//! The page at `/`, the OpenAPI documents and their reference, and the routes that only the page needs.
//!
//! The page consists of static files. It shows the event stream of [`events`], and controls the sandbox through the admin
//! API.

mod asset;
mod events;
mod index;
mod jobs;
mod ready;
mod requests;
mod samples;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::HeaderMap;

use self::asset::Asset;
#[cfg(test)]
pub(crate) use self::index::routes as documented_routes;
use crate::app_state::{AppState, Shared};
use crate::http::scope;

const PAGE: Asset = Asset::new("text/html; charset=utf-8", include_str!("assets/index.html"));

/// The style sheets and scripts of the page, by the names that it uses below `/page/`.
const FILES: [(&str, Asset); 18] = [
    ("style.css", Asset::new(STYLE, include_str!("assets/style.css"))),
    ("panels.css", Asset::new(STYLE, include_str!("assets/panels.css"))),
    ("script.js", Asset::new(SCRIPT, include_str!("assets/script.js"))),
    ("clock.js", Asset::new(SCRIPT, include_str!("assets/clock.js"))),
    ("commands.js", Asset::new(SCRIPT, include_str!("assets/commands.js"))),
    ("core.js", Asset::new(SCRIPT, include_str!("assets/core.js"))),
    ("curl.js", Asset::new(SCRIPT, include_str!("assets/curl.js"))),
    ("dialog.js", Asset::new(SCRIPT, include_str!("assets/dialog.js"))),
    ("faults.js", Asset::new(SCRIPT, include_str!("assets/faults.js"))),
    ("job_card.js", Asset::new(SCRIPT, include_str!("assets/job_card.js"))),
    ("jobs.js", Asset::new(SCRIPT, include_str!("assets/jobs.js"))),
    ("key.js", Asset::new(SCRIPT, include_str!("assets/key.js"))),
    ("ledger.js", Asset::new(SCRIPT, include_str!("assets/ledger.js"))),
    ("new_job.js", Asset::new(SCRIPT, include_str!("assets/new_job.js"))),
    ("request_details.js", Asset::new(SCRIPT, include_str!("assets/request_details.js"))),
    ("requests.js", Asset::new(SCRIPT, include_str!("assets/requests.js"))),
    ("stream.js", Asset::new(SCRIPT, include_str!("assets/stream.js"))),
    ("tabs.js", Asset::new(SCRIPT, include_str!("assets/tabs.js"))),
];
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ICON: Asset = Asset::new("image/svg+xml", include_str!("assets/icon.svg"));
const YAML: Asset = Asset::new("application/yaml; charset=utf-8", include_str!("../contract/video.yaml"));
const JSON: Asset = Asset::new("application/json", include_str!("../contract/video.json"));
const ADMIN_YAML: Asset =
    Asset::new("application/yaml; charset=utf-8", include_str!("../contract/sandbox.yaml"));
const ADMIN_JSON: Asset = Asset::new("application/json", include_str!("../contract/sandbox.json"));
const REFERENCE: Asset = Asset::new("text/html; charset=utf-8", include_str!("assets/reference.html"));
const REFERENCE_STYLE: Asset = Asset::new("text/css; charset=utf-8", include_str!("assets/reference.css"));
const REFERENCE_SCRIPT: Asset =
    Asset::new("text/javascript; charset=utf-8", include_str!("assets/reference.js"));

/// Swagger UI. The page around it is ours, since theirs has an inline script.
const SWAGGER_STYLE: Asset =
    Asset::gzip("text/css; charset=utf-8", include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz")));
const SWAGGER_SCRIPT: Asset = Asset::gzip(
    "text/javascript; charset=utf-8",
    include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz")),
);

/// The policy of the reference. Swagger UI has its icons as `data:` URLs in its style sheet.
const REFERENCE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document of the admin API, which everyone may read.
pub(crate) fn admin_document() -> [(&'static str, MethodRouter<Arc<AppState>>); 2] {
    [
        ("/__sandbox/openapi.yaml", get(async |headers: HeaderMap| ADMIN_YAML.respond(&headers))),
        ("/__sandbox/openapi.json", get(async |headers: HeaderMap| ADMIN_JSON.respond(&headers))),
    ]
}

/// Public files, which reveal nothing of the state.
pub(crate) fn routes(app: &Arc<AppState>) -> Router {
    let files = FILES.into_iter().fold(Router::new(), |router, (name, file)| {
        let respond = async move |headers: HeaderMap| file.respond(&headers);
        router.route(&format!("/page/{name}"), get(respond))
    });
    files
        .route("/", get(page))
        .route("/page/icon.svg", get(async |headers: HeaderMap| ICON.respond(&headers)))
        .route("/openapi.yaml", get(async |headers: HeaderMap| YAML.respond(&headers)))
        .route("/openapi.json", get(async |headers: HeaderMap| JSON.respond(&headers)))
        .route("/page/reference.css", get(async |headers: HeaderMap| REFERENCE_STYLE.respond(&headers)))
        .route("/page/reference.js", get(async |headers: HeaderMap| REFERENCE_SCRIPT.respond(&headers)))
        .route("/docs", get(reference))
        .route("/docs/swagger-ui.css", get(async |headers: HeaderMap| SWAGGER_STYLE.respond(&headers)))
        .route("/docs/swagger-ui-bundle.js", get(async |headers: HeaderMap| SWAGGER_SCRIPT.respond(&headers)))
        .with_state(Arc::clone(app))
}

/// Routes that belong to the admin API.
pub(crate) fn admin_routes() -> [(&'static str, MethodRouter<Arc<AppState>>); 5] {
    let for_all_accounts = |methods: MethodRouter<_>| methods.layer(from_fn(scope::reject_query));
    [
        ("/__sandbox/", for_all_accounts(get(index::index))),
        ("/__sandbox/events", get(events::events)),
        ("/__sandbox/journal/{id}", for_all_accounts(get(requests::request))),
        ("/__sandbox/jobs/{id}", for_all_accounts(get(jobs::job).delete(jobs::delete))),
        ("/__sandbox/jobs/{id}/cancel", for_all_accounts(post(jobs::cancel))),
    ]
}

async fn page(State(app): Shared, headers: HeaderMap) -> Response {
    let files = &app.file_base;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' {files}; \
         media-src {files}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    PAGE.respond_with_policy(&headers, &policy)
}

async fn reference(headers: HeaderMap) -> Response {
    REFERENCE.respond_with_policy(&headers, REFERENCE_POLICY)
}
