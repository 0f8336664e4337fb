//! The server around the API: how many it serves, how it stops, and who may turn its inside.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use infrai_video_sandbox::{
    Action, ClipFiles, Fault, Limits, Operation, Sandbox, SandboxBuilder, Shutdown, StartError,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{KEY, builder};

const TOKEN: &str = "a-token-of-this-test-only";

async fn start(builder: SandboxBuilder) -> Sandbox {
    builder.start().await.expect("free ports")
}

async fn connect(sandbox: &Sandbox) -> TcpStream {
    TcpStream::connect(sandbox.api_address()).await.expect("it listens")
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
}

/// Reads until a response's first line is there.
async fn answered(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n") {
        response.push(stream.read_u8().await.expect("a response"));
    }
    String::from_utf8_lossy(&response).into_owned()
}

fn one_at_a_time(head_time: Duration) -> Limits {
    Limits { connections: 1, head_time, ..Limits::default() }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_its_turn() {
    let sandbox = start(builder().limits(one_at_a_time(Duration::from_secs(600)))).await;
    let mut first = connect(&sandbox).await;
    ask(&mut first, "/first").await;
    answered(&mut first).await;
    let mut second = connect(&sandbox).await;
    ask(&mut second, "/second").await;
    ask(&mut first, "/again").await;
    while sandbox.journal().len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(first);
    assert!(answered(&mut second).await.contains(" 404 "));
    let paths: Vec<_> = sandbox.journal().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/first", "/again", "/second"]);
}

#[tokio::test]
async fn an_idle_connection_does_not_block_others_forever() {
    let sandbox = start(builder().limits(one_at_a_time(Duration::from_millis(200)))).await;
    let idle = connect(&sandbox).await;
    let mut second = connect(&sandbox).await;
    ask(&mut second, "/second").await;
    assert!(answered(&mut second).await.contains(" 404 "));
    drop(idle);
}

#[tokio::test]
async fn a_shutdown_accepts_no_connection_and_finishes_downloads() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let source = move |_: &_| {
        // It ends too when the test does.
        let _ = released.lock().expect("no panic").recv();
        ClipFiles { mp4: b"the clip".to_vec(), thumbnail_jpeg: Vec::new() }
    };
    let sandbox = start(builder().instant_jobs().clip_source(source)).await;
    let http = Client::new();
    let generate = format!("{}/v1/video/generate", sandbox.base_url());
    let job = http.post(generate).bearer_auth(KEY).json(&json!({"prompt": "a"})).send().await;
    let job: Value = job.expect("a response").json().await.expect("JSON");
    let url = job["data"]["video_url"].as_str().expect("a link").to_owned();
    let download = tokio::spawn(async move { http.get(url).send().await?.bytes().await });
    while sandbox.journal().len() < 2 {
        tokio::task::yield_now().await;
    }
    let addresses = [sandbox.api_address(), sandbox.file_address()];
    let shutdown = tokio::spawn(sandbox.shutdown_within(Duration::from_secs(600)));
    for address in addresses {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
    release.send(()).expect("the clip is being made");
    assert_eq!(download.await.expect("no panic").expect("a clip"), "the clip");
    assert_eq!(shutdown.await.expect("no panic"), Shutdown::Finished);
}

/// On a single thread: a clip that is made on it would hold everything up.
#[tokio::test]
async fn calls_are_answered_while_all_clip_threads_are_busy() {
    let (release, released) = mpsc::channel::<()>();
    let (tell, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let released = Mutex::new(released);
    let source = move |_: &_| {
        tell.send(()).expect("the test waits");
        // It ends too when the test does.
        let _ = released.lock().expect("no panic").recv();
        ClipFiles { mp4: b"the clip".to_vec(), thumbnail_jpeg: Vec::new() }
    };
    let builder = builder().instant_jobs().starting_balance(1e6).prerender(true).clip_source(source);
    let sandbox = start(builder).await;
    let http = Client::new();
    let generate = async |number: usize| {
        let body = json!({"prompt": format!("lighthouse {number}"), "prefer": "cheapest"});
        let url = format!("{}/v1/video/generate", sandbox.base_url());
        let job = http.post(url).bearer_auth(KEY).json(&body).send().await.expect("a response");
        job.json::<Value>().await.expect("JSON")["data"]["job_id"].as_str().expect("an id").to_owned()
    };
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    for number in 0..hands {
        generate(number).await;
    }
    for _ in 0..hands {
        begun.recv().await.expect("a clip is being made");
    }
    let waits = generate(hands).await;
    for path in [format!("status/{waits}"), "list".to_owned()] {
        let url = format!("{}/v1/video/{path}", sandbox.base_url());
        let response = http.get(url).bearer_auth(KEY).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    assert!(begun.try_recv().is_err(), "no more clips are made at a time than there are processors");
    for _ in 0..=hands {
        release.send(()).expect("clips are waited for");
    }
    assert_eq!(sandbox.clip_bytes(&waits).await.expect("a clip"), "the clip");
}

#[tokio::test]
async fn a_call_that_hangs_does_not_hold_a_shutdown_up() {
    let sandbox = start(builder().fault(Fault::on(Operation::List, Action::hang()))).await;
    let mut stream = connect(&sandbox).await;
    ask(&mut stream, "/v1/video/list").await;
    while sandbox.journal().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sandbox.shutdown_within(Duration::from_millis(20)).await, Shutdown::Cut);
    let mut rest = Vec::new();
    // A connection that is cut may end or be reset.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_shutdown_with_nothing_to_do_is_over_at_once() {
    let sandbox = start(builder()).await;
    let idle = connect(&sandbox).await;
    assert_eq!(sandbox.shutdown_within(Duration::from_secs(600)).await, Shutdown::Finished);
    drop(idle);
}

#[tokio::test]
async fn listening_beyond_loopback_needs_a_token() {
    let refused = |builder: SandboxBuilder| async {
        assert!(builder.needs_admin_token());
        builder.start().await.expect_err("no token")
    };
    let everywhere = refused(builder().host(Ipv4Addr::UNSPECIFIED.into())).await;
    assert!(matches!(everywhere, StartError::NoAdminToken { .. }), "{everywhere}");
    let proxied = refused(builder().public_url("https://sandbox.example")).await;
    assert!(proxied.to_string().contains("at sandbox.example, needs an admin token"), "{proxied}");
    let weak = builder().admin_token("1234").start().await.expect_err("a weak token");
    assert!(matches!(weak, StartError::WeakAdminToken), "{weak}");
}

#[tokio::test]
async fn with_a_token_every_admin_route_needs_it_and_nothing_else_does() {
    let sandbox = start(builder().admin_token(TOKEN)).await;
    let http = Client::new();
    let status = |method: Method, path: &str, token: Option<&str>| {
        let mut request = http.request(method, format!("{}{path}", sandbox.base_url()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        async { request.send().await.expect("a response").status() }
    };
    for (method, path) in [
        (Method::GET, "/__sandbox/jobs"),
        (Method::GET, "/__sandbox/journal"),
        (Method::GET, "/__sandbox/ledger"),
        (Method::GET, "/__sandbox/clock"),
        (Method::POST, "/__sandbox/clock"),
        (Method::GET, "/__sandbox/faults"),
        (Method::PUT, "/__sandbox/faults"),
        (Method::GET, "/__sandbox/vendors"),
        (Method::PUT, "/__sandbox/vendors"),
        (Method::GET, "/__sandbox/scenarios"),
        (Method::PUT, "/__sandbox/scenario"),
        (Method::PUT, "/__sandbox/scenario/poll-storm"),
        (Method::POST, "/__sandbox/reset"),
    ] {
        for wrong in [None, Some(KEY), Some("a-token-of-this-test-onlY")] {
            assert_eq!(
                status(method.clone(), path, wrong).await,
                StatusCode::UNAUTHORIZED,
                "{method} {path}"
            );
        }
        assert_ne!(
            status(method.clone(), path, Some(TOKEN)).await,
            StatusCode::UNAUTHORIZED,
            "{method} {path}"
        );
    }
    assert_eq!(status(Method::GET, "/healthz", None).await, StatusCode::OK);
    assert_eq!(status(Method::GET, "/v1/video/list", Some(KEY)).await, StatusCode::OK);
    assert!(!format!("{:?}", sandbox.journal()).contains(TOKEN));
}

#[tokio::test]
async fn links_and_checkouts_lead_to_the_public_urls() {
    let public = "http://sandbox.example:8787";
    let sandbox = start(builder().instant_jobs().public_url(public).admin_token(TOKEN)).await;
    assert_eq!(sandbox.base_url(), public);
    let api = format!("http://{}", sandbox.api_address());
    let http = Client::new();
    let post = async |path: &str, body: Value| {
        let request = http.post(format!("{api}{path}")).bearer_auth(KEY).json(&body);
        request.send().await.expect("a response").json::<Value>().await.expect("JSON")
    };
    let checkout = post("/v1/account/topup", json!({})).await["data"]["checkout_url"].clone();
    assert!(checkout.as_str().expect("a link").starts_with(&format!("{public}/checkout/")), "{checkout}");

    let job = post("/v1/video/generate", json!({"prompt": "a"})).await;
    let link = job["data"]["video_url"].as_str().expect("a link");
    let files = format!("http://sandbox.example:{}/", sandbox.file_address().port());
    let path = link.strip_prefix(&files).expect("a link to the public host");
    let clip =
        http.get(format!("http://{}/{path}", sandbox.file_address())).send().await.expect("a response");
    assert_eq!(clip.status(), StatusCode::OK);
}
