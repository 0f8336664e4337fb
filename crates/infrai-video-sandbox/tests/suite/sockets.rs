//! The sandbox on real sockets, met by a real client.

use std::io::ErrorKind;

use infrai_video_sandbox::{Action, Fault, Length, Operation, Sandbox, StartError};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{KEY, builder};

async fn start(fault: Option<Fault>) -> Sandbox {
    builder().instant_jobs().faults(fault).start().await.expect("free ports")
}

async fn generate(sandbox: &Sandbox) -> reqwest::Result<Value> {
    let url = format!("{}/v1/video/generate", sandbox.base_url());
    let body = json!({"prompt": "a lighthouse", "prefer": "cheapest"});
    Client::new()
        .post(url)
        .bearer_auth(KEY)
        .header("idempotency-key", "k1")
        .json(&body)
        .send()
        .await?
        .json()
        .await
}

async fn clip_url(sandbox: &Sandbox) -> String {
    let job = generate(sandbox).await.expect("a job");
    job["data"]["video_url"].as_str().expect("a link").to_owned()
}

#[tokio::test]
async fn the_whole_way_from_prompt_to_clip() {
    let sandbox = start(None).await;
    let url = clip_url(&sandbox).await;
    assert!(url.starts_with(sandbox.file_base_url()));
    assert_ne!(sandbox.base_url(), sandbox.file_base_url());
    let response = Client::new().get(&url).header("range", "bytes=5-9").send().await.expect("a response");
    assert_eq!(
        (response.status(), response.headers()["content-length"].as_bytes()),
        (StatusCode::PARTIAL_CONTENT, &b"5"[..])
    );
    assert_eq!(response.bytes().await.expect("a body").len(), 5);
    let head = Client::new().head(&url).send().await.expect("a response");
    assert_eq!(head.headers()["date"], "Thu, 01 Jan 2026 00:00:00 GMT");
    let length: usize = head.headers()["content-length"].to_str().expect("ASCII").parse().expect("a number");
    assert!(length > 5, "the whole length");
}

#[tokio::test]
async fn a_sandbox_stops_when_it_is_dropped() {
    let sandbox = start(None).await;
    let (api, files) = (sandbox.api_address(), sandbox.file_address());
    let mut open = TcpStream::connect(api).await.expect("it listens");
    drop(sandbox);
    let mut rest = Vec::new();
    // A connection that is cut may end or be reset.
    assert!(
        open.read_to_end(&mut rest).await.map_or_else(|e| e.kind() == ErrorKind::ConnectionReset, |n| n == 0)
    );
    for address in [api, files] {
        assert!(TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn a_fixed_port_is_used_and_a_taken_one_is_an_error() {
    let first = start(None).await;
    let taken = first.api_address().port();
    let error = Sandbox::builder().port(taken).start().await.expect_err("the port is taken");
    let StartError::Listen { setting: "port", address, source, .. } = &error else { panic!("{error}") };
    assert_eq!((address.port(), source.kind()), (taken, ErrorKind::AddrInUse));
    drop(first);
}

#[tokio::test]
async fn a_drop_really_closes_the_connection_without_a_byte() {
    let sandbox = start(Some(Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1))).await;
    let mut stream = TcpStream::connect(sandbox.api_address()).await.expect("it listens");
    let body = r#"{"prompt":"a lighthouse","prefer":"cheapest"}"#;
    let request = format!(
        "POST /v1/video/generate HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nIdempotency-Key: k1\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.expect("the connection ends");
    assert!(response.is_empty(), "{}", String::from_utf8_lossy(&response));
    assert_eq!(sandbox.jobs().len(), 1);
    let again = generate(&sandbox).await.expect("the second try is answered");
    assert_eq!(again["metadata"]["cache_hit"], true);
    assert_eq!(sandbox.ledger().charges().count(), 1);
}

#[tokio::test]
async fn a_client_sees_a_lost_connection() {
    let sandbox = start(Some(Fault::on(Operation::Generate, Action::DropBefore).nth(1))).await;
    let error = generate(&sandbox).await.expect_err("no response");
    assert!(error.is_request(), "{error:?}");
    assert!(generate(&sandbox).await.is_ok());
}

/// The raw response to a GET: what arrived, and how the connection ended.
async fn raw(sandbox: &Sandbox, url: &str) -> (String, Result<(), ErrorKind>) {
    let path = url.strip_prefix(sandbox.file_base_url()).expect("a link to the file host");
    let mut stream = TcpStream::connect(sandbox.file_address()).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
    let mut response = Vec::new();
    let end = stream.read_to_end(&mut response).await.map(|_| ()).map_err(|error| error.kind());
    (String::from_utf8_lossy(&response).into_owned(), end)
}

#[tokio::test]
async fn a_truncated_clip_ends_before_its_declared_length() {
    let sandbox = start(Some(Fault::on(Operation::Clip, Action::cut(10)))).await;
    let url = clip_url(&sandbox).await;
    let (response, end) = raw(&sandbox, &url).await;
    let (head, body) = response.split_once("\r\n\r\n").expect("headers");
    assert!(head.contains("content-length: 1"), "{head}");
    assert_eq!((body, end), ("clip of a ", Ok(())));
    let error = Client::new().get(&url).send().await.expect("headers").bytes().await.expect_err("a cut body");
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn a_cut_clip_of_hidden_length_looks_complete() {
    let action = Action::Cut { after: 10, length: Length::Hidden };
    let sandbox = start(Some(Fault::on(Operation::Clip, action))).await;
    let url = clip_url(&sandbox).await;
    let body = Client::new().get(&url).send().await.expect("headers").bytes().await;
    assert_eq!(body.expect("it looks complete"), "clip of a ");
}

#[tokio::test]
async fn a_reset_connection_is_reset() {
    let sandbox = start(Some(Fault::on(Operation::Clip, Action::Reset { after: 10 }))).await;
    let url = clip_url(&sandbox).await;
    let (_, end) = raw(&sandbox, &url).await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_body_beyond_the_limit_gets_a_response() {
    let sandbox = start(None).await;
    let url = format!("{}/v1/video/generate", sandbox.base_url());
    let body = vec![b' '; 4 * 1024 * 1024];
    let response = Client::new()
        .post(url)
        .bearer_auth(KEY)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .expect("a response");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let json: Value = response.json().await.expect("an envelope");
    assert_eq!(json["error"]["code"], "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn admin_routes_require_a_loopback_name() {
    let sandbox = start(None).await;
    let url = format!("{}/__sandbox/jobs", sandbox.base_url());
    let response = Client::new().get(&url).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    let own = Client::new().get(&url).header("origin", sandbox.base_url()).send().await.expect("a response");
    assert_eq!(own.status(), StatusCode::OK, "a page of its own");
    for value in ["https://example.com", "null", sandbox.file_base_url()] {
        let response = Client::new().get(&url).header("origin", value).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{value}");
    }
    let own = sandbox.base_url().to_owned();
    let response = Client::new().get(&url).header("origin", own).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK, "the sandbox's own page");
}
