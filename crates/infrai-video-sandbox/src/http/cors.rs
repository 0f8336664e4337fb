//! Cross-origin access from browsers: the API and the file host for pages on loopback and for chosen origins, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, LOCATION,
    ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::record;
use crate::app_state::AppState;
use crate::model::operation::Host;
use crate::model::problem::Problem;

/// The headers of responses that a page may read. The request id of the API is in the body, and here for a server that has it in
/// a header.
const EXPOSED: [HeaderName; 10] = [
    RETRY_AFTER,
    DATE,
    WWW_AUTHENTICATE,
    ETAG,
    ACCEPT_RANGES,
    CONTENT_RANGE,
    CONTENT_LENGTH,
    LOCATION,
    ALLOW,
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
    if !is_shared {
        return next.run(request).await;
    }
    let Some(origin) = request.headers().get(ORIGIN) else {
        let mut response = next.run(request).await;
        // Otherwise a browser may use a response to an `<img>` or `<video>` for a script, which cannot read it.
        response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
        return response;
    };
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight && !app.allowed_origins.allows(origin.as_bytes()) {
        let problem = Problem::origin_not_allowed(&String::from_utf8_lossy(origin.as_bytes()));
        let head = (request.method(), request.uri(), request.headers());
        return record::reject(&app, host, head, &problem);
    }
    if request.method() == Method::OPTIONS && !is_preflight {
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
