//! Secrets that a server quotes are removed from errors, results and logs.

use infrai_video::{Client, Error, ErrorKind};
use serde_json::{Value, json};

use crate::support::script::Script;
use crate::support::{KEY, hostile};

const SECRET: &str = "s3cr3t4f9d2c";

/// A server's message that quotes the API key and a signed link.
fn careless() -> String {
    let encoded: String = KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (upper, link) = (KEY.to_uppercase(), format!("https://files.example/c.mp4?X-Amz-Signature={SECRET}"));
    format!("{KEY}, {upper}, {encoded}, Bearer {KEY} at {link} (signature={SECRET}) {KEY}")
}

#[track_caller]
fn assert_clean(text: &str) {
    let lower = text.to_lowercase();
    for secret in [KEY, SECRET, &KEY[4..], "%69%66%72"] {
        assert!(!lower.contains(secret), "{text}");
    }
}

#[track_caller]
fn assert_clean_error(error: &Error) {
    assert_clean(&format!("{error}\n{error:?}\n{error:#?}\n{}", error.next_step()));
    assert_clean(&format!("{:?} {:?} {:?}", error.code(), error.hint(), error.request_id()));
    assert!(error.message().contains("[redacted]"), "{error}");
}

#[test]
fn secrets_in_a_servers_errors_are_removed() {
    let error = json!({"code": careless(), "message": careless(), "hint": careless()});
    let body = json!({"ok": false, "error": error, "metadata": {"request_id": careless()}}).to_string();
    for status in [200, 307, 400, 401, 402, 403, 404, 409, 410, 422, 423, 425, 429, 500, 501, 503] {
        let errors = hostile::every_operation(status, &[], body.as_bytes());
        assert_eq!(errors.len(), 10);
        errors.iter().for_each(assert_clean_error);
    }
    let bare = json!({"ok": false, "error": careless()}).to_string();
    hostile::every_operation(400, &[], bare.as_bytes()).iter().for_each(assert_clean_error);
}

/// An API key without the usual prefix.
const ODD_KEY: &str = "Open-Sesame!42";

fn client(script: &Script) -> Client {
    let builder = Client::builder(ODD_KEY).with_base_url("https://api.infrai.cc").with_seed(7);
    builder.with_transport(script.clone()).build().unwrap()
}

fn response(data: &Value) -> (u16, String) {
    let metadata = json!({"request_id": format!("req {ODD_KEY}"), "vendor": format!("v {ODD_KEY}")});
    (200, json!({"ok": true, "data": data, "metadata": metadata}).to_string())
}

#[tokio::test(start_paused = true)]
async fn a_key_of_any_form_is_removed_from_results_and_links_stay() {
    let link = format!("https://files.example/c.mp4?signature={SECRET}");
    let quoted = format!("no {ODD_KEY} {} {link}", ODD_KEY.to_lowercase());
    let job = json!({
        "job_id": "vj_1", "state": format!("state {ODD_KEY}"), "video_url": link, "vendor": quoted, "model": quoted,
        "resolution": quoted, "error": {"code": quoted, "message": quoted},
    });
    let vendors = json!({"vendors": [{"vendor": quoted, "models": [quoted], "resolutions": [quoted]}]});
    let script = Script::of([
        response(&job),
        response(&job),
        response(&json!({"items": [job]})),
        response(&vendors),
        response(&json!({"url": link})),
    ]);
    let client = client(&script);
    let status = client.status("vj_1").await.unwrap();
    let get = client.get("vj_1").await.unwrap();
    let list = client.list().await.unwrap();
    let capabilities = client.capabilities().await.unwrap();
    let download = client.download_url("vj_1").await.unwrap();
    assert_eq!(status.video_url.as_deref(), Some(link.as_str()));
    assert_eq!(get.video_url.as_deref(), Some(link.as_str()));
    assert_eq!(download.url.as_deref(), Some(link.as_str()));
    for text in [
        format!("{:?}", status.error),
        format!("{:?} {:?}", status.state, status.metadata()),
        format!("{:?} {:?} {:?}", get.error, get.vendor, get.model),
        format!("{:?} {:?}", get.resolution, get.metadata()),
        format!("{:?}", list.items.as_ref().unwrap()[0].error),
        format!("{:?} {:?}", *capabilities, capabilities.metadata()),
        format!("{:?}", download.metadata()),
    ] {
        assert!(text.contains("[redacted]"), "{text}");
        assert!(!text.to_lowercase().contains("sesame") && !text.contains(SECRET), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_failed_job_has_no_secrets() {
    let reason = format!("vendor refused {ODD_KEY} for https://files.example/c.mp4?signature={SECRET}");
    let job = |state: &str| json!({"job_id": "vj_1", "state": state, "error": reason});
    let script = Script::of([response(&job("running")), response(&job("failed"))]);
    let error = client(&script).job("vj_1").wait().await.unwrap_err();
    let told = format!("{error} {error:?} {error:#?} {:?}", error.last_job());
    let error = Error::from(error);
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    for text in [told, format!("{error} {error:?} {error:#?}")] {
        assert!(text.contains("[redacted]") && text.contains("https://files.example/c.mp4"), "{text}");
        assert!(!text.contains("Sesame") && !text.contains(SECRET), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_users_header_is_sent_to_the_api_alone() {
    let job = json!({"job_id": "vj_1", "state": "succeeded", "video_url": "https://files.example/c.mp4?s=1"});
    let link = json!({"url": "https://files.example/c.mp4?s=1", "expires_at": "2099-01-01T00:00:00Z"});
    let (job, link) = (response(&job).1, response(&link).1);
    let script = Script::default().then(200, &[], job.clone()).then(200, &[], job).then(200, &[], link);
    let script = script.then_raw(200, &[("content-length", "4"), ("etag", "\"a\"")], "clip");
    let builder = Client::builder(ODD_KEY).with_base_url("https://api.infrai.cc");
    let client = builder.with_header("X-Tenant", "clip-shop").with_transport(script.clone()).build().unwrap();
    assert!(!format!("{client:?}").contains("clip-shop"));
    let job = client.generate("a city").submit().await.unwrap();
    client.status(job.id()).await.unwrap();
    let mut clip = Vec::new();
    job.download().to_writer(&mut clip).await.unwrap();
    assert_eq!(clip, b"clip");
    for request in script.requests() {
        let tenant = request.headers().get("x-tenant").map(|value| value.to_str().unwrap());
        match request.uri().host() {
            Some("api.infrai.cc") => assert_eq!(tenant, Some("clip-shop"), "{}", request.uri()),
            _ => assert_eq!(tenant, None, "{}", request.uri()),
        }
    }
    assert_eq!(script.requests().len(), 4);
}
