//! A server that may send anything, for property tests and fuzzers.

use bytes::Bytes;
use infrai_video::download::Saved;
use infrai_video::retry::RetryPolicy;
use infrai_video::transport::Transport;
use infrai_video::{Client, Error};

use super::script::Script;
use super::{client_of, on_a_paused_clock};

/// A client that makes at most two attempts, so that a run is short.
pub(crate) fn client(transport: impl Transport) -> Client {
    let client = client_of("https://api.infrai.cc").with_transport(transport);
    let client = client.with_retry_policy(RetryPolicy::default().with_max_attempts(2));
    client.build().expect("the settings are valid")
}

/// Calls every operation with this response to each request, and returns the errors.
pub(crate) fn every_operation(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Error> {
    let client = || {
        let body = Bytes::copy_from_slice(body);
        client((0..2).fold(Script::default(), |script, _| script.then(status, headers, body.clone())))
    };
    let days = 7.try_into().expect("7 days are allowed");
    on_a_paused_clock(async {
        let results = [
            client().generate("x").submit().await.err(),
            client().status("vj_1").await.err(),
            client().get("vj_1").await.err(),
            client().cancel("vj_1").await.err(),
            client().delete("vj_1").await.err(),
            client().delete_all().await.err(),
            client().download_url("vj_1").await.err(),
            client().set_retention("vj_1", days).await.err(),
            client().capabilities().await.err(),
            client().list().await.err(),
        ];
        results.into_iter().flatten().collect()
    })
}

/// Downloads a clip that consists of these bytes, with one retry.
///
/// # Panics
///
/// If an error leaves a file at the final path.
pub(crate) fn download(clip: &[u8]) -> Result<Saved, Error> {
    let link = r#"{"ok":true,"data":{"url":"https://files.example.com/clip.mp4"}}"#;
    let length = clip.len().to_string();
    let headers = [("content-type", "video/mp4"), ("content-length", length.as_str()), ("etag", "\"a\"")];
    let script = (0..4).fold(Script::default(), |script, _| {
        script.then(200, &[], link).then_raw(200, &headers, Bytes::copy_from_slice(clip))
    });
    let directory = tempfile::tempdir().expect("a temporary directory can be created");
    let path = directory.path().join("clip.mp4");
    let saved = on_a_paused_clock(client(script).job("vj_1").download().with_max_failures(2).to_path(&path));
    assert_eq!(saved.is_ok(), path.exists(), "{saved:?}");
    saved
}
