//! The named scenarios, each met by a client that does right, and some by one that does not.

use std::time::Duration;

use http::StatusCode;
use infrai_video_sandbox::{ClipFiles, JobState, Sandbox, SandboxRouter, Scenario};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::{Value, json};

use crate::common::{Call, KEY, Response, call, download_url, get, post, state};

/// A scenario on tokio's clock, with clips of 5000 bytes.
fn play(name: &str) -> SandboxRouter {
    let clip = |_: &_| ClipFiles { mp4: (0..5000).map(|byte| byte as u8).collect(), thumbnail_jpeg: vec![0] };
    Sandbox::builder().scenario(Scenario::named(name).expect("embedded")).clip_source(clip).router()
}

fn order(key: &str) -> Call {
    post("/v1/video/generate", json!({"prompt": "a lighthouse"})).header("idempotency-key", key)
}

fn id_of(job: &Value) -> String {
    job["job_id"].as_str().expect("an id").to_owned()
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// How long a refused call asks its caller to wait: two seconds where it says nothing useful.
fn wait_of(response: &Response) -> Duration {
    let text = response.header("retry-after").unwrap_or_default();
    let date = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let until_date = |at: Timestamp| {
        let now = response.header("date").and_then(date).expect("a date");
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    };
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| date(text).map(until_date)).unwrap_or(Duration::from_secs(2))
}

/// Sends a call until it is answered for good, and tells how often that took.
async fn patiently(sandbox: &SandboxRouter, make: impl Fn() -> Call) -> (Response, usize) {
    for attempt in 1..20 {
        match make().try_send(sandbox).await {
            Ok(response)
                if response.status == StatusCode::TOO_MANY_REQUESTS || response.status.is_server_error() =>
            {
                tokio::time::sleep(wait_of(&response)).await;
            }
            Ok(response) => return (response, attempt),
            Err(_) => pause(1).await,
        }
    }
    panic!("no response in twenty attempts");
}

/// Polls every two seconds until the job is over.
async fn finished(sandbox: &SandboxRouter, id: &str) -> Value {
    for _ in 0..60 {
        let job = patiently(sandbox, || get(&format!("/v1/video/status/{id}"))).await.0.data();
        if job["state"] == "succeeded" {
            return job;
        }
        pause(2).await;
    }
    panic!("the job is not over after sixty polls");
}

#[tokio::test(start_paused = true)]
async fn lost_response_costs_a_client_that_keeps_its_key_one_charge() {
    let sandbox = play("lost-response");
    let (job, attempts) = patiently(&sandbox, || order("k1")).await;
    assert_eq!((attempts, sandbox.jobs().len()), (3, 1));
    assert_eq!((sandbox.ledger().charges().count(), sandbox.ledger().double_charges()), (1, 0));
    let path = format!("/v1/video/set_retention/{}", id_of(&job.data()));
    let keep = || post(&path, json!({"days": 3})).header("idempotency-key", "k2");
    let (kept, attempts) = patiently(&sandbox, keep).await;
    assert_eq!((attempts, &kept.json()["metadata"]["cache_hit"]), (2, &json!(true)));
}

#[tokio::test(start_paused = true)]
async fn lost_response_costs_a_client_with_new_keys_two_charges_too_many() {
    let sandbox = play("lost-response");
    assert!(order("k1").try_send(&sandbox).await.is_err());
    assert_eq!(order("k2").send(&sandbox).await.status, 502);
    order("k3").send(&sandbox).await.data();
    assert_eq!(sandbox.ledger().double_charges(), 2);
}

#[tokio::test(start_paused = true)]
async fn poll_storm_lets_a_client_through_that_waits() {
    let sandbox = play("poll-storm");
    let id = id_of(&order("k1").send(&sandbox).await.data());
    finished(&sandbox, &id).await;
    let statuses: Vec<_> = sandbox.journal().into_iter().filter_map(|seen| seen.status).collect();
    assert!(statuses.contains(&429) && sandbox.faults()[1].acted == 1, "{statuses:?}");
    assert_eq!(sandbox.faults()[0].acted, 0, "no poll came too soon");
}

#[tokio::test(start_paused = true)]
async fn poll_storm_never_lets_a_client_through_that_does_not_wait() {
    let sandbox = play("poll-storm");
    let id = id_of(&order("k1").send(&sandbox).await.data());
    get(&format!("/v1/video/status/{id}")).send(&sandbox).await;
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(get(&format!("/v1/video/status/{id}")).send(&sandbox).await.status, 429);
    }
    assert_eq!(sandbox.jobs()[0].state, JobState::Succeeded, "it was over all the while");
}

