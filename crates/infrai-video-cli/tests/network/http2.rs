//! HTTP/2-only servers, GOAWAY and refused streams.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use infrai_video_sandbox::{Clock, Operation, Sandbox, SandboxBuilder};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::server::TlsStream;

use crate::common::{Harness, Run, SMALL};
use crate::tls::{Authority, Ports, Public, TlsServer, harness, instant, trusting};

/// How the server treats a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Respond,
    /// Respond, followed by a graceful GOAWAY.
    RespondThenGoaway,
    /// No response: GOAWAY, and the connection is closed.
    Goaway,
    /// RST_STREAM with REFUSED_STREAM.
    Refused,
}

/// An HTTP/2-only server. `treatment` depends on the number of the request and its path.
async fn serve(
    ports: Ports,
    authority: &Authority,
    treatment: impl Fn(usize, &str) -> Treatment + Send + Sync + 'static,
) -> TlsServer {
    let (treatment, number) = (Arc::new(treatment), Arc::new(AtomicUsize::new(0)));
    TlsServer::start(authority.issue(|_| {}), &[b"h2"], move |stream| {
        let (treatment, number) = (Arc::clone(&treatment), Arc::clone(&number));
        connection(stream, ports.api, move |path| treatment(number.fetch_add(1, Ordering::SeqCst) + 1, path))
    })
    .await
}

async fn connection(stream: TlsStream<TcpStream>, api: u16, treatment: impl Fn(&str) -> Treatment) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let treatment = treatment(request.uri().path());
        match treatment {
            Treatment::Refused => respond.send_reset(Reason::REFUSED_STREAM),
            Treatment::Goaway => connection.abrupt_shutdown(Reason::NO_ERROR),
            Treatment::Respond | Treatment::RespondThenGoaway => {
                tokio::spawn(forward(api, request, respond));
            }
        }
        if treatment == Treatment::RespondThenGoaway {
            connection.graceful_shutdown();
        }
    }
}

/// Forwards a request to the sandbox.
async fn forward(api: u16, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(data)) = stream.data().await {
        stream.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    let url = format!("http://127.0.0.1:{api}{}", head.uri.path_and_query().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent = client.request(head.method, url).headers(head.headers).body(body).send().await.unwrap();
    let mut response = Response::builder().status(sent.status()).body(()).unwrap();
    for (name, value) in
        sent.headers().iter().filter(|(name, _)| *name != "connection" && *name != "transfer-encoding")
    {
        response.headers_mut().append(name, value.clone());
    }
    let body = sent.bytes().await.unwrap();
    if let Ok(mut stream) = respond.send_response(response, false) {
        let _closed_by_the_client = stream.send_data(body, true);
    }
}

async fn behind(
    sandbox: SandboxBuilder,
    treatment: impl Fn(usize, &str) -> Treatment + Send + Sync + 'static,
) -> (Harness, TlsServer, Authority) {
    let authority = Authority::new("private CA");
    let (harness, ports) = harness(sandbox, Public::Nothing).await;
    let server = serve(ports, &authority, treatment).await;
    (harness, server, authority)
}

const SAVE: [&str; 5] = [SMALL[0], SMALL[1], SMALL[2], "-o", "clip.mp4"];

fn run(harness: &Harness, server: &TlsServer, authority: &Authority) -> std::process::Command {
    let mut command = harness.command(SAVE);
    trusting(&mut command, harness.state.path(), authority).env("INFRAI_BASE_URL", server.url());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http2_only_server_works() {
    let (harness, server, authority) = behind(instant(), |_, _| Treatment::Respond).await;
    let run: Run = run(&harness, &server, &authority).output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.connections(), 1, "all requests share one connection");
    assert_eq!(harness.files(), ["clip.mp4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_lost_to_goaway_or_refused_is_retried_under_the_same_key() {
    for treatment in [Treatment::Goaway, Treatment::Refused] {
        let posts = AtomicUsize::new(0);
        let (harness, server, authority) = behind(instant(), move |_, path| {
            let is_first = path.ends_with("/generate") && posts.fetch_add(1, Ordering::SeqCst) == 0;
            if is_first { treatment } else { Treatment::Respond }
        })
        .await;
        let run: Run = run(&harness, &server, &authority).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{treatment:?}: {run:?}");
        assert_eq!(
            (harness.sandbox.jobs().len(), harness.sandbox.ledger().charges().count()),
            (1, 1),
            "{treatment:?}"
        );
        assert_eq!(harness.calls(Operation::Generate), 1, "the first request did not reach the sandbox");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_survives_goaway_between_and_during_polls() {
    for failure in [Treatment::RespondThenGoaway, Treatment::Goaway, Treatment::Refused] {
        let manual = Sandbox::builder().clock(Clock::manual());
        let polls = Arc::new(Semaphore::new(0));
        let answered = Arc::clone(&polls);
        let (harness, server, authority) = behind(manual, move |number, path| {
            // Every second poll fails; each of the others is the last request on its connection.
            let is_poll = path.contains("/status/") || path.ends_with("/list");
            if is_poll && number.is_multiple_of(2) {
                return failure;
            }
            answered.add_permits(usize::from(is_poll));
            Treatment::RespondThenGoaway
        })
        .await;
        let mut command = run(&harness, &server, &authority);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        polls.acquire_many(2).await.unwrap().forget();
        harness.sandbox.clock().advance(Duration::from_secs(600));
        let run: Run =
            tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap().into();
        assert_eq!(run.code, Some(0), "{failure:?}: {run:?}");
        assert_eq!(harness.files(), ["clip.mp4"]);
        assert!(server.connections() > 3, "{failure:?}: {}", server.connections());
        assert_eq!(harness.sandbox.ledger().charges().count(), 1);
    }
}
