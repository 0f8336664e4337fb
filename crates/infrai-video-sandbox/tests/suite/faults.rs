//! Faults, as callers meet them.

use std::time::Duration;

use infrai_video_sandbox::{
    Action, Clock, ConnectionLost, Fault, Length, Operation, RetryAfter, SandboxRouter, When,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::common::{Call, KEY, OTHER_KEY, builder, call, cheap_job, download_url, get, post, state};

fn faulty(operation: Operation, action: Action) -> SandboxRouter {
    builder().clock(Clock::real()).instant_jobs().fault(Fault::on(operation, action).times(1)).router()
}

fn order(key: &str) -> Call {
    post("/v1/video/generate", json!({"prompt": "a lighthouse"})).header("idempotency-key", key)
}

#[tokio::test]
async fn a_lost_response_leaves_a_job_that_the_same_key_finds() {
    let sandbox = faulty(Operation::Generate, Action::AcceptThenDrop);
    assert_eq!(order("k1").try_send(&sandbox).await.err(), Some(ConnectionLost));
    assert_eq!((sandbox.jobs().len(), sandbox.journal()[0].status), (1, None));
    assert!(sandbox.ledger().charges().all(|charge| charge.response_lost));
    let again = order("k1").send(&sandbox).await;
    assert_eq!(again.data()["job_id"], json!(sandbox.jobs()[0].job_id));
    assert_eq!((sandbox.ledger().charges().count(), sandbox.ledger().double_charges()), (1, 0));
}

#[tokio::test]
async fn a_retry_of_a_lost_response_under_a_new_key_is_a_duplicate_charge() {
    let sandbox = faulty(Operation::Generate, Action::AcceptThenDrop);
    assert!(order("k1").try_send(&sandbox).await.is_err());
    order("k2").send(&sandbox).await;
    order("k3").send(&sandbox).await;
    assert_eq!(sandbox.ledger().double_charges(), 2);
    let other = post("/v1/video/generate", json!({"prompt": "a harbour"})).send(&sandbox).await;
    assert_eq!((other.status.as_u16(), sandbox.ledger().double_charges()), (200, 2));
}

#[tokio::test]
async fn the_same_request_made_twice_on_purpose_is_no_double_charge() {
    let sandbox = builder().router();
    order("k1").send(&sandbox).await;
    order("k2").send(&sandbox).await;
    assert_eq!((sandbox.ledger().charges().count(), sandbox.ledger().double_charges()), (2, 0));
}

#[tokio::test]
async fn a_lost_replay_does_not_undo_the_first_response() {
    let sandbox = builder().fault(Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(2)).router();
    order("k1").send(&sandbox).await;
    assert!(order("k1").try_send(&sandbox).await.is_err());
    order("k2").send(&sandbox).await;
    assert_eq!((sandbox.ledger().charges().count(), sandbox.ledger().double_charges()), (2, 0));
}

#[tokio::test]
async fn a_connection_dropped_before_accepting_makes_no_job() {
    let sandbox = faulty(Operation::Generate, Action::DropBefore);
    assert_eq!(order("k1").try_send(&sandbox).await.err(), Some(ConnectionLost));
    assert!(sandbox.jobs().is_empty());
    assert_eq!(order("k1").send(&sandbox).await.json()["metadata"]["cache_hit"], false);
    assert_eq!(sandbox.journal()[0].fault.as_deref(), Some("drop_before"));
}

#[tokio::test]
async fn a_status_comes_before_or_after_acceptance() {
    let sandbox = faulty(Operation::Generate, Action::rate_limited(2));
    let response = order("k1").send(&sandbox).await;
    assert_eq!(response.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!((response.header("retry-after"), &response.error()["retryable"]), (Some("2"), &json!(true)));
    assert!(sandbox.jobs().is_empty());

    let sandbox = faulty(Operation::Generate, Action::accept_then_status(503));
    assert_eq!(order("k1").send(&sandbox).await.refusal(), (503, "UNAVAILABLE".to_owned()));
    assert_eq!(sandbox.jobs().len(), 1);
    assert!(sandbox.ledger().charges().all(|charge| charge.response_lost));
}

#[tokio::test]
async fn a_call_can_stay_in_progress_for_some_time() {
    let lasts = Duration::from_secs(5);
    let action = Action::InFlight { lasts, retry_after: Some(RetryAfter::Seconds(1)) };
    let sandbox = builder().fault(Fault::on(Operation::Generate, action)).router();
    assert_eq!(order("k1").send(&sandbox).await.refusal(), (504, "INTERNAL".to_owned()));
    assert_eq!(sandbox.jobs().len(), 1, "it was carried out");
    for seconds in [0, 2, 2] {
        sandbox.clock().advance(Duration::from_secs(seconds));
        let again = order("k1").send(&sandbox).await;
        assert_eq!(again.refusal(), (409, "REQUEST_IN_PROGRESS".to_owned()));
        assert_eq!((again.header("retry-after"), &again.error()["retryable"]), (Some("1"), &json!(true)));
    }
    let read = get("/v1/video/list").header("idempotency-key", "k2").send(&sandbox).await;
    assert_eq!(read.status, 200, "other calls are answered");
    let other = order("k1").key(OTHER_KEY).send(&sandbox).await;
    assert_eq!(other.status, 504, "another account's key is another key");
    sandbox.clock().advance(Duration::from_secs(1));
    sandbox.set_faults([]);
    let again = order("k1").send(&sandbox).await;
    assert_eq!(again.json()["metadata"]["cache_hit"], true);
    assert_eq!(again.data()["job_id"], json!(sandbox.jobs()[0].job_id));
    assert_eq!(sandbox.ledger().double_charges(), 0);
}

#[tokio::test]
async fn the_effect_of_a_rule_ends_with_the_rules() {
    let action = Action::InFlight { lasts: Duration::from_secs(3600), retry_after: None };
    let sandbox = builder().fault(Fault::on(Operation::Generate, action).times(1)).router();
    assert_eq!(order("k1").send(&sandbox).await.status, 504);
    assert_eq!(order("k1").send(&sandbox).await.header("retry-after"), None);
    sandbox.set_faults([]);
    assert_eq!(order("k1").send(&sandbox).await.status, 200);
}

#[tokio::test]
async fn retry_after_can_be_a_date_or_nonsense() {
    for (wait, expected) in [
        (RetryAfter::DateIn(30), "Thu, 01 Jan 2026 00:00:30 GMT"),
        (RetryAfter::Text("soon".to_owned()), "soon"),
    ] {
        let action = Action::Status { status: 429, retry_after: Some(wait), when: When::BeforeAccepting };
        let sandbox = builder().fault(Fault::anywhere(action)).router();
        assert_eq!(get("/v1/video/list").send(&sandbox).await.header("retry-after"), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_never_responds_and_a_slow_one_does() {
    let sandbox = faulty(Operation::Generate, Action::accept_then_hang());
    assert!(timeout(Duration::from_secs(3600), order("k1").send(&sandbox)).await.is_err());
    assert!(sandbox.ledger().charges().all(|charge| charge.response_lost), "it was accepted before");
    assert_eq!(sandbox.jobs().len(), 1);

    let sandbox = faulty(Operation::Generate, Action::hang());
    assert!(timeout(Duration::from_secs(3600), order("k1").send(&sandbox)).await.is_err());
    assert!(sandbox.jobs().is_empty());

    let sandbox = faulty(Operation::Generate, Action::slow_headers(Duration::from_secs(20)));
    let begun = Instant::now();
    assert_eq!(order("k1").send(&sandbox).await.status, 200);
    assert_eq!(begun.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_counts_as_a_lost_response() {
    let sandbox = faulty(Operation::Generate, Action::slow_headers(Duration::from_secs(20)));
    assert!(timeout(Duration::from_secs(5), order("k1").send(&sandbox)).await.is_err());
    order("k2").send(&sandbox).await;
    assert_eq!(sandbox.ledger().double_charges(), 1);
}

#[tokio::test]
async fn responses_can_be_invalid_json() {
    let page = order("k1").send(&faulty(Operation::Generate, Action::html())).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for action in [Action::MalformedJson, Action::CutJson] {
        let sandbox = faulty(Operation::Generate, action);
        let response = order("k1").send(&sandbox).await;
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("content-length"), Some(response.bytes.len().to_string().as_str()));
        assert!(serde_json::from_slice::<Value>(&response.bytes).is_err() && !response.bytes.is_empty());
        assert_eq!(sandbox.jobs().len(), 1);
    }
    let text = order("k1").send(&faulty(Operation::Generate, Action::WrongContentType)).await;
    assert_eq!(
        (text.header("content-type"), &text.json()["ok"]),
        (Some("text/plain; charset=utf-8"), &json!(true))
    );
}

#[tokio::test]
async fn a_redirect_leads_to_another_host_whose_journal_shows_the_key() {
    let sandbox = faulty(Operation::Status, Action::Redirect { status: 307, location: None });
    let id = cheap_job(&sandbox).await;
    let response = get(&format!("/v1/video/status/{id}")).send(&sandbox).await;
    assert_eq!(response.status, 307);
    let location = response.header("location").expect("a location");
    assert_eq!(location, format!("https://files.sandbox.invalid/v1/video/status/{id}"));
    call("GET", location).key(KEY).send(&sandbox).await;
    assert_eq!(sandbox.journal().last().map(|seen| seen.authorization), Some(true));
}

#[tokio::test]
async fn jobs_can_be_shown_wrongly() {
    for (action, expected, has_url) in [
        (Action::unknown_state(), "reticulating", true),
        (Action::Stuck, "running", false),
        (Action::NoUrl, "succeeded", false),
    ] {
        let sandbox = faulty(Operation::Status, action);
        let id = cheap_job(&sandbox).await;
        let job = get(&format!("/v1/video/status/{id}")).send(&sandbox).await.data();
        assert_eq!((&job["state"], job["video_url"].is_string()), (&json!(expected), has_url));
        assert_eq!(state(&sandbox, &id).await, "succeeded", "the rule acts once");
    }
}

#[tokio::test]
async fn states_can_have_other_names() {
    let rules =
        "[[fault]]\naction = 'rename_states'\nstates = { succeeded = 'COMPLETED', queued = 'Pending' }\n";
    let sandbox = builder().faults(Fault::from_toml(rules).expect("a rule")).router();
    let job = order("k1").send(&sandbox).await.data();
    assert_eq!(job["state"], "Pending", "{job}");
    let id = job["job_id"].as_str().expect("an id").to_owned();
    let ends = sandbox.jobs()[0].ends_at.duration_since(sandbox.jobs()[0].starts_at);
    sandbox.clock().advance(Duration::from_secs(2));
    assert_eq!(state(&sandbox, &id).await, "running", "a state without another name keeps its own");
    sandbox.clock().advance(ends.expect("a job ends after it starts"));
    for path in [format!("/v1/video/status/{id}"), format!("/v1/video/get/{id}")] {
        let job = get(&path).send(&sandbox).await.data();
        assert_eq!((&job["state"], job["video_url"].is_string()), (&json!("COMPLETED"), true), "{path}");
    }
    assert_eq!(get("/v1/video/list").send(&sandbox).await.data()["items"][0]["state"], "COMPLETED");
}

#[tokio::test]
async fn a_rule_can_let_a_job_fail() {
    let fail = Action::FailJob { code: "VENDOR_ERROR".to_owned(), message: "the vendor stopped".to_owned() };
    let sandbox = faulty(Operation::Generate, fail);
    let job = order("k1").send(&sandbox).await.data();
    assert_eq!(job["error"], json!({"code": "VENDOR_ERROR", "message": "the vendor stopped"}));
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0));
}

#[tokio::test]
async fn a_link_can_be_expired_when_issued() {
    let sandbox = faulty(Operation::DownloadUrl, Action::ExpiredLink);
    let id = cheap_job(&sandbox).await;
    let url = download_url(&sandbox, &id).await;
    assert_eq!(call("GET", &url).send(&sandbox).await.status, 403);
    let url = download_url(&sandbox, &id).await;
    assert_eq!(call("GET", &url).send(&sandbox).await.status, 200);
}

#[tokio::test]
async fn a_redirect_keeps_the_query() {
    let sandbox = faulty(Operation::List, Action::Redirect { status: 308, location: None });
    let response = get("/v1/video/list?limit=5&cursor=a%2Fb").send(&sandbox).await;
    assert_eq!(
        response.header("location"),
        Some("https://files.sandbox.invalid/v1/video/list?limit=5&cursor=a%2Fb")
    );
    let elsewhere = Some("https://example.com/elsewhere".to_owned());
    let sandbox = faulty(Operation::List, Action::Redirect { status: 302, location: elsewhere.clone() });
    let response = get("/v1/video/list?limit=5").send(&sandbox).await;
    assert_eq!(response.header("location"), elsewhere.as_deref(), "a place that is named stays as it is");
}

#[tokio::test]
async fn a_link_can_expire_at_once_when_used_or_issued() {
    for operation in [Operation::Clip, Operation::DownloadUrl] {
        let sandbox = faulty(operation, Action::ExpireAtOnce);
        let id = cheap_job(&sandbox).await;
        let response = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await.data();
        assert_eq!(response["expires_at"], "2026-01-01T00:15:00Z", "it does not look expired");
        let url = response["url"].as_str().expect("a link");
        for _ in 0..2 {
            let refused = call("GET", url).send(&sandbox).await;
            assert_eq!(refused.status, 403);
            assert!(refused.text().contains("expired"));
        }
        let fresh = download_url(&sandbox, &id).await;
        assert_eq!(call("GET", &fresh).send(&sandbox).await.status, 200);
    }
}

#[tokio::test]
async fn a_link_can_expire_midway_and_a_new_one_continues() {
    for operation in [Operation::Clip, Operation::DownloadUrl] {
        let sandbox = faulty(operation, Action::ExpireMidway { after: 10 });
        let id = cheap_job(&sandbox).await;
        let whole = sandbox.clip_bytes(&id).await.expect("a clip");
        let url = download_url(&sandbox, &id).await;
        let (status, headers, body) = call("GET", &url).parts(&sandbox).await.expect("headers");
        assert_eq!((status.as_u16(), &headers["content-length"]), (200, &whole.len().into()));
        assert!(body.is_err(), "the bytes stop");
        assert_eq!(call("GET", &url).header("range", "bytes=10-").send(&sandbox).await.status, 403);
        assert_eq!(call("HEAD", &url).send(&sandbox).await.status, 403);
        let fresh = download_url(&sandbox, &id).await;
        let rest = call("GET", &fresh).header("range", "bytes=10-").send(&sandbox).await;
        assert_eq!((rest.status.as_u16(), rest.bytes), (206, whole[10..].to_vec()));
        let faults: Vec<_> = sandbox.journal().into_iter().filter_map(|seen| seen.fault).collect();
        assert!(faults.iter().all(|fault| fault == "expire_midway") && !faults.is_empty(), "{faults:?}");
    }
}

#[tokio::test]
async fn a_link_that_expires_after_the_end_of_its_file_sends_all_of_it() {
    let (sandbox, url, bytes) = clip(Action::ExpireMidway { after: 1_000_000 }).await;
    assert_eq!(call("GET", &url).send(&sandbox).await.bytes, bytes);
    assert_eq!(call("GET", &url).send(&sandbox).await.status, 403);
}

#[tokio::test]
async fn a_link_fault_that_meets_another_call_changes_nothing() {
    let action = Action::ExpireMidway { after: 1 };
    let sandbox = builder().fault(Fault::anywhere(action)).router();
    assert_eq!(get("/v1/video/capabilities").send(&sandbox).await.status, 200);
    assert_eq!(call("GET", "https://files.sandbox.invalid/clips/a.mp4").send(&sandbox).await.status, 403);
}

async fn clip(action: Action) -> (SandboxRouter, String, Vec<u8>) {
    let sandbox = faulty(Operation::Clip, action);
    let id = cheap_job(&sandbox).await;
    let url = download_url(&sandbox, &id).await;
    let bytes = sandbox.clip_bytes(&id).await.expect("a clip").to_vec();
    (sandbox, url, bytes)
}

#[tokio::test]
async fn a_truncated_body_fails_or_ends_too_early() {
    for action in [Action::cut(10), Action::Reset { after: 10 }] {
        let (sandbox, url, bytes) = clip(action).await;
        let (status, headers, body) = call("GET", &url).parts(&sandbox).await.expect("headers");
        assert_eq!((status.as_u16(), &headers["content-length"]), (200, &bytes.len().into()));
        assert!(body.is_err());
        assert_eq!(call("GET", &url).send(&sandbox).await.bytes, bytes);
    }
    let (sandbox, url, bytes) = clip(Action::Cut { after: 10, length: Length::Hidden }).await;
    let (_, headers, body) = call("GET", &url).parts(&sandbox).await.expect("headers");
    assert!(!headers.contains_key("content-length"));
    assert_eq!(body.expect("it looks complete"), bytes[..10]);
}

#[tokio::test(start_paused = true)]
async fn bytes_can_come_slowly() {
    let (sandbox, url, bytes) = clip(Action::SlowBytes { chunk: 10, pause: Duration::from_secs(1) }).await;
    let begun = Instant::now();
    assert_eq!(call("GET", &url).send(&sandbox).await.bytes, bytes);
    assert_eq!(begun.elapsed(), Duration::from_secs(bytes.len().div_ceil(10) as u64));
}

#[tokio::test]
async fn ranges_and_validators_can_be_wrong() {
    let ranged = |url: &str| call("GET", url).header("range", "bytes=10-19");
    let (sandbox, url, bytes) = clip(Action::IgnoreRange).await;
    let response = ranged(&url).send(&sandbox).await;
    assert_eq!((response.status.as_u16(), response.bytes), (200, bytes));

    for status in [403, 416, 501] {
        let (sandbox, url, bytes) = clip(Action::RefuseRange { status }).await;
        assert_eq!(ranged(&url).send(&sandbox).await.status, status);
        assert_eq!(call("GET", &url).send(&sandbox).await.bytes, bytes, "{status}");
    }
    let (sandbox, url, bytes) = clip(Action::RangeFromStart).await;
    let response = ranged(&url).header("if-range", "\"another\"").send(&sandbox).await;
    let range = format!("bytes 0-{}/{}", bytes.len() - 1, bytes.len());
    assert_eq!((response.status.as_u16(), response.header("content-range")), (206, Some(range.as_str())));
    assert_eq!(response.bytes, bytes);

    let (sandbox, url, bytes) = clip(Action::WrongContentRange).await;
    let response = ranged(&url).send(&sandbox).await;
    assert_eq!(response.header("content-range"), Some(format!("bytes 11-20/{}", bytes.len()).as_str()));
    assert_eq!(response.bytes, bytes[10..20]);

    let (sandbox, url, _) = clip(Action::ChangeEtag).await;
    let changed = call("GET", &url).send(&sandbox).await;
    let right = call("GET", &url).send(&sandbox).await;
    assert_ne!(changed.header("etag"), right.header("etag"));

    let (sandbox, url, bytes) = clip(Action::CorruptFile).await;
    let response = call("GET", &url).send(&sandbox).await;
    assert_eq!(response.bytes.len(), bytes.len());
    assert_ne!(response.bytes, bytes);
}

#[tokio::test]
async fn rules_from_a_file_act() {
    let rules = "[[fault]]\noperation = 'status'\njob = 2\naction = 'status'\nstatus = 404\ncount = 1\n";
    let sandbox = builder().faults(Fault::from_toml(rules).expect("valid rules")).router();
    let (first, second) = (cheap_job(&sandbox).await, cheap_job(&sandbox).await);
    let status = |id: String| get(&format!("/v1/video/status/{id}"));
    assert_eq!(status(first).send(&sandbox).await.status, 200);
    assert_eq!(status(second.clone()).send(&sandbox).await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(status(second).send(&sandbox).await.status, 200);
}
