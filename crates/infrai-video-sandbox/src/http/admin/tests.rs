use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::{Clock, Sandbox};

/// The methods and paths that the router knows.
async fn served() -> BTreeSet<(String, String)> {
    let sandbox = Sandbox::builder().clock(Clock::manual()).router();
    let paths = guarded().into_iter().chain(page::admin_routes()).chain(open()).chain(page::admin_document());
    let mut served = BTreeSet::new();
    for path in paths.map(|(path, _)| path) {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            let uri = path.replace(['{', '}'], "");
            let request =
                http::Request::builder().method(&method).uri(uri).body(Body::empty()).expect("a request");
            let status = sandbox.clone().oneshot(request).await.expect("a response").status();
            if status != StatusCode::METHOD_NOT_ALLOWED {
                served.insert((method.to_string(), path.to_owned()));
            }
        }
    }
    served
}

#[test]
fn the_document_has_the_version_of_the_crate() {
    let document: Value = serde_json::from_str(include_str!("../../contract/sandbox.json")).expect("JSON");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn the_document_describes_exactly_the_routes() {
    let text = |route: &Value, key: &str| route[key].as_str().expect("text").to_owned();
    let documented: BTreeSet<_> =
        page::documented_routes().iter().map(|route| (text(route, "method"), text(route, "path"))).collect();
    assert_eq!(served().await, documented, "left: the router, right: openapi/sandbox.yaml");
}
