use serde_json::json;

use super::*;
use crate::exchange::{Auth, Binary};

const CLIP: &[u8] = b"0123456789";
const LINK: &str = "https://files.invalid/link-1";

fn response(status: u16, body: Value) -> Response {
    Response { status, headers: Vec::new(), body: Body::Json(body) }
}

fn state(state: &str) -> Response {
    response(200, json!({"ok": true, "data": {"state": state}}))
}

fn replay(exchanges: Vec<(Request, Response)>) -> Replay {
    let exchanges = exchanges.into_iter().map(|(request, response)| Exchange {
        purpose: String::new(),
        request,
        response,
    });
    let evidence = Evidence {
        format: 1,
        is_service: false,
        base_url: "http://127.0.0.1:8787".to_owned(),
        date: "2026-12-01".to_owned(),
        mode: crate::Mode::Spending,
        contract: "2.0.0".to_owned(),
        spent_usd: "0.00".to_owned(),
        left_out: Vec::new(),
        findings: crate::Findings::default(),
        exchanges: exchanges.enumerate().collect(),
        shortened: Default::default(),
    };
    Replay::new(&evidence, CLIP)
}

/// Sends a request as a client words it.
fn send(replay: &mut Replay, request: &Request) -> http::Response<Vec<u8>> {
    let mut live = http::Request::builder().method(request.method.as_str());
    live = live.uri(match request.path() {
        Some(_) => format!("http://127.0.0.1:8787{}", request.url),
        None => request.url.clone(),
    });
    for (name, value) in &request.headers {
        live = live.header(name, value);
    }
    if request.path().is_some() && request.auth == Auth::ApiKey {
        live = live.header("authorization", "Bearer ifr_pk_proj_other");
    }
    replay.respond(&live.body(request.body.clone().unwrap_or_default()).unwrap())
}

fn state_of(replay: &mut Replay, request: &Request) -> String {
    let response = send(replay, request);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    body["data"]["state"].as_str().unwrap_or(response.status().as_str()).to_owned()
}

fn file(headers: &[(&str, &str)]) -> Request {
    let request = Request::get(LINK).with_auth(Auth::Nothing);
    headers.iter().fold(request, |request, (name, value)| request.with_header(name, *value))
}