#[tokio::test(start_paused = true)]
async fn expiring_url_gives_the_whole_clip_to_a_client_that_asks_for_fresh_links() {
    let sandbox = play("expiring-url");
    let id = id_of(&order("k1").send(&sandbox).await.data());
    let shown = finished(&sandbox, &id).await["video_url"].as_str().expect("a link").to_owned();
    assert_eq!(call("GET", &shown).send(&sandbox).await.status, 403);

    let first = download_url(&sandbox, &id).await;
    let (_, headers, body) = call("GET", &first).parts(&sandbox).await.expect("headers");
    assert!(body.is_err(), "the bytes stop");
    assert_eq!(call("GET", &first).send(&sandbox).await.status, 403);
    let second = download_url(&sandbox, &id).await;
    assert_eq!(call("GET", &second).send(&sandbox).await.status, 403);
    let third = download_url(&sandbox, &id).await;
    let etag = headers["etag"].to_str().expect("ASCII");
    let rest = || call("GET", &third).header("range", "bytes=1000-").header("if-range", etag);
    let part = rest().send(&sandbox).await;
    let whole = sandbox.clip_bytes(&id).await.expect("a clip");
    assert_eq!((part.status.as_u16(), part.bytes), (206, whole[1000..].to_vec()));
    assert_eq!(rest().key(KEY).send(&sandbox).await.status, 400, "the key does not belong here");
    pause(10).await;
    assert_eq!(rest().send(&sandbox).await.status, 403, "links live for ten seconds");
}

#[tokio::test(start_paused = true)]
async fn credit_runs_out_until_the_account_is_topped_up() {
    let sandbox = play("credit-runs-out");
    order("k1").send(&sandbox).await.data();
    order("k2").send(&sandbox).await.data();
    let refused = order("k3").send(&sandbox).await;
    assert_eq!(refused.refusal(), (402, "INSUFFICIENT_CREDIT".to_owned()));
    assert_eq!((&refused.error()["retryable"], sandbox.jobs().len()), (&json!(false), 2));
    let topup = post("/v1/account/topup", json!({})).send(&sandbox).await.data();
    call("GET", topup["checkout_url"].as_str().expect("a link")).send(&sandbox).await;
    order("k3").send(&sandbox).await.data();
    assert_eq!((sandbox.ledger().charges().count(), sandbox.ledger().double_charges()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn cancel_race_is_lost_once_and_won_once() {
    let sandbox = play("cancel-race");
    let late = id_of(&order("k1").send(&sandbox).await.data());
    let cancel = |id: &str| post(&format!("/v1/video/cancel/{id}"), json!({}));
    assert_eq!(cancel(&late).send(&sandbox).await.refusal(), (409, "JOB_FINISHED".to_owned()));
    assert_eq!(state(&sandbox, &late).await, "succeeded");

    let timely = id_of(&order("k2").send(&sandbox).await.data());
    let keyed = || cancel(&timely).header("idempotency-key", "k3");
    let (response, attempts) = patiently(&sandbox, keyed).await;
    assert_eq!((response.data(), attempts), (json!({"ok": true}), 2));
    assert_eq!(cancel(&timely).send(&sandbox).await.refusal(), (409, "JOB_FINISHED".to_owned()));
    assert_eq!(state(&sandbox, &timely).await, "cancelled");
    assert_eq!(sandbox.ledger().refunds().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn crash_restart_loses_nothing_that_was_accepted() {
    let sandbox = play("crash-restart");
    let (job, attempts) = patiently(&sandbox, || order("k1")).await;
    assert_eq!((attempts, sandbox.ledger().charges().count()), (4, 1), "one crash and three seconds away");
    assert_eq!(job.json()["metadata"]["cache_hit"], true);
    let id = id_of(&job.data());
    finished(&sandbox, &id).await;

    let url = download_url(&sandbox, &id).await;
    let (_, headers, body) = call("GET", &url).parts(&sandbox).await.expect("headers");
    assert!(body.is_err(), "the bytes stop");
    let etag = headers["etag"].to_str().expect("ASCII");
    let rest = || call("GET", &url).header("range", "bytes=1000-").header("if-range", etag);
    let (part, attempts) = patiently(&sandbox, rest).await;
    let whole = sandbox.clip_bytes(&id).await.expect("a clip");
    assert_eq!((attempts, part.bytes), (3, whole[1000..].to_vec()));
    assert_eq!((sandbox.jobs().len(), sandbox.ledger().double_charges()), (1, 0));
}
