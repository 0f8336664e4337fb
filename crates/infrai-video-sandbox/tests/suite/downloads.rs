//! The file host: links, ranges, and what opens a file.

use std::time::Duration;

use infrai_video_sandbox::{Host, SandboxRouter};

use crate::common::{KEY, Response, builder, call, cheap_job, download_url, get, sandbox};

async fn finished() -> (SandboxRouter, String, String) {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let url = download_url(&sandbox, &id).await;
    (sandbox, id, url)
}

async fn ranged(sandbox: &SandboxRouter, url: &str, range: &str) -> Response {
    call("GET", url).header("range", range).send(sandbox).await
}

#[tokio::test]
async fn a_link_leads_to_the_clip_on_another_host() {
    let (sandbox, id, url) = finished().await;
    assert!(url.starts_with("https://files.sandbox.invalid/clips/"), "{url}");
    let response = call("GET", &url).send(&sandbox).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.bytes, sandbox.clip_bytes(&id).await.expect("a clip"));
    assert!(response.text().starts_with("clip of a lighthouse, 1280x720"));
    assert_eq!(response.header("content-type"), Some("video/mp4"));
    assert_eq!(response.header("accept-ranges"), Some("bytes"));
    assert_eq!(response.header("last-modified"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    assert_eq!(response.header("content-length"), Some(response.bytes.len().to_string().as_str()));
    assert!(response.header("etag").is_some_and(|etag| etag.starts_with('"') && etag.len() == 66));
    assert_eq!(sandbox.journal().last().map(|seen| seen.host), Some(Host::Files));

    let job = get(&format!("/v1/video/get/{id}")).send(&sandbox).await.data();
    let thumbnail = call("GET", job["thumbnail_url"].as_str().expect("a link")).send(&sandbox).await;
    assert_eq!(
        (thumbnail.header("content-type"), thumbnail.text().as_str()),
        (Some("image/jpeg"), "thumbnail")
    );
    let video = call("GET", job["video_url"].as_str().expect("a link")).send(&sandbox).await;
    assert_eq!(video.bytes, response.bytes);
}

#[tokio::test]
async fn the_host_header_leads_to_the_file_host_too() {
    let (sandbox, _, url) = finished().await;
    let path = url.strip_prefix("https://files.sandbox.invalid").expect("the file host");
    assert_eq!(call("GET", path).header("host", "files.sandbox.invalid").send(&sandbox).await.status, 200);
    assert_eq!(call("GET", path).header("host", "api.sandbox.invalid").send(&sandbox).await.status, 404);
}

#[tokio::test]
async fn ranges_give_parts() {
    let (sandbox, _, url) = finished().await;
    let whole = call("GET", &url).send(&sandbox).await.bytes;
    let length = whole.len();
    for (range, first, last) in [
        ("bytes=5-9", 5, 9),
        ("bytes=5-", 5, length - 1),
        ("bytes=-4", length - 4, length - 1),
        ("bytes=0-99999", 0, length - 1),
    ] {
        let part = ranged(&sandbox, &url, range).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.bytes, whole[first..=last]);
        assert_eq!(part.header("content-range"), Some(format!("bytes {first}-{last}/{length}").as_str()));
        assert_eq!(part.header("content-length"), Some((last - first + 1).to_string().as_str()));
    }
    let beyond = ranged(&sandbox, &url, &format!("bytes={length}-")).await;
    assert_eq!((beyond.status.as_u16(), beyond.bytes.len()), (416, 0));
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{length}").as_str()));
    assert_eq!(ranged(&sandbox, &url, "bytes=0-1,4-5").await.status, 200);
}

#[tokio::test]
async fn if_range_guards_against_another_file() {
    let (sandbox, _, url) = finished().await;
    let etag = call("GET", &url).send(&sandbox).await.header("etag").expect("an etag").to_owned();
    let same = call("GET", &url).header("range", "bytes=5-").header("if-range", &etag).send(&sandbox).await;
    let other =
        call("GET", &url).header("range", "bytes=5-").header("if-range", "\"other\"").send(&sandbox).await;
    assert_eq!((same.status.as_u16(), other.status.as_u16()), (206, 200));
    let known = call("GET", &url).header("if-none-match", &etag).send(&sandbox).await;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
}

