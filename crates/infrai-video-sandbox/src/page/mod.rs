//! The page at `/`, the contract and its reference, and what the page asks of the sandbox.
//!
//! The page is plain files. It shows what the stream of [`events`] tells it, and turns things through the admin routes.

mod asset;
mod events;
mod jobs;
mod ready;
mod samples;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;

use self::asset::Asset;
use crate::api::Shared;
use crate::app::App;

const PAGE: Asset = Asset::new("text/html; charset=utf-8", include_str!("index.html"));
const STYLE: Asset = Asset::new("text/css; charset=utf-8", include_str!("style.css"));
const SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("script.js"));
const ICON: Asset = Asset::new("image/svg+xml", include_str!("icon.svg"));
const YAML: Asset = Asset::new("application/yaml; charset=utf-8", include_str!("../contract/video.yaml"));
const JSON: Asset = Asset::new("application/json", include_str!("../contract/video.json"));
const REFERENCE: Asset = Asset::new("text/html; charset=utf-8", include_str!("../contract/reference.html"));

/// What anyone may read: files that tell nothing of the sandbox's inside.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/page/style.css", get(async |headers: HeaderMap| STYLE.answer(&headers)))
        .route("/page/script.js", get(async |headers: HeaderMap| SCRIPT.answer(&headers)))
        .route("/page/icon.svg", get(async |headers: HeaderMap| ICON.answer(&headers)))
        .route("/openapi.yaml", get(async |headers: HeaderMap| YAML.answer(&headers)))
        .route("/openapi.json", get(async |headers: HeaderMap| JSON.answer(&headers)))
        .route("/docs", get(reference))
        .with_state(Arc::clone(app))
}

/// What shows the inside or changes it: for those who may use the admin routes.
pub(crate) fn admin_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/__sandbox/events", get(events::events))
        .route("/__sandbox/jobs/{id}", get(jobs::job))
}

async fn page(State(app): Shared, headers: HeaderMap) -> Response {
    let files = &app.file_base;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' {files}; \
         media-src {files}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    PAGE.guarded(&headers, &policy)
}

async fn reference(headers: HeaderMap) -> Response {
    let style = asset::style_hash(include_str!("../contract/reference.html"));
    let policy = format!(
        "default-src 'none'; style-src '{style}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    REFERENCE.guarded(&headers, &policy)
}
