//! Which `Host` a request over a socket may name.

use std::net::{Ipv4Addr, SocketAddr};

use infrai_video_sandbox::{Sandbox, SandboxBuilder};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{KEY, builder};

const TOKEN: &str = "a-token-of-this-test-only";

async fn start(builder: SandboxBuilder) -> Sandbox {
    builder.instant_jobs().start().await.expect("free ports")
}

/// Sends a request as it stands, and gives the status and the body of its response.
async fn raw(address: SocketAddr, head: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("{head}Authorization: Bearer {KEY}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

async fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    raw(address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n")).await
}

async fn clip_path(sandbox: &Sandbox) -> String {
    let url = format!("{}/v1/video/generate", sandbox.base_url());
    let job = Client::new().post(url).bearer_auth(KEY).json(&json!({"prompt": "a"})).send().await;
    let job: Value = job.expect("a response").json().await.expect("JSON");
    let url = job["data"]["video_url"].as_str().expect("a link").to_owned();
    url.strip_prefix(sandbox.file_base_url()).expect("a link to the file host").to_owned()
}

#[tokio::test]
async fn a_page_that_points_its_name_at_the_sandbox_can_read_nothing() {
    let sandbox = start(builder()).await;
    let clip = clip_path(&sandbox).await;
    let requests = sandbox.journal().len();
    let port = sandbox.api_address().port();
    for path in [
        "/v1/video/list",
        "/v1/video/capabilities",
        "/v1/video/nowhere",
        "/",
        "/docs",
        "/page/script.js",
        "/openapi.yaml",
        "/healthz",
        "/__sandbox/jobs",
        "/__sandbox/events",
        "/nowhere",
    ] {
        for host in ["evil.example", &format!("evil.example:{port}"), "localhost.evil.example"] {
            let (status, body) = get(sandbox.api_address(), path, host).await;
            assert_eq!(status, 421, "{path} {host}: {body}");
            let body: Value = serde_json::from_str(&body).expect("an envelope");
            assert_eq!((&body["ok"], &body["error"]["code"]), (&json!(false), &json!("MISDIRECTED_REQUEST")));
            assert_eq!(body["error"]["retryable"], false);
            let said = body["error"]["message"].as_str().expect("a message");
            assert!(said.contains("evil.example"), "{said}");
            assert!(
                body["error"]["hint"].as_str().is_some_and(|hint| hint.contains("--public-url")),
                "{body}"
            );
            assert!(
                body["metadata"]["request_id"].as_str().is_some_and(|id| id.starts_with("req_")),
                "{body}"
            );
        }
    }
    for path in [clip.as_str(), "/nowhere"] {
        let (status, body) = get(sandbox.file_address(), path, "evil.example").await;
        assert_eq!(status, 421, "{body}");
        assert!(body.starts_with("the sandbox does not serve the host \"evil.example\": "), "{body}");
    }
    assert_eq!(sandbox.journal().len(), requests, "no refused request was a call");
}

#[tokio::test]
async fn a_request_with_a_wrong_host_changes_nothing() {
    let sandbox = start(builder()).await;
    let body = r#"{"prompt":"a"}"#;
    let head = format!(
        "POST /v1/video/generate HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {KEY}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(sandbox.api_address()).await.expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("it takes the request");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 421 "), "{response}");
    assert!(sandbox.jobs().is_empty() && sandbox.ledger().entries.is_empty());
}

#[tokio::test]
async fn every_name_of_loopback_is_served_by_both_hosts() {
    let sandbox = start(builder()).await;
    let clip = clip_path(&sandbox).await;
    for host in ["localhost", "LOCALHOST:1", "a.localhost:8787", "127.0.0.1", "127.0.0.2:9", "[::1]:8787"] {
        for path in ["/v1/video/list", "/", "/docs", "/healthz", "/__sandbox/jobs"] {
            assert_eq!(get(sandbox.api_address(), path, host).await.0, 200, "{host} {path}");
        }
        assert_eq!(get(sandbox.file_address(), &clip, host).await.0, 200, "{host}");
    }
}

#[tokio::test]
async fn a_request_names_one_host_and_the_same_everywhere() {
    let sandbox = start(builder()).await;
    let sent = async |head: &str| raw(sandbox.api_address(), head).await;
    for head in [
        "GET /v1/video/list HTTP/1.1\r\n",
        "GET /v1/video/list HTTP/1.1\r\nHost:\r\n",
        "GET /v1/video/list HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        "GET /v1/video/list HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET /v1/video/list HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n",
        "GET /v1/video/list HTTP/1.1\r\nHost: a@localhost\r\n",
        "GET http://evil.example/v1/video/list HTTP/1.1\r\nHost: localhost\r\n",
        "GET http://localhost/v1/video/list HTTP/1.1\r\nHost: evil.example\r\n",
        "GET http://localhost/v1/video/list HTTP/1.1\r\n",
    ] {
        let (status, body) = sent(head).await;
        assert_eq!(status, 400, "{head}: {body}");
        let body: Value = serde_json::from_str(&body).expect("an envelope");
        assert_eq!(body["error"]["code"], "INVALID_REQUEST", "{head}");
        assert!(body["error"]["hint"].as_str().is_some_and(|hint| hint.contains("Host")), "{head}: {body}");
    }
    let absolute = "GET http://evil.example/v1/video/list HTTP/1.1\r\nHost: evil.example\r\n";
    assert_eq!(sent(absolute).await.0, 421);
    let absolute = "GET http://localhost:8787/v1/video/list HTTP/1.1\r\nHost: localhost:8787\r\n";
    assert_eq!(sent(absolute).await.0, 200);
    assert_eq!(sent("GET /v1/video/list HTTP/1.0\r\n").await.0, 200, "HTTP/1.0 has no Host");
}

#[tokio::test]
async fn the_hosts_of_public_urls_are_served_and_no_other_name() {
    let public = builder().admin_token(TOKEN).public_url("https://sandbox.example");
    let sandbox = start(public.public_files_url("https://files.example:444")).await;
    for (host, status) in [
        ("sandbox.example", 200),
        ("Sandbox.Example:8787", 200),
        ("files.example", 200),
        ("127.0.0.1", 200),
        ("a.sandbox.example", 421),
        ("example", 421),
        ("10.0.0.7", 421),
    ] {
        assert_eq!(get(sandbox.api_address(), "/v1/video/list", host).await.0, status, "{host}");
        let expected = if status == 200 { 404 } else { status };
        assert_eq!(get(sandbox.file_address(), "/nowhere", host).await.0, expected, "{host}");
    }
}

#[tokio::test]
async fn a_sandbox_on_all_addresses_is_served_under_any_address_and_no_name() {
    let sandbox = start(builder().host(Ipv4Addr::UNSPECIFIED.into()).admin_token(TOKEN)).await;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, sandbox.api_address().port()));
    for (host, status) in
        [("10.0.0.7:8787", 200), ("[2001:db8::7]", 200), ("localhost", 200), ("devbox", 421)]
    {
        assert_eq!(get(address, "/v1/video/list", host).await.0, status, "{host}");
    }
}
