//! Clips that are really rendered.

use infrai_video_sandbox::{Clock, Sandbox};
use serde_json::json;

use crate::common::{call, generate, get};

#[tokio::test]
async fn a_finished_job_has_a_real_clip_and_a_real_thumbnail() {
    let sandbox = Sandbox::builder().clock(Clock::manual()).instant_jobs().router();
    let order = json!({"prompt": "a lighthouse at dusk", "duration_seconds": 0.25, "aspect_ratio": "1:1"});
    let id = generate(&sandbox, order).await;
    let job = get(&format!("/v1/video/get/{id}")).send(&sandbox).await.data();
    let clip = call("GET", job["video_url"].as_str().expect("a link")).send(&sandbox).await;
    assert_eq!(clip.status, 200);
    assert_eq!(&clip.bytes[4..8], b"ftyp");
    let thumbnail = call("GET", job["thumbnail_url"].as_str().expect("a link")).send(&sandbox).await;
    assert_eq!(&thumbnail.bytes[..3], b"\xff\xd8\xff");
}

#[tokio::test]
async fn the_shortest_duration_that_the_contract_allows_can_be_rendered() {
    let sandbox = Sandbox::builder().clock(Clock::manual()).instant_jobs().router();
    let id = generate(&sandbox, json!({"prompt": "a", "duration_seconds": 1e-300})).await;
    assert!(sandbox.clip_bytes(&id).await.is_some_and(|clip| &clip[4..8] == b"ftyp"));
}
