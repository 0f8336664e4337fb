//! Every response that the sandbox gives is what the document says, judged by a JSON Schema library.

use std::collections::BTreeSet;

use contract_tests::{KEY, contract};
use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox, SandboxBuilder};
use openapi_checks::json_schema::{Response, Validators};
use openapi_tools::Document;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A plain HTTP client that holds each response against the document.
pub(crate) struct Judge {
    http: reqwest::Client,
    pub(crate) sandbox: Sandbox,
    validators: Validators,
    pub(crate) seen: BTreeSet<(String, u16)>,
}

impl Judge {
    async fn of(builder: SandboxBuilder) -> Self {
        Self::by(&contract(), builder).await
    }

    pub(crate) async fn by(document: &Document, builder: SandboxBuilder) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            sandbox: builder.start().await.unwrap(),
            validators: Validators::new(&document.value).unwrap(),
            seen: BTreeSet::new(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sandbox.base_url())).bearer_auth(KEY)
    }

    /// Sends, checks the whole response, and gives its status and body.
    async fn response(&mut self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.build().unwrap();
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = self.http.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let content_type = headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| *value);
        let body = response.bytes().await.unwrap();
        let checked =
            Response { method: &method, path: &path, status, content_type, headers: &headers, body: &body };
        if let Err(mismatch) = self.validators.validate_response(&checked) {
            panic!("{method} {path} {status}: {mismatch}\n{}", String::from_utf8_lossy(&body));
        }
        let operation = self.validators.operation(&method, &path).unwrap().id().unwrap().to_owned();
        self.seen.insert((operation, status));
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The same where the status is known.
    pub(crate) async fn expect(&mut self, request: reqwest::RequestBuilder, status: u16) -> Value {
        let sent = format!("{request:?}");
        let (answered, body) = self.response(request).await;
        assert_eq!(answered, status, "{sent}: {body}");
        body
    }

    async fn generate(&mut self, body: Value, status: u16) -> Value {
        let request = self.request(Method::POST, "/v1/video/generate").json(&body);
        self.expect(request, status).await
    }

    async fn get(&mut self, path: &str, status: u16) -> Value {
        let request = self.request(Method::GET, path);
        self.expect(request, status).await
    }

    async fn post(&mut self, path: &str, body: Value, status: u16) -> Value {
        let request = self.request(Method::POST, path).json(&body);
        self.expect(request, status).await
    }
}

fn id_of(response: &Value) -> String {
    response["data"]["job_id"].as_str().unwrap().to_owned()
}

/// Every operation with each of its statuses.
pub(crate) fn documented(contract: &Document) -> BTreeSet<(String, u16)> {
    let statuses = |operation: openapi_tools::Operation<'_>| {
        let id = operation.id().unwrap().to_owned();
        operation
            .responses()
            .map(move |(status, _)| (id.clone(), status.parse().unwrap()))
            .collect::<Vec<_>>()
    };
    contract.operations().flat_map(statuses).collect()
}

/// Fails if no test got a documented response.
pub(crate) fn unseen(contract: &Document, seen: &BTreeSet<(String, u16)>) -> anyhow::Result<()> {
    match documented(contract).difference(seen).next() {
        None => Ok(()),
        Some((operation, status)) => Err(anyhow::anyhow!(
            "no test gets the {status} of {operation}; let the sandbox give it, and ask for it in tests/contract/conformance.rs"
        )),
    }
}

#[tokio::test]
async fn every_documented_answer_is_given_and_is_as_documented() {
    let mut judge = Judge::of(Sandbox::builder().clock(Clock::manual()).starting_balance(20.0)).await;
    successes(&mut judge).await;
    refusals(&mut judge).await;
    unauthorized(&mut judge).await;
    faults(&mut judge).await;
    unseen(&contract(), &judge.seen).unwrap();
}