fn part(status: u16) -> Response {
    let clip = Binary { length: 77, sha256: String::new(), is_mp4: true, picture: None };
    let headers = [
        ("etag", "\"etag-1\""),
        ("content-range", "bytes 0-0/77"),
        ("content-length", "1"),
        ("server", "redacted"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Response { status, headers, body: Body::Binary(clip) }
}

/// The range and the text of a response.
fn shown(response: &http::Response<Vec<u8>>) -> (u16, &str, &str) {
    let range = response.headers().get("content-range").map_or("", |range| range.to_str().unwrap());
    (response.status().as_u16(), range, std::str::from_utf8(response.body()).unwrap())
}

#[test]
fn polls_play_in_their_order_and_the_last_response_stays() {
    let status = Request::get("/v1/video/status/job-1");
    let polls = ["queued", "running", "succeeded"].map(|name| (status.clone(), state(name)));
    let mut replay = replay(polls.to_vec());
    for expected in ["queued", "running", "succeeded", "succeeded"] {
        assert_eq!(state_of(&mut replay, &status), expected);
    }
}

#[test]
fn what_was_recorded_after_a_deletion_plays_after_it() {
    let status = Request::get("/v1/video/status/job-1");
    let delete = |key: &str| Request::delete("/v1/video/delete/job-1").with_key(key);
    let mut replay = replay(vec![
        (status.clone(), state("running")),
        (status.clone(), state("succeeded")),
        (Request::delete("/v1/video/delete/job-2").with_key("key-1"), state("")),
        (delete("key-2"), state("")),
        (delete("key-3"), state("")),
        (status.clone(), response(404, json!({"ok": false}))),
    ]);
    send(&mut replay, &Request::delete("/v1/video/delete/job-2").with_key("a"));
    for expected in ["running", "succeeded", "succeeded"] {
        assert_eq!(state_of(&mut replay, &status), expected);
    }
    send(&mut replay, &delete("b"));
    assert_eq!(state_of(&mut replay, &status), "404");
}

#[test]
fn a_request_that_was_not_recorded_is_501_with_its_method_and_path() {
    let mut replay = replay(vec![
        (Request::get("/v1/video/list?limit=1"), state("")),
        (Request::post("/v1/video/set_retention/job-1").with_json(&json!({"days": 7})), state("")),
    ]);
    for (request, text) in [
        (Request::get("/v1/video/list?limit=2"), "GET /v1/video/list?limit=2"),
        (Request::get("/v1/video/list?limit=1").with_auth(Auth::Nothing), "GET /v1/video/list?limit=1"),
        (Request::get("/v1/video/status/job-1"), "GET /v1/video/status/job-1"),
        (Request::post("/v1/video/generate").with_json(&json!({"prompt": "p"})), "POST /v1/video/generate"),
        (
            Request::post("/v1/video/set_retention/job-1").with_json(&json!({"days": 8})),
            "POST /v1/video/set_retention/job-1",
        ),
        (file(&[]), "GET /link-1"),
    ] {
        let response = send(&mut replay, &request);
        assert_eq!(
            shown(&response),
            (501, "", format!("the recording has no such request: {text}").as_str())
        );
    }
}

#[test]
fn requests_match_although_they_are_worded_differently() {
    let retention = json!({"days": 7, "job_id": "job-1", "idempotency_key": "key-1"});
    let mut replay = replay(vec![
        (Request::get("/v1/video/list?limit=1&cursor=cursor-2"), state("page")),
        (
            Request::post("/v1/video/set_retention/job-1").with_key("key-1").with_json(&retention),
            state("kept"),
        ),
        (Request::post("/v1/video/cancel/job-1").with_key("key-2"), state("cancelled")),
    ]);
    let retention = json!({"idempotency_key": "mine", "job_id": 1, "days": 7});
    for (request, expected) in [
        (Request::get("/v1/video/list?new=x&cursor=2&limit=1").with_header("accept", "a"), "page"),
        (Request::post("/v1/video/set_retention/1").with_json(&retention), "kept"),
        (Request::post("/v1/video/cancel/job-1").with_json(&json!({"job_id": "job-1"})), "cancelled"),
    ] {
        assert_eq!(state_of(&mut replay, &request), expected);
    }
}

#[test]
fn each_idempotency_key_stands_for_a_recorded_one() {
    let generate = |key: &str, prompt: &str| {
        Request::post("/v1/video/generate").with_key(key).with_json(&json!({"prompt": prompt}))
    };
    let rejected = |status: u16| response(status, json!({"ok": false}));
    let mut replay = replay(vec![
        (generate("key-1", "prompt-1"), rejected(422)),
        (generate("key-2", "prompt-2"), rejected(429)),
        (generate("key-2", "prompt-2"), state("first")),
        (generate("key-2", "prompt-2"), state("first again")),
        (generate("key-2", "prompt-3"), rejected(409)),
        (generate("key-4", "prompt-4"), state("second")),
        (Request::post("/v1/video/generate").with_json(&json!({})), rejected(400)),
    ]);
    for (request, expected) in [
        (generate("a", "x"), "429"),
        (generate("a", "x"), "first"),
        (generate("b", "x"), "second"),
        (generate("a", "y"), "409"),
        (generate("a", "x"), "first again"),
        (Request::post("/v1/video/generate").with_json(&json!({})), "400"),
    ] {
        assert_eq!(state_of(&mut replay, &request), expected);
    }
    assert_eq!(send(&mut replay, &generate("c", "x")).status(), 501);
}

#[test]
fn a_link_serves_parts_of_the_clip_if_the_recorded_one_does() {
    let if_range = |validator| file(&[("range", "bytes=0-0"), ("if-range", validator)]);
    let mut replay = replay(vec![
        (file(&[("range", "bytes=0-0")]), part(206)),
        (if_range("\"etag-1\""), part(206)),
        (if_range("\"etag-2\""), part(200)),
        (file(&[]), part(200)),
    ]);
    for (headers, expected) in [
        (vec![], (200, "", "0123456789")),
        (vec![("range", "bytes=4-")], (206, "bytes 4-9/10", "456789")),
        (vec![("range", "bytes=4-5")], (206, "bytes 4-5/10", "45")),
        (vec![("range", "bytes=8-99")], (206, "bytes 8-9/10", "89")),
        (vec![("range", "bytes=-3")], (206, "bytes 7-9/10", "789")),
        (vec![("range", "bytes=10-")], (416, "bytes */10", "")),
        (vec![("range", "bytes=4-"), ("if-range", "\"etag-1\"")], (206, "bytes 4-9/10", "456789")),
        (vec![("range", "bytes=4-"), ("if-range", "\"other\"")], (200, "", "0123456789")),
    ] {
        let response = send(&mut replay, &file(&headers));
        assert_eq!(shown(&response), expected, "{headers:?}");
        assert_eq!(response.headers()["content-length"], response.body().len().to_string());
        assert_eq!(response.headers()["etag"], "\"etag-1\"");
        assert!(!response.headers().contains_key("server"));
    }
}

#[test]
fn a_host_that_ignores_ranges_or_rejects_requests_does_so_again() {
    let ranged = [("range", "bytes=4-"), ("if-range", "\"etag-1\"")];
    let mut whole = replay(vec![(file(&[("range", "bytes=0-0")]), part(200))]);
    assert_eq!(shown(&send(&mut whole, &file(&ranged))), (200, "", "0123456789"));
    assert_eq!(send(&mut whole, &file(&[])).status(), 501);
    let rejected = Response { body: Body::Text("no".to_owned()), ..part(401) };
    let mut rejects = replay(vec![(file(&[("range", "bytes=0-0")]), rejected)]);
    for headers in [&ranged[..], &ranged[..1], &[]] {
        assert_eq!(shown(&send(&mut rejects, &file(headers))), (401, "", "no"));
    }
}
