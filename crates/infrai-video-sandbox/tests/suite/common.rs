//! One helper for all tests: a sandbox without a socket, and a caller with a key.

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use infrai_video_sandbox::{ClipFiles, Clock, ConnectionLost, Sandbox, SandboxBuilder, SandboxRouter};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const KEY: &str = "ifr_pk_proj_one";
pub(crate) const OTHER_KEY: &str = "ifr_pk_proj_two";

/// A builder with a clock that is turned by hand and clips of a few bytes.
pub(crate) fn builder() -> SandboxBuilder {
    Sandbox::builder().clock(Clock::manual()).clip_source(|request| ClipFiles {
        mp4: format!(
            "clip of {}, {}x{}: {}",
            request.prompt,
            request.width,
            request.height,
            "0123456789".repeat(9)
        )
        .into_bytes(),
        thumbnail_jpeg: b"thumbnail".to_vec(),
    })
}

pub(crate) fn sandbox() -> SandboxRouter {
    builder().router()
}

/// A response as a caller sees it.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        assert_eq!(json["ok"], true, "{json}");
        json["data"].clone()
    }

    pub(crate) fn error(&self) -> Value {
        let json = self.json();
        assert_eq!((&json["ok"], &json["data"]), (&json!(false), &Value::Null), "{json}");
        for name in ["code", "message", "hint"] {
            assert!(json["error"][name].as_str().is_some_and(|text| !text.is_empty()), "{json}");
        }
        assert!(json["error"]["retryable"].is_boolean(), "{json}");
        assert!(json["metadata"]["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{json}");
        json["error"].clone()
    }

    /// Status and code of an error.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.error()["code"].as_str().expect("a code").to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A request in the making.
pub(crate) struct Call {
    request: http::request::Builder,
    body: Vec<u8>,
}

pub(crate) fn call(method: &str, path: &str) -> Call {
    let method: Method = method.parse().expect("a method");
    Call { request: Request::builder().method(method).uri(path), body: Vec::new() }
}

pub(crate) fn get(path: &str) -> Call {
    call("GET", path).key(KEY)
}

pub(crate) fn post(path: &str, body: Value) -> Call {
    call("POST", path).key(KEY).json(body)
}

impl Call {
    pub(crate) fn key(mut self, key: &str) -> Self {
        if let Some(headers) = self.request.headers_mut() {
            headers.insert("authorization", format!("Bearer {key}").parse().expect("a header"));
        }
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        let mut call = self.header("content-type", "application/json");
        call.body = body.to_string().into_bytes();
        call
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self, sandbox: &SandboxRouter) -> Response {
        self.try_send(sandbox).await.expect("a response")
    }

    /// The outer error is a connection lost before the response.
    pub(crate) async fn try_send(self, sandbox: &SandboxRouter) -> Result<Response, ConnectionLost> {
        let (status, headers, bytes) = self.parts(sandbox).await?;
        Ok(Response { status, headers, bytes: bytes.expect("a whole body") })
    }

    /// Status, headers, and the body if it arrives whole.
    pub(crate) async fn parts(
        self,
        sandbox: &SandboxRouter,
    ) -> Result<
        (StatusCode, HeaderMap, Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>),
        ConnectionLost,
    > {
        let request = self.request.body(Body::from(self.body)).expect("a request");
        let (parts, body) = sandbox.clone().oneshot(request).await?.into_parts();
        let bytes = body.collect().await.map(|body| body.to_bytes().to_vec());
        Ok((parts.status, parts.headers, bytes))
    }
}

/// Makes a job and gives its id.
pub(crate) async fn generate(sandbox: &SandboxRouter, body: Value) -> String {
    let data = post("/v1/video/generate", body).send(sandbox).await.data();
    data["job_id"].as_str().expect("an id").to_owned()
}

/// Makes a short, cheap job and gives its id.
pub(crate) async fn cheap_job(sandbox: &SandboxRouter) -> String {
    generate(sandbox, json!({"prompt": "a lighthouse", "prefer": "cheapest", "duration_seconds": 1})).await
}

pub(crate) async fn state(sandbox: &SandboxRouter, id: &str) -> Value {
    get(&format!("/v1/video/status/{id}")).send(sandbox).await.data()["state"].clone()
}

pub(crate) async fn download_url(sandbox: &SandboxRouter, id: &str) -> String {
    let data = get(&format!("/v1/video/download_url/{id}")).send(sandbox).await.data();
    data["url"].as_str().expect("a link").to_owned()
}