async fn successes(judge: &mut Judge) {
    let full = json!({
        "prompt": "a city", "duration_seconds": 1, "aspect": "1:1", "aspect_ratio": "1:1", "resolution": "720p",
        "prefer": "cheapest", "reference_image_url": "https://images.example.com/a.jpg", "idempotency_key": "k1",
    });
    let job = judge.generate(full.clone(), 200).await;
    let again = judge.generate(full, 200).await;
    assert_eq!((id_of(&job), &again["metadata"]["cache_hit"]), (id_of(&again), &json!(true)));
    let id = id_of(&job);
    judge.get(&format!("/v1/video/status/{id}"), 200).await;
    judge.get(&format!("/v1/video/get/{id}"), 200).await;
    judge.get(&format!("/v1/video/download_url/{id}"), 409).await;

    let cancelled = id_of(&judge.generate(json!({"prompt": "two"}), 200).await);
    judge.post(&format!("/v1/video/cancel/{cancelled}"), json!({"job_id": cancelled}), 200).await;
    let failing = id_of(&judge.generate(json!({"prompt": "three [fail]"}), 200).await);
    judge.sandbox.clock().advance(Duration::from_secs(600));

    for (id, state) in [(&id, "succeeded"), (&cancelled, "cancelled"), (&failing, "failed")] {
        assert_eq!(judge.get(&format!("/v1/video/status/{id}"), 200).await["data"]["state"], *state);
        assert_eq!(judge.get(&format!("/v1/video/get/{id}"), 200).await["data"]["state"], *state);
    }
    judge.get(&format!("/v1/video/download_url/{id}"), 200).await;
    judge.post(&format!("/v1/video/set_retention/{id}"), json!({"days": 7}), 200).await;
    judge.post(&format!("/v1/video/cancel/{id}"), json!({}), 409).await;

    let page = judge.get("/v1/video/list?limit=2", 200).await;
    let cursor = page["data"]["next_cursor"].as_str().unwrap().to_owned();
    let rest = judge.get(&format!("/v1/video/list?limit=2&cursor={cursor}"), 200).await;
    assert_eq!(rest["data"]["items"].as_array().unwrap().len(), 1);
    judge.get("/v1/video/capabilities", 200).await;

    judge.sandbox.clock().advance(Duration::from_secs(8 * 24 * 3600));
    judge.get(&format!("/v1/video/download_url/{id}"), 410).await;
    let delete = judge.request(Method::DELETE, &format!("/v1/video/delete/{id}"));
    judge.expect(delete, 200).await;
    assert_eq!(judge.post("/v1/video/delete_all", json!({}), 200).await["data"]["deleted"], 2);
}

async fn refusals(judge: &mut Judge) {
    const IDS: [(&str, &str); 6] = [
        ("GET", "status"),
        ("GET", "get"),
        ("GET", "download_url"),
        ("POST", "cancel"),
        ("POST", "set_retention"),
        ("DELETE", "delete"),
    ];
    for (method, verb) in IDS {
        for (id, status) in [("vj_of_nobody", 404), ("%2Fodd", 400)] {
            let method: Method = method.parse().unwrap();
            let mut request = judge.request(method.clone(), &format!("/v1/video/{verb}/{id}"));
            if method == Method::POST {
                request = request.json(&json!({"days": 3}));
            }
            judge.expect(request, status).await;
        }
    }
    judge.get("/v1/video/list?limit=0", 400).await;
    judge.get("/v1/video/list?cursor=never-given-out", 400).await;

    for body in [
        json!({}),
        json!({"prompt": ""}),
        json!({"prompt": "   "}),
        json!({"prompt": 7}),
        json!({"prompt": "x", "duration_seconds": 0}),
        json!({"prompt": "x", "duration_seconds": 3601}),
        json!({"prompt": "x", "duration_seconds": "5"}),
        json!({"prompt": "x", "aspect": "4:3"}),
        json!({"prompt": "x", "aspect": "1:1", "aspect_ratio": "16:9"}),
        json!({"prompt": "x", "resolution": "8k"}),
        json!({"prompt": "x", "duration_seconds": 3000}),
        json!({"prompt": "x", "prefer": "best"}),
    ] {
        let error = judge.generate(body.clone(), 422).await;
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains('`'), "{body}: the message names no field: {message}");
    }
    let job = id_of(&judge.generate(json!({"prompt": "one", "idempotency_key": "taken"}), 200).await);
    for days in [json!(0), json!(91), json!(1.5), json!("7"), Value::Null] {
        judge.post(&format!("/v1/video/set_retention/{job}"), json!({"days": days}), 422).await;
    }
    judge.post(&format!("/v1/video/cancel/{job}"), json!({"job_id": "vj_another"}), 422).await;

    // A key that another request has used, with every operation that takes one.
    let taken = |request: reqwest::RequestBuilder| request.header("Idempotency-Key", "taken");
    let conflicts = [
        taken(judge.request(Method::POST, "/v1/video/generate")).json(&json!({"prompt": "another"})),
        taken(judge.request(Method::POST, &format!("/v1/video/cancel/{job}"))).json(&json!({})),
        taken(judge.request(Method::POST, &format!("/v1/video/set_retention/{job}")))
            .json(&json!({"days": 3})),
        taken(judge.request(Method::POST, "/v1/video/delete_all")).json(&json!({})),
        taken(judge.request(Method::DELETE, &format!("/v1/video/delete/{job}"))),
    ];
    for request in conflicts {
        judge.expect(request, 409).await;
    }

    for path in [
        "/v1/video/generate".to_owned(),
        format!("/v1/video/cancel/{job}"),
        format!("/v1/video/set_retention/{job}"),
        "/v1/video/delete_all".to_owned(),
    ] {
        let post = |body: String, kind: &str| {
            judge.request(Method::POST, &path).header("content-type", kind).body(body)
        };
        let requests = [
            (post("[1]".into(), "application/json"), 400),
            (post("{".into(), "application/json"), 400),
            (post("prompt=x".into(), "application/x-www-form-urlencoded"), 415),
            (post(format!("{{\"prompt\":\"{}\"}}", "x".repeat(1 << 20)), "application/json"), 413),
        ];
        for (request, status) in requests {
            judge.expect(request, status).await;
        }
    }
    let odd_key =
        judge.request(Method::DELETE, &format!("/v1/video/delete/{job}")).header("Idempotency-Key", "a b");
    judge.expect(odd_key, 400).await;

    let dear = json!({"prompt": "x", "duration_seconds": 60, "resolution": "4k"});
    loop {
        let (status, body) =
            judge.response(judge.request(Method::POST, "/v1/video/generate").json(&dear)).await;
        if status == 402 {
            break;
        }
        assert_eq!(status, 200, "{body}");
    }
}

