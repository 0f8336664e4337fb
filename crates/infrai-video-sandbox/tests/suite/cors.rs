//! Cross-origin requests of browsers: preflights, and the headers of responses.

use http::HeaderMap;
use serde_json::json;

use crate::common::{Call, builder, call, cheap_job, download_url, get, post, sandbox};

const LOCAL: &str = "http://localhost:5173";

fn preflight(path: &str, origin: &str, method: &str) -> Call {
    call("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type,idempotency-key")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(format!("access-control-{name}")).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn a_preflight_request_of_a_page_on_loopback_is_granted_and_not_in_the_journal() {
    let sandbox = sandbox();
    for (path, method) in
        [("/v1/video/generate", "POST"), ("/v1/video/delete/vj_1", "DELETE"), ("/v1/video/list", "GET")]
    {
        let granted = preflight(path, LOCAL, method).send(&sandbox).await;
        assert!(granted.status.is_success());
        assert_eq!(header(&granted.headers, "allow-origin"), Some(LOCAL));
        assert!(header(&granted.headers, "allow-methods").is_some_and(|methods| methods.contains(method)));
        let allowed = header(&granted.headers, "allow-headers");
        assert_eq!(allowed, Some("authorization,content-type,idempotency-key"));
    }
    assert_eq!(sandbox.journal(), []);
}

#[tokio::test]
async fn responses_and_errors_can_be_read_by_pages_on_loopback() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let link = download_url(&sandbox, &id).await;
    for request in [
        get("/v1/video/list"),
        get("/v1/video/status/vj_none"),
        call("GET", "/v1/video/list"),
        call("GET", "/v1/nothing"),
        call("GET", &link),
        call("GET", &link.replace("signature=", "signature=x")),
    ] {
        let response = request.header("origin", LOCAL).send(&sandbox).await;
        assert_eq!(header(&response.headers, "allow-origin"), Some(LOCAL), "{}", response.status);
        let exposed = header(&response.headers, "expose-headers").expect("a list");
        for name in ["retry-after", "x-request-id", "etag", "content-range"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        assert_eq!(header(&response.headers, "allow-credentials"), None);
        assert!(response.header("vary").is_some_and(|vary| vary.contains("origin")));
    }
}

#[tokio::test]
async fn other_origins_need_to_be_chosen() {
    let chosen = builder().cors_origin("https://app.example").cors_origin("null").router();
    let list = |origin: &str| get("/v1/video/list").header("origin", origin);
    for (origin, allowed) in [
        ("https://app.example", true),
        ("null", true),
        (LOCAL, true),
        ("http://app.example", false),
        ("https://other.example", false),
    ] {
        let response = list(origin).send(&chosen).await;
        assert_eq!(response.status, 200);
        assert_eq!(header(&response.headers, "allow-origin"), allowed.then_some(origin), "{origin}");
        let preflight = preflight("/v1/video/generate", origin, "POST").send(&chosen).await;
        assert_eq!(preflight.status, if allowed { 200 } else { 403 });
        assert!(allowed || preflight.text().contains("--cors"), "{}", preflight.text());
        assert_eq!(header(&preflight.headers, "allow-origin"), allowed.then_some(origin), "{origin}");
    }
    let default = list("https://app.example").send(&sandbox()).await;
    assert_eq!(header(&default.headers, "allow-origin"), None);
}

#[tokio::test]
async fn the_admin_api_and_the_pages_are_shared_with_nobody() {
    let sandbox = builder().cors_origin("https://app.example").router();
    for path in
        ["/__sandbox/journal", "/__sandbox/nothing", "/__sandbox/faults", "/", "/docs", "/healthz", "/v1"]
    {
        for origin in [LOCAL, "https://app.example"] {
            for request in [call("GET", path).header("origin", origin), preflight(path, origin, "PUT")] {
                let response = request.send(&sandbox).await;
                assert_eq!(header(&response.headers, "allow-origin"), None, "{path} {origin}");
            }
        }
    }
    let response = post("/__sandbox/reset", json!({})).header("origin", LOCAL).send(&sandbox).await;
    assert_eq!(header(&response.headers, "allow-origin"), None);
}

#[tokio::test]
async fn a_request_without_an_origin_is_as_before() {
    let sandbox = sandbox();
    let response = get("/v1/video/list").send(&sandbox).await;
    assert_eq!(header(&response.headers, "allow-origin"), None);
    assert_eq!(response.header("vary"), Some("origin"), "a cached response may be for a request without one");
}

#[tokio::test]
async fn only_a_preflight_request_is_one() {
    let sandbox = sandbox();
    for origin in [None, Some(LOCAL)] {
        let options = call("OPTIONS", "/v1/video/list");
        let options = origin.into_iter().fold(options, |call, origin| call.header("origin", origin));
        assert_eq!(options.send(&sandbox).await.refusal(), (405, "METHOD_NOT_ALLOWED".to_owned()));
    }
    assert_eq!(sandbox.journal().len(), 2);
}

#[tokio::test]
async fn an_origin_is_a_scheme_a_host_and_a_port() {
    for wrong in ["app.example", "https://app.example/page", "*", ""] {
        let error = builder().cors_origin(wrong).start().await.expect_err(wrong).to_string();
        assert!(error.starts_with(&format!("the origin {wrong:?} ")), "{error}");
    }
}
