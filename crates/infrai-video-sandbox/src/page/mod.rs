//! The page at `/`, the OpenAPI documents and their reference, and the routes that only the page needs.
//!
//! The page consists of static files. It shows the event stream of [`events`], and controls the sandbox through the admin
//! API.

mod asset;
mod events;
mod index;
mod jobs;
mod ready;
mod samples;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::HeaderMap;

use self::asset::Asset;
#[cfg(test)]
pub(crate) use self::index::routes as documented_routes;
use crate::app_state::{AppState, Shared};
use crate::http::scope;

const PAGE: Asset = Asset::new("text/html; charset=utf-8", include_str!("index.html"));
const STYLE: Asset = Asset::new("text/css; charset=utf-8", include_str!("style.css"));
const SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("script.js"));
const ICON: Asset = Asset::new("image/svg+xml", include_str!("icon.svg"));
const YAML: Asset = Asset::new("application/yaml; charset=utf-8", include_str!("../contract/video.yaml"));
const JSON: Asset = Asset::new("application/json", include_str!("../contract/video.json"));
const ADMIN_YAML: Asset =
    Asset::new("application/yaml; charset=utf-8", include_str!("../contract/sandbox.yaml"));
const ADMIN_JSON: Asset = Asset::new("application/json", include_str!("../contract/sandbox.json"));
const REFERENCE: Asset = Asset::new("text/html; charset=utf-8", include_str!("reference.html"));
const REFERENCE_STYLE: Asset = Asset::new("text/css; charset=utf-8", include_str!("reference.css"));
const REFERENCE_SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("reference.js"));

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
    Router::new()
        .route("/", get(page))
        .route("/page/style.css", get(async |headers: HeaderMap| STYLE.respond(&headers)))
        .route("/page/script.js", get(async |headers: HeaderMap| SCRIPT.respond(&headers)))
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
pub(crate) fn admin_routes() -> [(&'static str, MethodRouter<Arc<AppState>>); 3] {
    [
        ("/__sandbox/", get(index::index).layer(from_fn(scope::reject_query))),
        ("/__sandbox/events", get(events::events)),
        ("/__sandbox/jobs/{id}", get(jobs::job).layer(from_fn(scope::reject_query))),
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
