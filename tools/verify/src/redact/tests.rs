use std::sync::OnceLock;

use serde_json::json;

use super::*;

const KEY: &str = "ifr_pk_proj_secret";

fn redactor() -> Redactor<'static> {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    let parsed = || Contract::parse(include_str!("../../../../openapi/video.yaml")).unwrap();
    Redactor::new(CONTRACT.get_or_init(parsed), &[KEY])
}

fn redacted(value: &Value) -> Value {
    redactor().value("", value)
}

#[test]
fn ids_links_and_prompts_are_replaced_and_equal_ones_stay_equal() {
    let job = |url: &str| json!({"job_id": "vj_1", "state": "succeeded", "video_url": url});
    let value =
        json!({"items": [job("https://a.example/x?signature=s"), job("/relative")], "next_cursor": "abc"});
    let expected = json!({
        "items": [
            {"job_id": "job-1", "state": "succeeded", "video_url": "https://files.invalid/link-1"},
            {"job_id": "job-1", "state": "succeeded", "video_url": "/link-2"},
        ],
        "next_cursor": "cursor-1",
    });
    assert_eq!(redacted(&value), expected);
    assert_eq!(redacted(&json!({"prompt": "a secret"})), json!({"prompt": "prompt-1"}));
}

#[test]
fn placeholders_keep_the_type() {
    let value = json!({"job_id": 77, "next_cursor": 20, "cost_usd": "0.01", "duration_seconds": "5"});
    let expected = json!({"job_id": 1, "next_cursor": 1, "cost_usd": "0.01", "duration_seconds": "5"});
    assert_eq!(redacted(&value), expected);
}

#[test]
fn members_that_the_contract_does_not_have_lose_their_values() {
    let value =
        json!({"owner": "Jo", "balance": 12.5, "paid": true, "team": {"name": "x", "state": "queued"}});
    let expected = json!({"owner": "redacted", "balance": 0, "paid": true, "team": {"name-1": "redacted", "state": "queued"}});
    assert_eq!(redacted(&value), expected);
}

#[test]
fn texts_lose_keys_addresses_and_long_words() {
    let redactor = redactor();
    let text = "key ifr_pk_proj_secret of jo@example.com may not read 'vj_01kaq3v8zn5w4x7r2m9t6h0c1d' at https://x.example/a";
    assert_eq!(redactor.text(text), "key redacted of redacted may not read 'redacted' at redacted");
    let job = json!({"state": "failed", "error": {"code": "REJECTED", "message": "the prompt says x"}});
    assert_eq!(
        redacted(&job),
        json!({"state": "failed", "error": {"code": "REJECTED", "message": "redacted"}})
    );
}

#[test]
fn a_cursor_that_is_the_id_of_a_job_stays_a_cursor() {
    let value = json!({"items": [{"job_id": 77}], "next_cursor": 77, "url": ""});
    assert_eq!(redacted(&value), json!({"items": [{"job_id": 1}], "next_cursor": 1, "url": ""}));
    let mut redactor = redactor();
    redactor.value("", &value);
    assert_eq!(url(&mut redactor, "/v1/video/list?cursor=77"), "/v1/video/list?cursor=cursor-1");
    assert_eq!(url(&mut redactor, "/v1/video/status/77"), "/v1/video/status/job-1");
}

#[test]
fn a_weak_etag_stays_weak() {
    let mut redactor = redactor();
    assert_eq!(redactor.header("etag", "W/\"a\""), "W/\"etag-1\"");
    assert_eq!(redactor.header("etag", "\"a\""), "\"etag-2\"");
}

