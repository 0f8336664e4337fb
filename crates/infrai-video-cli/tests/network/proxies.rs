//! The command with proxies and invalid proxy settings.

use std::process::Command;

use infrai_video_sandbox::Operation;

use crate::common::{Harness, Run, SMALL};
use crate::proxy::{Connect, Proxy, tunnel};
use crate::tls::{API, Authority, Public, TlsServer, harness, instant, trusting};

/// A sandbox that can be reached only through a proxy, and the server that the proxy must connect to.
async fn hidden() -> (Harness, TlsServer, Authority) {
    let authority = Authority::new("private CA");
    let (harness, ports) = harness(instant(), Public::Both).await;
    let server = TlsServer::in_front_of(ports, authority.issue(|_| {})).await;
    (harness, server, authority)
}

fn through(harness: &Harness, authority: &Authority, args: &[&str], variable: (&str, &str)) -> Run {
    let mut command: Command = harness.command(args);
    trusting(&mut command, harness.state.path(), authority)
        .env("INFRAI_BASE_URL", API)
        .env(variable.0, variable.1);
    command.output().unwrap().into()
}

const SAVE: [&str; 5] = [SMALL[0], SMALL[1], SMALL[2], "-o", "clip.mp4"];

fn servers(connects: &[Connect]) -> Vec<&str> {
    let mut servers: Vec<_> = connects.iter().map(|connects| &*connects.server).collect();
    servers.sort_unstable();
    servers.dedup();
    servers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generate_works_through_an_http_proxy() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let (harness, server, authority) = hidden().await;
        let proxy = Proxy::http(server.port, |_| None).await;
        let url = format!("http://user:pass%3Aword@127.0.0.1:{}", proxy.port);
        let run = through(&harness, &authority, &SAVE, (variable, &url));
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(servers(&proxy.connects()), ["api.example.test:443", "files.example.test:443"]);
        let credentials = "Basic dXNlcjpwYXNzOndvcmQ=";
        assert!(proxy.connects().iter().all(|connects| connects.credentials.as_deref() == Some(credentials)));
        assert_eq!((harness.calls(Operation::Clip), harness.files()), (1, vec!["clip.mp4".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generate_works_through_an_https_proxy() {
    let (harness, server, authority) = hidden().await;
    let (to, connects) = (server.port, std::sync::Arc::default());
    let kept = std::sync::Arc::clone(&connects);
    let proxy = TlsServer::start(authority.issue(|_| {}), &[], move |stream| {
        let connects = std::sync::Arc::clone(&kept);
        async move {
            let _closed_by_either_side = tunnel(stream, to, &connects, &|_| None).await;
        }
    })
    .await;
    let run = through(&harness, &authority, &SAVE, ("HTTPS_PROXY", &proxy.url()));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(servers(&connects.lock().unwrap()), ["api.example.test:443", "files.example.test:443"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_refuses_is_tried_once_and_named_without_its_password() {
    for (line, words) in [
        ("HTTP/1.1 407 Proxy Authentication Required", "rejected the credentials"),
        ("HTTP/1.0 403 Forbidden", "refused to connect to api.example.test (403 Forbidden)"),
        ("HTTP/1.1 400 Bad Request", "refused to connect"),
        ("HTTP/1.1 404 Not Found", "refused to connect"),
        ("HTTP/1.1 405 Method Not Allowed", "refused to connect"),
        ("HTTP/1.1 501 Not Implemented", "refused to connect"),
        ("SSH-2.0-OpenSSH_9.9", "does not speak HTTP"),
    ] {
        let (harness, server, authority) = hidden().await;
        let proxy = Proxy::http(server.port, move |_| Some(line)).await;
        let url = format!("http://user:secret@127.0.0.1:{}", proxy.port);
        let run = through(&harness, &authority, &SAVE, ("HTTPS_PROXY", &url));
        let stderr = run.failed(10);
        for word in [words, "HTTPS_PROXY", &format!("127.0.0.1:{}", proxy.port)] {
            assert!(stderr.contains(word), "{word}: {stderr}");
        }
        assert!(!stderr.contains("secret") && !stderr.contains("attempts"), "{stderr}");
        assert_eq!(proxy.connects().len(), 1, "{line}");
        assert!(harness.sandbox.jobs().is_empty());
    }
    let (harness, server, authority) = hidden().await;
    let proxy = Proxy::http(server.port, |_| Some("HTTP/1.1 407 Proxy Authentication Required")).await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let run = through(&harness, &authority, &["list"], ("ALL_PROXY", &url));
    assert!(run.failed(10).contains("requires authentication (407)"), "{}", run.stderr);
    assert!(run.stderr.contains("set ALL_PROXY to http://USER:PASSWORD@HOST:PORT"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transient_failure_of_the_proxy_is_retried() {
    let lines =
        ["HTTP/1.1 502 Bad Gateway", "HTTP/1.1 503 Service Unavailable", "HTTP/1.1 504 Gateway Timeout"];
    for line in lines {
        let (harness, server, authority) = hidden().await;
        let proxy = Proxy::http(server.port, move |number| (number <= 2).then_some(line)).await;
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let run = through(&harness, &authority, &["list"], ("HTTPS_PROXY", &url));
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(proxy.connects().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generate_works_through_a_socks_proxy() {
    for scheme in ["socks5", "socks5h"] {
        let (harness, server, authority) = hidden().await;
        let proxy = Proxy::socks(server.port, 0, true).await;
        let url = format!("{scheme}://user:word@127.0.0.1:{}", proxy.port);
        let run = through(&harness, &authority, &SAVE, ("ALL_PROXY", &url));
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(servers(&proxy.connects()), ["api.example.test:443", "files.example.test:443"]);
        assert!(proxy.connects().iter().all(|connects| connects.credentials.as_deref() == Some("user:word")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socks_proxy_that_refuses_is_tried_once() {
    let (harness, server, authority) = hidden().await;
    let proxy = Proxy::socks(server.port, 2, false).await;
    let url = format!("socks5h://127.0.0.1:{}", proxy.port);
    let run = through(&harness, &authority, &["list"], ("HTTPS_PROXY", &url));
    let stderr = run.failed(10);
    assert!(stderr.contains("refused to connect to api.example.test: connection not allowed"), "{stderr}");
    assert!(stderr.contains("HTTPS_PROXY") && !stderr.contains("attempts"), "{stderr}");
    assert_eq!(proxy.connects().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_proxy_variable_is_an_error_and_not_a_direct_connection() {
    let (harness, _, authority) = hidden().await;
    for url in
        ["://", "http://", "http//proxy:8080", "http://user:sec@ret@proxy:8080", "ftp://user:secret@proxy"]
    {
        let run = through(&harness, &authority, &["list"], ("HTTPS_PROXY", url));
        let stderr = run.failed(7);
        assert!(stderr.contains("HTTPS_PROXY is not a valid proxy URL"), "{url}: {stderr}");
        assert!(!stderr.contains("secret") && !stderr.contains("ret@proxy"), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_proxy_variable_that_does_not_apply_is_ignored() {
    let harness = Harness::instant().await;
    let wrong = "ftp://user:secret@proxy";
    for variable in ["HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let run: Run = harness.command(["list"]).env(variable, wrong).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{variable}: {run:?}");
    }
    let (harness, server, authority) = hidden().await;
    let proxy = Proxy::http(server.port, |_| None).await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let mut command = harness.command(["list"]);
    trusting(&mut command, harness.state.path(), &authority).env("INFRAI_BASE_URL", API);
    let command = command.env("HTTPS_PROXY", &url).env("HTTP_PROXY", wrong).env("ALL_PROXY", wrong);
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downloads_use_the_proxy_when_the_api_is_on_loopback() {
    let authority = Authority::new("private CA");
    let (harness, ports) = harness(instant(), Public::Files).await;
    let server = TlsServer::in_front_of(ports, authority.issue(|_| {})).await;
    let proxy = Proxy::http(server.port, |_| None).await;
    let mut command = harness.command(SAVE);
    trusting(&mut command, harness.state.path(), &authority);
    let run: Run =
        command.env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port)).output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(servers(&proxy.connects()), ["files.example.test:443"]);
}
