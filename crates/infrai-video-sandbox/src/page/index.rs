//! The index of the admin API.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::envelope;

/// `GET /__sandbox/`: links, and the routes of the document.
pub(super) async fn index() -> Response {
    static INDEX: LazyLock<Value> = LazyLock::new(|| {
        json!({
            "links": {
                "page": "/",
                "docs": "/docs?document=sandbox",
                "openapi": "/__sandbox/openapi.yaml",
                "api": "/openapi.yaml",
            },
            "routes": routes(),
        })
    });
    envelope::json(StatusCode::OK, &[], &*INDEX).into_response()
}

/// The routes in the document, in alphabetical order.
pub(crate) fn routes() -> Vec<Value> {
    let document: Value = serde_json::from_str(include_str!("../contract/sandbox.json"))
        .expect("the document's JSON is written by a program and read by a test");
    let paths = document["paths"].as_object().into_iter().flatten();
    let route = |path: &str, method: &str, operation: &Value| json!({"method": method.to_uppercase(), "path": path, "summary": operation["summary"]});
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.map(move |(method, operation)| route(path, method, operation))
        })
        .collect()
}
