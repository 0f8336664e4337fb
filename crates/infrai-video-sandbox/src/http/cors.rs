//! Cross-origin access from browsers: the API and the file host for pages on loopback and for chosen origins, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, Method};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::app_state::AppState;
use crate::model::operation::Host;

/// The headers of responses that a page may read. The request id of the API is in the body, and here for a server that has it in
/// a header.
const EXPOSED: [HeaderName; 8] = [
    RETRY_AFTER,
    DATE,
    WWW_AUTHENTICATE,
    ETAG,
    ACCEPT_RANGES,
    CONTENT_RANGE,
    CONTENT_LENGTH,
    HeaderName::from_static("x-request-id"),
];

/// How long a browser may cache the response to a preflight request.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Responds to preflight requests, which are not in the journal, and adds the headers to other responses.
pub(super) async fn cors(
    State((app, host)): State<(Arc<AppState>, Host)>,
    request: Request,
    next: Next,
) -> Response {
    let is_shared = host == Host::Files || request.uri().path().starts_with("/v1/");
    if !is_shared || !request.headers().contains_key(ORIGIN) {
        return next.run(request).await;
    }
    let origins = app.allowed_origins.clone();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origins.allows(origin.as_bytes())))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .allow_private_network(true)
        .max_age(MAX_AGE);
    layer.layer(next).oneshot(request).await.unwrap_or_else(|never| match never {})
}