#[tokio::test]
async fn head_returns_the_length_without_a_body() {
    let (sandbox, id, url) = finished().await;
    let length = sandbox.clip_bytes(&id).await.expect("a clip").len().to_string();
    let response = call("HEAD", &url).send(&sandbox).await;
    assert_eq!((response.status.as_u16(), response.bytes.len()), (200, 0));
    assert_eq!(response.header("content-length"), Some(length.as_str()));
    assert_eq!(response.header("accept-ranges"), Some("bytes"));
}

#[tokio::test]
async fn a_link_expires_and_a_fresh_one_works() {
    let (sandbox, id, url) = finished().await;
    let response = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await.data();
    assert_eq!(response["expires_at"], "2026-01-01T00:15:00Z");
    sandbox.clock().advance(Duration::from_secs(899));
    assert_eq!(call("GET", &url).send(&sandbox).await.status, 200);
    sandbox.clock().advance(Duration::from_secs(1));
    let expired = call("GET", &url).send(&sandbox).await;
    assert_eq!(expired.status, 403);
    assert!(expired.text().contains("expired"));
    let fresh = download_url(&sandbox, &id).await;
    assert_ne!(fresh, url);
    assert_eq!(call("GET", &fresh).send(&sandbox).await.status, 200);
}

#[tokio::test]
async fn a_link_never_outlives_its_clip() {
    let (sandbox, id, _) = finished().await;
    sandbox.clock().advance(Duration::from_secs(30 * 86_400 - 60));
    let response = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await.data();
    assert_eq!(response["expires_at"], "2026-01-31T00:00:00Z");
}

#[tokio::test]
async fn a_changed_link_opens_nothing() {
    let (sandbox, _, url) = finished().await;
    let (path, query) = url.split_once('?').expect("a query");
    for changed in [
        path.to_owned(),
        format!("{path}?{}", query.replace("expires=1", "expires=2")),
        format!("{}?{query}", path.replace(".mp4", ".mp5")),
        format!("{}?{query}", path.replace("clips", "thumbnails")),
        format!("{url}A"),
        format!("{url}&x=1"),
    ] {
        assert_eq!(call("GET", &changed).send(&sandbox).await.status, 403, "{changed}");
    }
}

#[tokio::test]
async fn the_files_of_a_deleted_job_are_deleted_at_once() {
    let (sandbox, id, url) = finished().await;
    call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY).send(&sandbox).await.data();
    assert_eq!(call("GET", &url).send(&sandbox).await.status, 404);
    assert_eq!(sandbox.clip_bytes(&id).await, None);
}

#[tokio::test]
async fn a_job_that_is_not_over_has_no_link() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let response = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await;
    assert_eq!(response.refusal(), (409, "JOB_NOT_FINISHED".to_owned()));
}

#[tokio::test]
async fn a_key_that_reaches_the_file_host_is_noticed() {
    let (sandbox, _, url) = finished().await;
    assert_eq!(call("GET", &url).key(KEY).send(&sandbox).await.status, 200);
    assert_eq!(sandbox.journal().last().map(|seen| seen.authorization), Some(true));

    let strict = builder().instant_jobs().strict_files(true).router();
    let id = cheap_job(&strict).await;
    let url = download_url(&strict, &id).await;
    assert_eq!(call("GET", &url).key(KEY).send(&strict).await.status, 400);
    assert_eq!(call("GET", &url).send(&strict).await.status, 200);
}

#[tokio::test]
async fn the_file_host_is_not_the_api() {
    let (sandbox, ..) = finished().await;
    let response = call("GET", "https://files.sandbox.invalid/v1/video/list").key(KEY).send(&sandbox).await;
    assert_eq!(
        (response.status.as_u16(), response.header("content-type")),
        (404, Some("text/plain; charset=utf-8"))
    );
    let response = call("POST", "https://files.sandbox.invalid/clips/a.mp4").send(&sandbox).await;
    assert_eq!((response.status.as_u16(), response.header("allow")), (405, Some("GET,HEAD")));
}
