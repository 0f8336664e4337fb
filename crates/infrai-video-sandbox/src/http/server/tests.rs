//! Connections over a pipe, under a paused clock: neither sockets nor real time.

use axum::body::Body;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep, timeout};

use super::*;
use crate::clips::source::ClipFiles;
use crate::clock::Clock;
use crate::http::router::SandboxRouter;

const LIMITS: Limits = Limits {
    connections: 1,
    headers: 10,
    head_bytes: 9000,
    head_time: Duration::from_secs(10),
    body_bytes: 1000,
    body_time: Duration::from_secs(20),
    write_time: Duration::from_secs(40),
};

/// More than the pipe and the server's buffers hold.
const CLIP: usize = 1024 * 1024;

struct Line {
    client: DuplexStream,
    server: JoinHandle<()>,
    stop: watch::Sender<bool>,
    sandbox: SandboxRouter,
    began: Instant,
}

impl Line {
    fn to(host: fn(&SandboxRouter) -> &HostService) -> Self {
        let clip = |_: &_| ClipFiles { mp4: vec![7; CLIP], thumbnail_jpeg: Vec::new() };
        let builder = Sandbox::builder().clock(Clock::manual()).instant_jobs().limits(LIMITS);
        let sandbox = builder.clip_source(clip).router();
        let (client, server) = duplex(1024);
        let stop = watch::Sender::new(false);
        let peer = Peer(([127, 0, 0, 1], 9).into());
        let service = host(&sandbox).clone();
        let served = serve(server, peer, ResetFlag::default(), service, LIMITS, stop.subscribe());
        Self { client, server: tokio::spawn(served), stop, sandbox, began: Instant::now() }
    }

    fn to_api() -> Self {
        Self::to(|sandbox| &sandbox.api)
    }

    async fn send(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// One response: its head and its body.
    async fn response(&mut self) -> (String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.client.read_u8().await.expect("a response"));
        }
        let head = String::from_utf8(head).expect("text");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let mut body = vec![0; length.parse().expect("a number")];
        self.client.read_exact(&mut body).await.expect("a body");
        (head, String::from_utf8(body).expect("text"))
    }

    /// What is left to read, and after how many seconds since the start the connection was over.
    async fn rest(mut self) -> (String, u64) {
        let mut rest = Vec::new();
        self.client.read_to_end(&mut rest).await.expect("the connection ends");
        self.server.await.expect("no panic");
        (String::from_utf8(rest).expect("text"), self.began.elapsed().as_secs())
    }
}

const LIST: &str = "GET /v1/video/list HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_pk_a\r\n\r\n";
const GENERATE: &str = "POST /v1/video/generate HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ifr_pk_a\r\n\
     Content-Type: application/json\r\n";
const BODY: &str = r#"{"prompt":"a","prefer":"cheapest"}"#;

