//! Job ids as part of a path.

use infrai_video::{Client, Error, ErrorKind};
use serde_json::{Value, json};

use crate::support::client_of;
use crate::support::script::Script;

fn client(script: &Script) -> Client {
    client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap()
}

fn scripted() -> (Script, Client) {
    let job = json!({"ok": true, "data": {"job_id": "vj_1", "state": "running"}});
    let script = Script::of([(200, job.to_string())]);
    let client = client(&script);
    (script, client)
}

#[tokio::test]
async fn an_odd_id_is_one_segment_of_the_path_or_not_sent() {
    let base = "https://api.infrai.cc/v1/video/status/";
    for (id, segment) in [
        ("operations/abc123", "operations%2Fabc123"),
        ("../list", "..%2Flist"),
        ("..\\..\\list", "..%5C..%5Clist"),
        ("%2e%2e", "%252e%252e"),
        ("%2F", "%252F"),
        ("a b", "a%20b"),
        (" ", "%20"),
        ("a?b#c&d=e;f", "a%3Fb%23c%26d%3De%3Bf"),
        ("a+b:c@d,e", "a%2Bb%3Ac%40d%2Ce"),
        ("ä\u{1f306}", "%C3%A4%F0%9F%8C%86"),
        ("a\n\0", "a%0A%00"),
        ("...", "..."),
        ("-x", "-x"),
        ("12345678901234567890", "12345678901234567890"),
    ] {
        let (script, client) = scripted();
        client.status(id).await.unwrap();
        assert_eq!(script.requests()[0].uri().to_string(), format!("{base}{segment}"), "{id:?}");
    }
    let (script, client) = scripted();
    for id in ["", ".", ".."] {
        let error = client.status(id).await.unwrap_err();
        assert_eq!(error.field(), Some("job_id"), "{id:?}");
    }
    assert!(script.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_of_the_service_is_used_or_reported_as_paid() {
    let body =
        |id: Value, state: &str| json!({"ok": true, "data": {"job_id": id, "state": state}}).to_string();
    for (id, segment) in [
        (json!("operations/abc123"), "operations%2Fabc123"),
        (json!(9_007_199_254_740_993_u64), "9007199254740993"),
    ] {
        let script = Script::of([(200, body(id.clone(), "queued")), (200, body(id.clone(), "succeeded"))]);
        let client = client(&script);
        let job = client.generate("a city").submit().await.unwrap();
        job.wait().await.unwrap();
        assert!(script.requests()[1].uri().path().ends_with(&format!("/status/{segment}")), "{id}");
    }
    for id in ["", ".", ".."] {
        let script = Script::of([(200, body(id.into(), "queued"))]);
        let client = client(&script);
        let job = client.generate("a city").submit().await.unwrap();
        let error = Error::from(job.wait().await.unwrap_err());
        assert_eq!((error.kind(), script.requests().len()), (ErrorKind::Decode, 1));
        assert!(
            error.to_string().contains("which is paid") && error.to_string().contains("`list`"),
            "{error}"
        );
    }
}
