//! The page and the contract as they go over the wire, and the stream that the page listens to.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use infrai_video_sandbox::{Clock, ResponseBody, Sandbox, SandboxRouter, Shutdown};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::common::{KEY, OTHER_KEY, builder, call, cheap_job, generate, get, post, sandbox};

#[tokio::test]
async fn the_contract_is_served_in_both_forms_and_not_sent_twice() {
    let sandbox = sandbox();
    let document = include_str!("../../src/contract/video.yaml");
    let yaml = call("GET", "/openapi.yaml").send(&sandbox).await;
    assert_eq!(
        (yaml.text().as_str(), yaml.header("content-type")),
        (document, Some("application/yaml; charset=utf-8"))
    );
    let json = call("GET", "/openapi.json").send(&sandbox).await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(json.json()["openapi"], "3.0.3");
    let documents = ["/openapi.yaml", "/openapi.json", "/docs", "/"].map(str::to_owned);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/assets");
    let assets = std::fs::read_dir(folder)
        .expect("the files of the page")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name in UTF-8"));
    let assets: Vec<_> =
        assets.filter(|name| !name.ends_with(".html")).map(|name| format!("/page/{name}")).collect();
    assert!(assets.len() > 10, "{assets:?}");
    for path in documents.iter().chain(&assets) {
        let first = call("GET", path).send(&sandbox).await;
        assert_eq!(first.status, StatusCode::OK, "{path}");
        let tag = first.header("etag").expect("a tag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = call("GET", path).header("if-none-match", &known).send(&sandbox).await;
            assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {known}");
        }
        let other = call("GET", path).header("if-none-match", "\"other\"").send(&sandbox).await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }
    assert!(sandbox.journal().is_empty(), "whoever only looks leaves no trace");
}

#[tokio::test]
async fn pages_forbid_all_that_they_do_not_need() {
    let sandbox = sandbox();
    for path in ["/", "/docs"] {
        let page = call("GET", path).send(&sandbox).await;
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(
        call("GET", "/docs/").send(&sandbox).await.status,
        StatusCode::NOT_FOUND,
        "no page of the library"
    );
    let page = call("GET", "/").send(&sandbox).await;
    let files = format!("media-src {};", sandbox.file_base_url());
    assert!(page.header("content-security-policy").expect("a policy").contains(&files));
}

#[tokio::test]
async fn swagger_ui_is_sent_compressed_to_those_who_accept_it_and_plain_to_others() {
    let sandbox = sandbox();
    for (path, start) in [("/docs/swagger-ui.css", ".swagger-ui"), ("/docs/swagger-ui-bundle.js", "/*!")] {
        let get = |accepted: Option<&str>| match accepted {
            Some(accepted) => call("GET", path).header("accept-encoding", accepted),
            None => call("GET", path),
        };
        let plain = get(None).send(&sandbox).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (StatusCode::OK, None));
        assert!(plain.text().starts_with(start), "{path}: {}", &plain.text()[..40]);
        for refused in ["identity", "br", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", ""] {
            assert_eq!(get(Some(refused)).send(&sandbox).await.bytes, plain.bytes, "{path} {refused}");
        }
        for accepted in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip; q=0.5", "*"] {
            let small = get(Some(accepted)).send(&sandbox).await;
            assert_eq!(small.header("content-encoding"), Some("gzip"), "{path} {accepted}");
            assert_eq!(small.header("vary"), Some("accept-encoding"));
            assert!(small.bytes.len() * 3 < plain.bytes.len() && small.bytes.starts_with(b"\x1f\x8b"));
            let tag = small.header("etag").expect("a tag").to_owned();
            assert_ne!(Some(tag.as_str()), plain.header("etag"), "another representation has another tag");
            let again = get(Some(accepted)).header("if-none-match", &tag).send(&sandbox).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        }
    }
}

#[tokio::test]
async fn the_admin_api_is_described_where_it_is() {
    let sandbox = sandbox();
    let document = call("GET", "/__sandbox/openapi.json").send(&sandbox).await.json();
    assert_eq!(document["openapi"], "3.0.3");
    let yaml = call("GET", "/__sandbox/openapi.yaml").send(&sandbox).await.text();
    assert!(yaml.starts_with("openapi: 3.0.3\n"));
    let index = call("GET", "/__sandbox/").send(&sandbox).await.json();
    for link in index["links"].as_object().expect("links").values() {
        let linked = call("GET", link.as_str().expect("a path")).send(&sandbox).await;
        assert_eq!(linked.status, StatusCode::OK, "{link}");
    }
    let routes = index["routes"].as_array().expect("routes");
    assert!(routes.iter().any(|route| route["path"] == "/__sandbox/clock" && route["method"] == "POST"));
}

