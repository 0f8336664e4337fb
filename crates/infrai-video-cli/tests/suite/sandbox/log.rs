//! The log of the command `sandbox` on stderr.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::server::{Server, command, generate, get, start_with_pipes};
use crate::common::KEY;

#[test]
fn a_sandbox_says_where_it_listens_and_logs_each_request() {
    let directory = tempfile::tempdir().unwrap();
    let rule = "[[fault]]\noperation = 'list'\naction = 'drop_before'";
    std::fs::write(directory.path().join("drop.toml"), rule).unwrap();
    let mut server = Server::start(directory.path(), &["--clock", "manual", "--faults", "drop.toml"]);
    let url = server.url.clone();
    assert_eq!(server.told("page"), format!("{url}/"));
    assert_eq!(server.told("reference"), format!("{url}/docs"));
    assert_eq!(server.told("admin API"), format!("{url}/__sandbox/"));
    let example = server.told("example");
    assert!(example.starts_with(&format!("curl {url}/v1/video/generate -H ")), "{example}");
    let account = infrai_video_sandbox::Ledger::account_of(KEY);
    let response = generate(&url);
    let id = response.split('"').find(|text| text.starts_with("vj_")).unwrap();
    let time = "2026-01-01T00:00:00Z";
    assert_eq!(
        server.told(time),
        format!("POST /v1/video/generate 200 account={account} job={id} cost=0.05")
    );
    let status = format!("/v1/video/status/{id}");
    get(&url, &status, &format!("Authorization: Bearer {KEY}\r\n"));
    assert_eq!(server.told(time), format!("GET {status} 200 account={account}"));
    get(&url, &status, "");
    assert_eq!(server.told(time), format!("GET {status} 401"));
    get(&url, "/__sandbox/journal", "");
    get(&url, "/v1/video/list", "");
    assert_eq!(server.told(time), "GET /v1/video/list no response fault=drop_before");
}

#[test]
fn the_log_can_be_json_or_turned_off() {
    let directory = tempfile::tempdir().unwrap();
    let stderr = |options: &[&str]| {
        let (mut child, url) = start_with_pipes(directory.path(), options);
        generate(&url);
        drop(child.stdin.take());
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    };
    let json = stderr(&["--log-format", "json", "--clock", "manual"]);
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "message", "request", "message"]);
    assert!(lines[0]["base_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let request = &lines[2];
    assert_eq!((&request["method"], &request["status"]), (&"POST".into(), &200.into()));
    for field in ["time", "path", "account", "job_id", "request_id"] {
        assert!(request[field].is_string(), "{field}: {request}");
    }
    assert!(request["cost_usd"].is_number() && request["fault"].is_null(), "{request}");
    for options in [&["-q"][..], &["-q", "--log-format", "json"]] {
        assert_eq!(stderr(options), "");
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_the_sandbox() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, url) = start_with_pipes(directory.path(), &[]);
    // Far more lines than a pipe holds.
    for _ in 0..3000 {
        assert!(get(&url, "/v1/video/list", "").starts_with("HTTP/1.1 401 "));
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_start_that_fails_is_json_in_a_log_of_json() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output =
        command(directory.path(), ["sandbox", "--port", &port, "--log-format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(line["error"]["message"].as_str().unwrap().contains("cannot listen"), "{line}");
}

#[test]
fn requests_that_are_rejected_because_of_their_host_or_origin_are_logged_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path(), &["--clock", "manual"]);
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET /v1/video/list HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    let time = "2026-01-01T00:00:00Z";
    assert_eq!(server.told(time), "GET /v1/video/list 421");
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "OPTIONS /v1/video/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: https://app.example\r\n\
         Access-Control-Request-Method: GET\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.contains("--cors"), "{response}");
    assert_eq!(server.told(time), "OPTIONS /v1/video/list 403");
}
