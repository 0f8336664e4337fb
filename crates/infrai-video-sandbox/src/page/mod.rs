//! The page at `/`, the OpenAPI document and its reference, and the routes that only the page needs.
//!
//! The page consists of static files. It shows the event stream of [`events`], and controls the sandbox through the admin
//! API.

mod asset;
mod events;
mod jobs;
mod ready;
mod samples;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use swagger_ui_dist::{ApiDefinition, OpenApiSource};

use self::asset::Asset;
use crate::app_state::{AppState, Shared};
use crate::http::scope;

const PAGE: Asset = Asset::new("text/html; charset=utf-8", include_str!("index.html"));
const STYLE: Asset = Asset::new("text/css; charset=utf-8", include_str!("style.css"));
const SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("script.js"));
const ICON: Asset = Asset::new("image/svg+xml", include_str!("icon.svg"));
const YAML: Asset = Asset::new("application/yaml; charset=utf-8", include_str!("../contract/video.yaml"));
const JSON: Asset = Asset::new("application/json", include_str!("../contract/video.json"));
const REFERENCE: Asset = Asset::new("text/html; charset=utf-8", include_str!("reference.html"));
const REFERENCE_STYLE: Asset = Asset::new("text/css; charset=utf-8", include_str!("reference.css"));
const REFERENCE_SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("reference.js"));

/// The policy of the reference. Swagger UI has its icons as `data:` URLs in its style sheet.
const REFERENCE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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
        .route_service("/docs/swagger-ui.css", swagger_ui())
        .route_service("/docs/swagger-ui-bundle.js", swagger_ui())
        .with_state(Arc::clone(app))
}

/// Routes that belong to the admin API.
pub(crate) fn admin_routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/__sandbox/events", get(events::events))
        .route("/__sandbox/jobs/{id}", get(jobs::job).layer(from_fn(scope::none)))
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

/// The files of Swagger UI. The page around them is ours, since theirs has an inline script.
fn swagger_ui() -> Router {
    swagger_ui_dist::generate_routes(ApiDefinition {
        uri_prefix: "/docs",
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: None,
    })
}