/// The operations that the sandbox has: method, path and name. What it does not have, [`unseen`] says.
fn known() -> Vec<(String, String, Operation)> {
    let known = |operation: openapi_tools::Operation<'_>| {
        let name = operation.id()?.trim_start_matches("video_").parse().ok()?;
        Some((operation.method.to_uppercase(), operation.path.replace("{id}", "vj_1"), name))
    };
    contract().operations().filter_map(known).collect()
}

async fn unauthorized(judge: &mut Judge) {
    for (method, path, _) in known() {
        for key in [None, Some("Bearer nonsense"), Some("Basic aWZyOnBr"), Some("Bearer ")] {
            let url = format!("{}{path}", judge.sandbox.base_url());
            let mut request = judge.http.request(method.parse().unwrap(), url);
            if let Some(key) = key {
                request = request.header("authorization", key);
            }
            if method == "POST" {
                request = request.json(&json!({"prompt": "x", "days": 3}));
            }
            judge.expect(request, 401).await;
        }
    }
}

async fn faults(judge: &mut Judge) {
    for (method, path, operation) in known() {
        for (action, status) in
            [(Action::rate_limited(2), 429), (Action::status(500), 500), (Action::status(503), 503)]
        {
            judge.sandbox.set_faults([Fault::on(operation, action)]);
            let mut request = judge.request(method.parse().unwrap(), &path);
            if method == "POST" {
                request = request.json(&json!({"prompt": "x", "days": 3}));
            }
            judge.expect(request, status).await;
        }
    }
}

#[tokio::test]
async fn routes_that_the_document_does_not_have_answer_with_an_envelope_too() {
    let judge = Judge::of(Sandbox::builder()).await;
    for (method, path, status) in [
        (Method::GET, "/v1/video/unknown", 404),
        (Method::GET, "/v1/video/status/", 404),
        (Method::GET, "/v1/video/status/a/b", 404),
        (Method::GET, "/v2", 404),
        (Method::PUT, "/v1/video/generate", 405),
        (Method::GET, "/v1/video/cancel/vj_1", 405),
    ] {
        let response = judge.request(method.clone(), path).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{method} {path}");
        let body: Value = response.json().await.unwrap();
        judge
            .validators
            .validate("ErrorEnvelope", &body)
            .unwrap_or_else(|errors| panic!("{path}: {errors:?}"));
    }
}
