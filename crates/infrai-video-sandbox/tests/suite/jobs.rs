//! Jobs from acceptance to deletion, as callers see them.

use std::time::Duration;

use crate::common::{KEY, OTHER_KEY, builder, call, cheap_job, generate, get, post, sandbox, state};
use infrai_video_sandbox::{Catalogue, Clock, JobState, JobTimes};
use serde_json::{Value, json};

#[tokio::test]
async fn the_documentations_own_request_makes_a_job() {
    let sandbox = sandbox();
    let body = r#"{"prompt": "a timelapse of a city skyline at dusk", "prefer": "balanced", "resolution": "1080p", "duration_seconds": 5, "aspect_ratio": "16:9"}"#;
    let response = call("POST", "/v1/video/generate")
        .key(KEY)
        .header("content-type", "application/json")
        .bytes(body)
        .send(&sandbox)
        .await;
    let json = response.json();
    assert_eq!(response.status, 200);
    assert_eq!(json["error"], Value::Null);
    assert_eq!(json["data"]["state"], "queued");
    assert_eq!(json["data"]["video_url"], Value::Null);
    assert_eq!(json["metadata"]["cost_usd"], 0.2);
    assert_eq!(json["metadata"]["vendor"], "sandbox-studio");
    assert_eq!(json["metadata"]["cache_hit"], false);
    assert_eq!(response.header("date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    assert_eq!(response.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_job_is_queued_then_runs_then_succeeds() {
    let times = JobTimes {
        queued: Duration::from_secs(2),
        running: Duration::from_secs(3),
        per_clip_second: Duration::from_secs(1),
    };
    let sandbox = builder().job_times(times).router();
    let id = generate(&sandbox, json!({"prompt": "a lighthouse", "duration_seconds": 4})).await;
    assert_eq!(state(&sandbox, &id).await, "queued");
    sandbox.clock().advance(Duration::from_secs(2));
    assert_eq!(state(&sandbox, &id).await, "running");
    sandbox.clock().advance(Duration::from_millis(6999));
    assert_eq!(state(&sandbox, &id).await, "running");
    sandbox.clock().advance(Duration::from_millis(1));

    let short = get(&format!("/v1/video/status/{id}")).send(&sandbox).await.data();
    assert_eq!(short["state"], "succeeded");
    assert!(short["video_url"].as_str().is_some_and(|link| link.contains(&format!("/clips/{id}.mp4?"))));
    assert!(
        short["thumbnail_url"].as_str().is_some_and(|link| link.contains(&format!("/thumbnails/{id}.jpg?")))
    );
    assert!(short.get("duration_seconds").is_none());

    let long = get(&format!("/v1/video/get/{id}")).send(&sandbox).await.data();
    assert_eq!(long["duration_seconds"], 4);
    assert_eq!(
        (&long["resolution"], &long["vendor"], &long["model"]),
        (&json!("720p"), &json!("sandbox-studio"), &json!("studio-2"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_runtime_runs_a_long_job_at_once() {
    let sandbox = builder().clock(Clock::real()).router();
    let id = generate(&sandbox, json!({"prompt": "a lighthouse", "resolution": "4k"})).await;
    while state(&sandbox, &id).await != "succeeded" {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(sandbox.jobs()[0].state, JobState::Succeeded);
}

#[tokio::test]
async fn instant_jobs_are_over_when_they_are_accepted() {
    let sandbox = builder().instant_jobs().router();
    let data = post("/v1/video/generate", json!({"prompt": "a lighthouse"})).send(&sandbox).await.data();
    assert_eq!(data["state"], "succeeded");
    assert!(data["video_url"].is_string());
}

#[tokio::test]
async fn a_prompt_can_ask_for_a_failure_and_the_money_comes_back() {
    let sandbox = sandbox();
    let id = generate(&sandbox, json!({"prompt": "a lighthouse [fail]"})).await;
    assert!(sandbox.ledger().balance_usd(KEY) < Some(2.0));
    sandbox.clock().advance(Duration::from_secs(60));
    let data = get(&format!("/v1/video/status/{id}")).send(&sandbox).await.data();
    assert_eq!((&data["state"], &data["error"]["code"]), (&json!("failed"), &json!("CONTENT_REJECTED")));
    assert_eq!(data["video_url"], Value::Null);
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0));
    let refusal = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await.refusal();
    assert_eq!(refusal, (409, "JOB_NOT_FINISHED".to_owned()));
}

#[tokio::test]
async fn a_cancelled_job_stays_cancelled_and_is_paid_back() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    // The documentation's body, with its placeholder.
    let cancel = || post(&format!("/v1/video/cancel/{id}"), json!({"job_id": "..."}));
    assert_eq!(cancel().send(&sandbox).await.data(), json!({"ok": true}));
    assert_eq!(state(&sandbox, &id).await, "cancelled");
    sandbox.clock().advance(Duration::from_secs(600));
    assert_eq!(state(&sandbox, &id).await, "cancelled");
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0));
    assert_eq!(cancel().send(&sandbox).await.refusal(), (409, "JOB_FINISHED".to_owned()));
    assert_eq!(sandbox.ledger().refunds().count(), 1);
}

#[tokio::test]
async fn cancel_needs_no_body_and_refuses_another_jobs_id() {
    let sandbox = sandbox();
    let (first, second) = (cheap_job(&sandbox).await, cheap_job(&sandbox).await);
    let wrong = post(&format!("/v1/video/cancel/{first}"), json!({"job_id": second})).send(&sandbox).await;
    assert_eq!(wrong.refusal(), (422, "VALIDATION_FAILED".to_owned()));
    assert_eq!(state(&sandbox, &first).await, "queued");
    let bare = call("POST", &format!("/v1/video/cancel/{first}")).key(KEY).send(&sandbox).await;
    assert_eq!(bare.data()["ok"], true);
}

#[tokio::test]
async fn delete_is_idempotent_and_takes_the_job_away_at_once() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let delete = |key| call("DELETE", &format!("/v1/video/delete/{id}")).key(key);
    assert_eq!(delete(OTHER_KEY).send(&sandbox).await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(delete(KEY).send(&sandbox).await.data(), json!({"ok": true}));
    assert_eq!(delete(KEY).send(&sandbox).await.data(), json!({"ok": true}));
    for path in ["status", "get", "download_url"] {
        let response = get(&format!("/v1/video/{path}/{id}")).send(&sandbox).await;
        assert_eq!(response.refusal(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0), "it was not over yet, so it is paid back");
    let never = call("DELETE", "/v1/video/delete/vj_never").key(KEY).send(&sandbox).await;
    assert_eq!(never.refusal(), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn delete_all_counts_the_jobs_of_its_account_alone() {
    let sandbox = sandbox();
    for _ in 0..3 {
        cheap_job(&sandbox).await;
    }
    let others =
        post("/v1/video/generate", json!({"prompt": "a"})).key(OTHER_KEY).send(&sandbox).await.data();
    assert_eq!(post("/v1/video/delete_all", json!({})).send(&sandbox).await.data(), json!({"deleted": 3}));
    assert_eq!(post("/v1/video/delete_all", json!({})).send(&sandbox).await.data(), json!({"deleted": 0}));
    assert_eq!(json!(sandbox.jobs()[0].job_id), others["job_id"]);
}

#[tokio::test]
async fn one_account_never_sees_anothers_job() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    for (method, path) in
        [("GET", "status"), ("GET", "get"), ("GET", "download_url"), ("POST", "cancel"), ("DELETE", "delete")]
    {
        let response = call(method, &format!("/v1/video/{path}/{id}")).key(OTHER_KEY).send(&sandbox).await;
        assert_eq!(response.refusal(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    let retention = post(&format!("/v1/video/set_retention/{id}"), json!({"days": 1}))
        .key(OTHER_KEY)
        .send(&sandbox)
        .await;
    assert_eq!(retention.status, 404);
    let list = get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await.data();
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn retention_decides_when_a_clip_is_deleted() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let set =
        |days: Value| post(&format!("/v1/video/set_retention/{id}"), json!({"job_id": id, "days": days}));
    assert_eq!(
        set(json!(7.0)).send(&sandbox).await.data(),
        json!({"job_id": id, "retention_days": 7, "expires_at": "2026-01-08T00:00:00Z"})
    );
    let refused = set(json!(0)).send(&sandbox).await;
    assert_eq!(refused.refusal(), (422, "VALIDATION_FAILED".to_owned()));
    assert_eq!(refused.error()["message"], "`days` must be a whole number from 1 to 90, not 0");

    sandbox.clock().advance(Duration::from_secs(7 * 86_400));
    let gone = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await;
    assert_eq!(gone.refusal(), (410, "CLIP_EXPIRED".to_owned()));
    let job = get(&format!("/v1/video/status/{id}")).send(&sandbox).await.data();
    assert_eq!((&job["state"], &job["video_url"]), (&json!("succeeded"), &Value::Null));

    set(json!(90)).send(&sandbox).await.data();
    let still_gone = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await;
    assert_eq!(still_gone.status, 410, "a later date does not bring a clip back");
}

#[tokio::test]
async fn a_clip_is_kept_for_thirty_days_from_the_end_of_its_job() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let ends = sandbox.jobs()[0].ends_at;
    assert_eq!(sandbox.jobs()[0].expires_at, ends + Duration::from_secs(30 * 86_400));
    sandbox.clock().advance(Duration::from_secs(30 * 86_400));
    assert_eq!(get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await.status, 200);
    sandbox.clock().advance(Duration::from_secs(60));
    assert_eq!(get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await.status, 410);
}

#[tokio::test]
async fn capabilities_show_the_catalogue() {
    let sandbox = sandbox();
    let vendors = get("/v1/video/capabilities").send(&sandbox).await.data()["vendors"].clone();
    assert_eq!(vendors.as_array().map(Vec::len), Some(3));
    assert_eq!(
        vendors[0],
        json!({
            "vendor": "sandbox-swift",
            "models": ["swift-1", "swift-1-mini"],
            "resolutions": ["720p"],
            "max_duration_seconds": 10,
            "supports_extend": false,
            "supports_upscale": false,
        })
    );
}

#[tokio::test]
async fn jobs_go_to_the_next_vendor_and_to_none_when_all_are_down() {
    let sandbox = builder().catalogue(Catalogue::default().with_vendor_down("sandbox-swift")).router();
    cheap_job(&sandbox).await;
    assert_eq!(sandbox.jobs()[0].vendor, "sandbox-studio");
    let all_down = ["sandbox-swift", "sandbox-studio", "sandbox-cinema"]
        .into_iter()
        .fold(Catalogue::default(), Catalogue::with_vendor_down);
    sandbox.set_catalogue(all_down);
    let response = post("/v1/video/generate", json!({"prompt": "a"})).send(&sandbox).await;
    assert_eq!(response.refusal(), (503, "UNAVAILABLE".to_owned()));
    assert_eq!((response.header("retry-after"), &response.error()["retryable"]), (Some("5"), &json!(true)));
    assert_eq!(sandbox.ledger().charges().count(), 1, "a refused request costs nothing");
}
