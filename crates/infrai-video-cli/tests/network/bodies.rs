//! Content encodings of API responses.

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{Harness, Run, SMALL};

/// Starts a gateway that sends the sandbox's responses encoded by `encode`, with the content encoding `name`. Returns its URL.
async fn gateway(
    harness: &Harness,
    name: &'static str,
    encode: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> String {
    let (api, encode) = (harness.sandbox.base_url().to_owned(), Arc::new(encode));
    let forward = move |request: Request| {
        let (api, encode) = (api.clone(), Arc::clone(&encode));
        async move {
            assert_eq!(request.headers()[ACCEPT_ENCODING], "gzip");
            let (mut head, body) = request.into_parts();
            head.headers.remove(HOST);
            head.headers.remove(ACCEPT_ENCODING);
            let url = format!("{api}{}", head.uri.path_and_query().unwrap());
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let sent =
                client.request(head.method, url).headers(head.headers).body(body).send().await.unwrap();
            let (status, mut headers) = (sent.status(), sent.headers().clone());
            headers.remove(CONTENT_LENGTH);
            headers.remove(TRANSFER_ENCODING);
            headers.insert(CONTENT_ENCODING, name.parse().unwrap());
            let mut response = Response::new(Body::from(encode(&sent.bytes().await.unwrap())));
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(forward)).await });
    url
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn run(harness: &Harness, url: &str, args: &[&str]) -> Run {
    harness.command(args).env("INFRAI_BASE_URL", url).output().unwrap().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gzip_responses_are_decoded() {
    let harness = Harness::instant().await;
    let url = gateway(&harness, "gzip", gzip).await;
    let run = run(&harness, &url, &[SMALL[0], SMALL[1], SMALL[2], "-o", "clip.mp4"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let error = self::run(&harness, &url, &["status", "vj_unknown"]);
    assert!(error.failed(5).contains("NOT_FOUND"), "{}", error.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoding_that_was_not_requested_is_named() {
    let harness = Harness::instant().await;
    for encoding in ["br", "zstd", "deflate", "gzip, br"] {
        let url = gateway(&harness, encoding, <[u8]>::to_vec).await;
        let run = run(&harness, &url, &["list"]);
        assert!(run.failed(1).contains(&format!("the content encoding {encoding}")), "{}", run.stderr);
        assert!(!run.stderr.contains("`with_"), "{}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_limit_applies_to_the_decoded_response() {
    let harness = Harness::instant().await;
    let url = gateway(&harness, "gzip", |_| gzip(&vec![b' '; 17 << 20])).await;
    let run = run(&harness, &url, &["list"]);
    assert!(run.failed(1).contains("larger than 16777216 bytes"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_clip_is_reported_without_advice_for_sdk_users() {
    let harness = Harness::with(
        Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Clip, Action::CorruptFile)),
    )
    .await;
    let run = harness.run([SMALL[0], SMALL[1], SMALL[2], "-o", "clip.mp4"]);
    let stderr = run.failed(12);
    assert!(stderr.contains("not a whole MP4") && !stderr.contains("with_container"), "{stderr}");
}