#[test]
fn requests_lose_their_ids_and_keys() {
    let request =
        Request::post("/v1/video/cancel/vj_77").with_key("k1").with_json(&json!({"job_id": "vj_77"}));
    let mut redactor = redactor();
    let redacted = redactor.request(&request);
    assert_eq!(redacted.url, "/v1/video/cancel/job-1");
    assert_eq!(redacted.headers["idempotency-key"], "key-1");
    assert_eq!(redacted.body.as_deref(), Some(r#"{"job_id":"job-1"}"#));
}

fn url(redactor: &mut Redactor<'_>, url: &str) -> String {
    redactor.request(&Request::get(url)).url
}

#[test]
fn only_operations_keep_their_paths_and_only_a_limit_and_a_cursor_stay_of_queries() {
    let mut redactor = redactor();
    for (link, expected) in [
        ("https://a.example/clip?s=1", "https://files.invalid/link-1"),
        ("/v1/files/vj_1.mp4?signature=s", "/link-2"),
        ("/v1/video/file/vj_1?sig=s", "/link-3"),
        ("/v1/video", "/link-4"),
        ("//a.example/v1/video/list", "/link-5"),
        ("/v1/video/get/vj_1?sig=s", "/v1/video/get/job-1"),
        ("/v1/video/list?limit=1&cursor=a%20b&token=t", "/v1/video/list?limit=1&cursor=cursor-1"),
        ("/v1/video/status/%20", "/v1/video/status/%20"),
        ("/v1/video/list?limit=many", "/v1/video/list?limit=many"),
    ] {
        assert_eq!(url(&mut redactor, link), expected, "{link}");
    }
}

#[test]
fn a_text_in_place_of_an_object_is_an_id_or_a_text() {
    for (value, expected) in [
        (json!({"items": ["vj_1", "vj_2"]}), json!({"items": ["job-1", "job-2"]})),
        (json!({"job": "vj_1"}), json!({"job": "job-1"})),
        (json!({"data": "vj_1", "metadata": "acme"}), json!({"data": "redacted", "metadata": "redacted"})),
        (json!({"data": ["vj_1", 7]}), json!({"data": ["redacted", 0]})),
        (json!({"error": "no job vj_01kaq3v8zn5w4x7r2m9t6h0c1d"}), json!({"error": "no job redacted"})),
        (json!({"vendors": ["sandbox-swift"]}), json!({"vendors": ["sandbox-swift"]})),
    ] {
        assert_eq!(redacted(&value), expected);
    }
}

#[test]
fn names_of_members_that_are_ids_addresses_or_teams_are_replaced() {
    for (value, expected) in [
        (json!({"jobs": {"vj_1": {"job_id": "vj_1"}}}), json!({"jobs": {"job-1": {"job_id": "job-1"}}})),
        (json!({"data": {"vj_1": {"state": "queued"}}}), json!({"data": {"name-1": {"state": "queued"}}})),
        (json!({"usage": {"acme": 3, "job_id": 7}}), json!({"usage": {"name-1": 0, "job_id": 1}})),
        (json!({"jo@a.example": 1, "total": 2}), json!({"name-1": 0, "total": 0})),
        (json!({"vj_01kaq3v8zn5w4x7r2m9t6h0c1d": 1}), json!({"name-1": 0})),
        (
            json!({"data": {"costUsd": 1, "plan_b2": "x"}}),
            json!({"data": {"costUsd": 1, "plan_b2": "redacted"}}),
        ),
        (
            json!({"vendors": {"swift-1": {"models": ["a-1"]}}}),
            json!({"vendors": {"swift-1": {"models": ["a-1"]}}}),
        ),
    ] {
        assert_eq!(redacted(&value), expected);
    }
    let mut redactor = redactor();
    redactor.value("", &json!({"jobs": {"acme": {"status": 1}}, "job_id": "vj_1"}));
    let names = ["acme", "vj_1", "total"].map(|name| redactor.member(name));
    assert_eq!(names, ["name-2", "job-1", "total"]);
    // A text may have the word for another reason.
    assert_eq!(
        redactor.text("the status is 404, and jobs.vj_1 is not vj_12"),
        "the status is 404, and jobs.job-1 is not vj_12"
    );
}

#[test]
fn a_text_is_cut_after_its_secrets_are_replaced() {
    let text = format!("{}{KEY}", "a ".repeat(TEXT / 2 - 5));
    let response = Response { status: 500, headers: Vec::new(), body: Body::Text(text) };
    let Body::Text(text) = redactor().response(&response).body else { unreachable!() };
    assert!(text.ends_with("a redacted") && text.len() <= TEXT, "{text}");
}

#[test]
fn short_ids_and_addresses_of_machines_are_replaced_in_texts() {
    let mut redactor = redactor();
    redactor.value(
        "",
        &json!({"items": [{"job_id": "vj_1"}, {"job_id": 4711}, {"job_id": 404}], "prompt": "a cat"}),
    );
    for (text, expected) in [
        ("job vj_1: 404", "job job-1: 404"),
        ("job 4711 of \"a cat\"", "job job-2 of \"prompt-1\""),
        ("from 10.1.2.3, 10.1.2.3:80 and fe80::1.", "from redacted, redacted and redacted"),
        ("host=[::1] at 2026-01-01T00:15:00Z", "host=[redacted] at 2026-01-01T00:15:00Z"),
        (
            "GET /v1/video/download_url/{id} or /v1/video/get/vj_12345",
            "GET /v1/video/download_url/{id} or redacted",
        ),
        ("1.5 s, v1.2, 12:30 and 1:2", "1.5 s, v1.2, 12:30 and 1:2"),
    ] {
        assert_eq!(redactor.text(text), expected);
    }
    assert_eq!(
        redactor.header("www-authenticate", "Bearer realm=\"https://a.example\""),
        "Bearer realm=\"redacted\""
    );
}

#[test]
fn secrets_are_removed_from_all_texts_and_names() {
    let value = json!({"code": format!("A_{KEY}"), "model": [KEY], KEY: 1});
    let expected = json!({"code": "A_redacted", "model": ["redacted"], "redacted": 1});
    assert_eq!(redactor().without_secrets(value), expected);
}