#[tokio::test(start_paused = true)]
async fn headers_that_do_not_end_are_waited_for_only_so_long() {
    let mut line = Line::to_api();
    for piece in ["GET / HTTP/1.1\r\n", "Host: localhost\r\n", "A: b\r\n"] {
        line.send(piece).await;
        sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(line.rest().await, (String::new(), 10));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let mut line = Line::to_api();
    for _ in 0..3 {
        sleep(Duration::from_secs(9)).await;
        line.send(LIST).await;
        assert!(line.response().await.0.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(line.rest().await, (String::new(), 27 + 10));
}

#[tokio::test(start_paused = true)]
async fn too_many_or_too_large_headers_are_answered_with_431() {
    let many = "A: b\r\n".repeat(11);
    let large = format!("A: {}\r\n", "b".repeat(9000));
    for headers in [many, large] {
        let mut line = Line::to_api();
        line.send(&format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
        let (response, seconds) = line.rest().await;
        assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
        assert_eq!(seconds, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_on_its_way_is_answered_with_408_and_closed() {
    for length in ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let mut line = Line::to_api();
        line.send(&format!("{GENERATE}{length}")).await;
        let (response, seconds) = line.rest().await;
        let (head, body) = response.split_once("\r\n\r\n").expect("a response");
        assert!(head.starts_with("HTTP/1.1 408 ") && head.contains("connection: close"), "{head}");
        let error = &serde_json::from_str::<Value>(body).expect("an envelope")["error"];
        assert_eq!((&error["code"], &error["retryable"]), (&"TIMEOUT".into(), &true.into()));
        assert_eq!(seconds, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_gets_on_slowly_arrives() {
    let mut line = Line::to_api();
    line.send(&format!("{GENERATE}Content-Length: {}\r\n\r\n", BODY.len())).await;
    for byte in BODY.chars() {
        sleep(Duration::from_secs(19)).await;
        line.send(&byte.to_string()).await;
    }
    assert!(line.response().await.0.starts_with("HTTP/1.1 200 "));
    assert_eq!(line.sandbox.jobs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_beyond_the_limit_is_rejected_while_it_is_read() {
    let mut line = Line::to_api();
    line.send(&format!("{GENERATE}Transfer-Encoding: chunked\r\n\r\n")).await;
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    for _ in 0..11 {
        line.send(&chunk).await;
    }
    line.send("0\r\n\r\n").await;
    let (head, body) = line.response().await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert!(body.contains("larger than 1000 bytes"), "{body}");
    line.send(LIST).await;
    assert!(line.response().await.0.starts_with("HTTP/1.1 200 "), "the connection goes on");
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_that_has_no_end_is_cut_off() {
    let mut line = Line::to_api();
    line.send(&format!("{GENERATE}Transfer-Encoding: chunked\r\n\r\n")).await;
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let mut sent = 0;
    while sent < 100 && line.client.write_all(chunk.as_bytes()).await.is_ok() {
        sent += 1;
    }
    assert!((16..40).contains(&sent), "{sent} times the limit");
    let (response, _) = line.rest().await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}

/// Asks for a clip, and reads nothing of it.
async fn asked_for_a_clip() -> Line {
    let mut line = Line::to(|sandbox| &sandbox.files);
    let api = line.sandbox.api.clone();
    let request = http::Request::post("/v1/video/generate").header("authorization", "Bearer ifr_pk_a");
    let request =
        request.header("content-type", "application/json").body(Body::from(BODY)).expect("a request");
    api.call(request).await.expect("a response");
    let id = line.sandbox.jobs()[0].job_id.clone();
    let request = http::Request::get(format!("/v1/video/download_url/{id}"));
    let request = request.header("authorization", "Bearer ifr_pk_a").body(Body::empty()).expect("a request");
    let response = api.call(request).await.expect("a response");
    let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
    let response: Value = serde_json::from_slice(&bytes).expect("JSON");
    let url = response["data"]["url"].as_str().expect("a link");
    let path = url.strip_prefix(line.sandbox.file_base_url()).expect("a link to the file host");
    line.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    line
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_nothing_is_let_go() {
    let line = asked_for_a_clip().await;
    line.server.await.expect("no panic");
    assert_eq!(line.began.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_slowly_gets_all() {
    let mut line = asked_for_a_clip().await;
    let mut received = 0;
    let mut bytes = vec![0; 16 * 1024];
    while received < CLIP {
        sleep(Duration::from_secs(39)).await;
        let mut left = bytes.len();
        while left > 0 && received < CLIP {
            let Ok(count) = line.client.read(&mut bytes[..left]).await else { panic!("cut at {received}") };
            assert_ne!(count, 0, "cut at {received}");
            (received, left) = (received + count, left - count);
        }
    }
    assert!(line.began.elapsed() > 20 * LIMITS.write_time);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_closes_as_soon_as_the_server_stops() {
    let mut line = Line::to_api();
    line.send(LIST).await;
    line.response().await;
    line.stop.send_replace(true);
    assert_eq!(line.rest().await, (String::new(), 0));
    let fresh = Line::to_api();
    fresh.stop.send_replace(true);
    assert_eq!(fresh.rest().await, (String::new(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_in_progress_is_answered_before_the_connection_closes() {
    let mut line = Line::to_api();
    line.send(&format!("{GENERATE}Content-Length: {}\r\n\r\n", BODY.len())).await;
    sleep(Duration::from_secs(1)).await;
    line.stop.send_replace(true);
    assert!(timeout(Duration::from_secs(5), &mut line.server).await.is_err(), "it waits for the rest");
    line.send(BODY).await;
    let (response, seconds) = line.rest().await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("connection: close"), "{response}");
    assert_eq!(seconds, 6);
}