/// A page that listens.
struct Listener {
    body: ResponseBody,
    text: String,
}

impl Listener {
    async fn to(sandbox: &SandboxRouter, path: &str) -> Self {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = sandbox.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event of this name; those of other names are passed over.
    async fn next(&mut self, wanted: &str) -> Value {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                let data = event.strip_prefix(&format!("event: {wanted}\ndata: "));
                if let Some(data) = data {
                    return serde_json::from_str(data).expect("JSON");
                }
            }
            let frame = self.body.frame().await.expect("the stream goes on").expect("a frame");
            self.text.push_str(std::str::from_utf8(frame.data_ref().expect("data")).expect("UTF-8"));
        }
    }

    /// What is told of jobs next: the state of each, and the numbers of those that went.
    async fn jobs(&mut self) -> (Vec<(u64, String)>, Value) {
        let mut jobs = self.next("jobs").await;
        let told = jobs["changed"].as_array().expect("a list").iter();
        let told = told.map(|job| {
            (job["number"].as_u64().expect("a number"), job["state"].as_str().expect("a state").to_owned())
        });
        (told.collect(), jobs["gone"].take())
    }
}

fn states(jobs: &[(u64, &str)]) -> Vec<(u64, String)> {
    jobs.iter().map(|(number, state)| (*number, (*state).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_starts_with_the_state_and_continues_with_changes() {
    let sandbox = sandbox();
    cheap_job(&sandbox).await;
    let mut listener = Listener::to(&sandbox, "/__sandbox/events").await;
    let hello = listener.next("hello").await;
    assert_eq!(hello["samples"].as_array().map(Vec::len), Some(10));
    assert_eq!(listener.next("clock").await["now"], "2026-01-01T00:00:00Z");
    assert_eq!(listener.jobs().await, (states(&[(1, "queued")]), json!([])));
    assert_eq!(listener.next("ledger").await["entries"][0]["kind"], "charge");

    let second = cheap_job(&sandbox).await;
    assert_eq!(listener.jobs().await.0, states(&[(2, "queued")]), "the first is not told again");
    sandbox.clock().advance(Duration::from_millis(1500));
    assert_eq!(listener.jobs().await.0, states(&[(2, "running"), (1, "running")]));
    sandbox.clock().advance(Duration::from_secs(60));
    assert_eq!(listener.next("clock").await["now"], "2026-01-01T00:01:01.5Z");
    assert_eq!(listener.jobs().await.0, states(&[(2, "succeeded"), (1, "succeeded")]));
    call("DELETE", &format!("/v1/video/delete/{second}")).key(KEY).send(&sandbox).await;
    assert_eq!(listener.jobs().await, (Vec::new(), json!([2])));
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_comes_with_links_that_work_and_the_request_that_made_it() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(60));
    let told = Listener::to(&sandbox, "/__sandbox/events").await.next("jobs").await["changed"][0].clone();
    assert_eq!(told["request_id"], json!(sandbox.journal()[0].request_id));
    let asked = get(&format!("/__sandbox/jobs/{id}")).send(&sandbox).await.json();
    assert_ne!(told["video_url"], asked["video_url"], "each look brings links of its own");
    for link in [&told["video_url"], &told["thumbnail_url"], &asked["video_url"]] {
        let file = call("GET", link.as_str().expect("a link")).send(&sandbox).await;
        assert_eq!(file.status, StatusCode::OK, "{link}");
    }
    assert_eq!(get("/__sandbox/jobs/vj_none").send(&sandbox).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_stream_does_not_change_the_links_of_the_api() {
    let link = async |watched: bool| {
        let sandbox = sandbox();
        let id = cheap_job(&sandbox).await;
        sandbox.clock().advance(Duration::from_secs(60));
        if watched {
            Listener::to(&sandbox, "/__sandbox/events").await.next("jobs").await;
        }
        crate::common::download_url(&sandbox, &id).await
    };
    assert_eq!(link(false).await, link(true).await);
}

#[tokio::test(start_paused = true)]
async fn a_stream_shows_the_newest_jobs_and_the_total() {
    let sandbox = builder().starting_balance(1e6).router();
    for _ in 0..10_000 {
        cheap_job(&sandbox).await;
    }
    let mut listener = Listener::to(&sandbox, "/__sandbox/events").await;
    let jobs = listener.next("jobs").await;
    assert_eq!(jobs["total"], 10_000);
    let numbers: Vec<_> =
        jobs["changed"].as_array().expect("a list").iter().map(|job| job["number"].clone()).collect();
    assert_eq!((numbers.len(), &numbers[0], &numbers[499]), (500, &json!(10_000), &json!(9_501)));
    let ledger = listener.next("ledger").await;
    assert_eq!(
        (ledger["entries"].as_array().map(Vec::len), &ledger["entry_count"]),
        (Some(50), &json!(10_001))
    );
    assert_eq!(ledger["job_count"], 10_000);
    let requests = listener.next("requests").await;
    let newest = requests["changed"].as_array().expect("a list");
    assert_eq!(
        (newest.len(), &newest[0]["sequence"], &requests["total"]),
        (200, &json!(10_000), &json!(10_000))
    );
    cheap_job(&sandbox).await;
    assert_eq!(listener.jobs().await, (states(&[(10_001, "queued")]), json!([9_501])));
}

#[tokio::test(start_paused = true)]
async fn one_account_alone_can_be_listened_to() {
    let sandbox = sandbox();
    cheap_job(&sandbox).await;
    post("/v1/video/generate", json!({"prompt": "another's"})).key(OTHER_KEY).send(&sandbox).await.data();
    let account = sandbox.jobs().remove(1).account;
    let mut listener = Listener::to(&sandbox, &format!("/__sandbox/events?account={account}")).await;
    assert_eq!(listener.jobs().await.0, states(&[(2, "queued")]));
    let ledger = listener.next("ledger").await;
    assert_eq!((&ledger["entry_count"], &ledger["account_count"]), (&json!(2), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn after_a_reset_the_same_number_is_another_job() {
    let sandbox = sandbox();
    let mut listener = Listener::to(&sandbox, "/__sandbox/events").await;
    listener.jobs().await;
    generate(&sandbox, json!({"prompt": "before", "duration_seconds": 1})).await;
    listener.jobs().await;
    sandbox.reset();
    generate(&sandbox, json!({"prompt": "afterwards", "duration_seconds": 1})).await;
    let jobs = listener.next("jobs").await;
    assert_eq!((&jobs["gone"], &jobs["changed"][0]["prompt"]), (&json!([1]), &json!("afterwards")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_shows_each_request_when_it_comes_and_when_it_got_its_response() {
    let sandbox = sandbox();
    let mut listener = Listener::to(&sandbox, "/__sandbox/events").await;
    assert_eq!(listener.next("requests").await["changed"], json!([]));
    call("PUT", "/__sandbox/faults")
        .bytes("[[fault]]\noperation = \"list\"\naction = \"hang\"\nseconds = 2\naccepted = true")
        .send(&sandbox)
        .await;
    let slow = get("/v1/video/list?limit=3").header("idempotency-key", "k1").send(&sandbox);
    let watch = async {
        let coming = listener.next("requests").await["changed"][0].take();
        (coming, listener.next("requests").await["changed"][0].take())
    };
    let (_, (coming, done)) = tokio::join!(slow, watch);
    assert_eq!((&coming["status"], &coming["is_done"]), (&Value::Null, &json!(false)));
    let shown = ["status", "is_done", "duration_ms", "path", "fault", "idempotency_key"]
        .map(|name| done[name].clone());
    assert_eq!(json!(shown), json!([200, true, 2000.0, "/v1/video/list?limit=3", "hang", "k1"]));

    let body = json!({"prompt": "a boat", "idempotency_key": "in the body".replace(' ', "-")});
    post("/v1/video/generate", body).send(&sandbox).await.data();
    assert_eq!(listener.next("requests").await["changed"][0]["idempotency_key"], "in-the-body");
    sandbox.reset();
    get("/v1/video/list").send(&sandbox).await;
    let told = listener.next("requests").await;
    assert_eq!(
        (&told["gone"], &told["changed"][0]["sequence"], &told["all"]),
        (&json!([1, 2]), &json!(1), &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_stream_are_chosen_by_account_job_and_status() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    get(&format!("/v1/video/status/{id}")).send(&sandbox).await;
    get("/v1/video/status/vj_none").send(&sandbox).await;
    get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await;
    let account = sandbox.jobs().remove(0).account;
    for (query, expected) in [
        (String::new(), &[4, 3, 2, 1][..]),
        (format!("account={account}"), &[3, 2, 1]),
        (format!("job={id}"), &[2, 1]),
        (format!("job={id}&account={KEY}&status=200"), &[2, 1]),
        ("status=4xx".to_owned(), &[3]),
        ("status=404".to_owned(), &[3]),
        ("status=none".to_owned(), &[]),
        ("hide=status".to_owned(), &[4, 1]),
    ] {
        let mut listener = Listener::to(&sandbox, &format!("/__sandbox/events?{query}")).await;
        let requests = listener.next("requests").await;
        let shown = requests["changed"].as_array().expect("a list").iter();
        let numbers: Vec<_> = shown.map(|request| request["sequence"].as_u64().expect("a number")).collect();
        assert_eq!((numbers.as_slice(), &requests["all"]), (expected, &json!(4)), "{query}");
    }
    for wrong in ["status=6xx", "status=99", "status=", "status=4xx&status=5xx", "jobs=1", "hide=all"] {
        let refused = get(&format!("/__sandbox/events?{wrong}")).send(&sandbox).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_shows_rules_that_are_added_and_removed() {
    let sandbox = sandbox();
    let mut listener = Listener::to(&sandbox, "/__sandbox/events").await;
    let ready = listener.next("faults").await["ready"].take();
    let toml = |place: usize| ready[place]["toml"].as_str().expect("a rule").to_owned();
    let add = |place: usize| call("POST", "/__sandbox/faults").bytes(toml(place));
    add(1).send(&sandbox).await;
    assert_eq!(listener.next("faults").await["ready"][1]["on"], true);
    assert_eq!(post("/v1/video/generate", json!({"prompt": "a boat"})).send(&sandbox).await.status, 503);
    assert_eq!(listener.next("faults").await["active"][0]["acted"], 1);
    add(3).send(&sandbox).await;
    let told = listener.next("faults").await;
    assert_eq!(
        (&told["active"][0]["acted"], &told["ready"][3]["on"]),
        (&json!(1), &json!(true)),
        "counts go on"
    );
    call("POST", "/__sandbox/faults/remove").bytes(toml(1)).send(&sandbox).await;
    let told = listener.next("faults").await;
    assert_eq!((told["active"].as_array().map(Vec::len), &told["ready"][1]["on"]), (Some(1), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_from_time_to_time_that_it_is_still_connected() {
    let sandbox = sandbox();
    let mut listener = Listener::to(&sandbox, "/__sandbox/events").await;
    listener.next("requests").await;
    let frame = listener.body.frame().await.expect("the stream goes on").expect("a frame");
    assert!(frame.data_ref().is_some_and(|data| data.starts_with(b":")), "a comment");
}

#[tokio::test]
async fn the_stream_ends_with_the_sandbox() {
    let sandbox = Sandbox::builder().clock(Clock::manual()).start().await.expect("free ports");
    let url = format!("{}/__sandbox/events", sandbox.base_url());
    let mut response = reqwest::get(url).await.expect("a response");
    assert!(response.chunk().await.expect("it starts").is_some());
    drop(sandbox);
    while let Ok(Some(_)) = response.chunk().await {}
}

#[tokio::test]
async fn an_open_page_does_not_hold_up_a_shutdown() {
    let sandbox = Sandbox::builder().clock(Clock::manual()).start().await.expect("free ports");
    let url = format!("{}/__sandbox/events", sandbox.base_url());
    let mut response = reqwest::get(url).await.expect("a response");
    assert!(response.chunk().await.expect("it starts").is_some());
    let read = async { while let Ok(Some(_)) = response.chunk().await {} };
    let (shutdown, ()) = tokio::join!(sandbox.shutdown(), read);
    assert_eq!(shutdown, Shutdown::Finished);
}
