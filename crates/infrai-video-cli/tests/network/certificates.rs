//! Trusted certificates, and the errors for untrusted ones.

use std::path::PathBuf;

use infrai_video_sandbox::Operation;
use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};

use crate::common::{Harness, Run, SMALL};
use crate::proxy::Proxy;
use crate::tls::{Authority, Identity, Public, TlsServer, harness, instant, self_signed, trusting};

fn unchanged(_: &mut CertificateParams) {}

/// Runs a command against a server with this certificate; returns the number of connections too.
async fn against(identity: Identity, trusted: &Authority, args: &[&str]) -> (Run, usize) {
    let (harness, ports) = harness(instant(), Public::Nothing).await;
    let server = TlsServer::in_front_of(ports, identity).await;
    let mut command = harness.command(args);
    let command = trusting(&mut command, harness.directory.path(), trusted);
    let run: Run = command.env("INFRAI_BASE_URL", server.url()).output().unwrap().into();
    assert!(harness.sandbox.jobs().is_empty() || run.code == Some(0), "no request was sent");
    (run, server.connections())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_ca_in_ssl_cert_file_is_trusted() {
    let authority = Authority::new("private CA");
    let args = SMALL.iter().chain(&["-o", "clip.mp4"]).copied().collect::<Vec<_>>();
    let (run, _) = against(authority.issue(unchanged), &authority, &args).await;
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_certificate_is_tried_once_and_explained() {
    let (trusted, other) = (Authority::new("trusted"), Authority::new("other"));
    let clock = "check this machine's clock";
    let names = "other.example.test";
    for (identity, words) in [
        (other.issue(unchanged), ["signed by an unknown issuer", "SSL_CERT_FILE"]),
        (self_signed(unchanged), ["signed by an unknown issuer", "SSL_CERT_FILE"]),
        (
            self_signed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            ["self-signed", "SSL_CERT_FILE"],
        ),
        (trusted.issue(|params| params.not_after = date_time_ymd(2021, 1, 1)), ["has expired", clock]),
        (trusted.issue(|params| params.not_before = date_time_ymd(2110, 1, 1)), ["is not valid yet", clock]),
        (
            trusted.issue(|params| {
                params.subject_alt_names =
                    CertificateParams::new([names.to_owned()]).unwrap().subject_alt_names;
            }),
            [names, "check the host name"],
        ),
    ] {
        let args = SMALL.iter().chain(&["--no-wait"]).copied().collect::<Vec<_>>();
        let (run, connections) = against(identity, &trusted, &args).await;
        let stderr = run.failed(10);
        for word in words {
            assert!(stderr.contains(word), "{word}: {stderr}");
        }
        assert!(stderr.contains("the certificate of localhost"), "{stderr}");
        assert!(!stderr.contains("attempts") && !stderr.contains("CaUsedAsEndEntity"), "{stderr}");
        assert_eq!(connections, 1, "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_reported_as_such() {
    let harness = Harness::instant().await;
    let url = harness.sandbox.base_url().replace("http://127.0.0.1", "https://localhost");
    let mut command = harness.command(["list"]);
    let command = trusting(&mut command, harness.directory.path(), &Authority::new("any"));
    let run: Run = command.env("INFRAI_BASE_URL", url).output().unwrap().into();
    assert!(run.failed(10).contains("localhost does not speak TLS"), "{}", run.stderr);
    assert!(!run.stderr.contains("attempts"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_file_host_is_tried_once_and_is_a_download_error() {
    let trusted = Authority::new("trusted");
    let (harness, ports) = harness(instant(), Public::Files).await;
    let server = TlsServer::in_front_of(ports, Authority::new("other").issue(unchanged)).await;
    let proxy = Proxy::http(server.port, |_| None).await;
    let mut command = harness.command(SMALL.iter().chain(&["-o", "clip.mp4"]));
    trusting(&mut command, harness.state.path(), &trusted);
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let run: Run = command.env("HTTPS_PROXY", url).output().unwrap().into();
    let stderr = run.failed(12);
    for word in ["the certificate of files.example.test", "SSL_CERT_FILE"] {
        assert!(stderr.contains(word), "{word}: {stderr}");
    }
    assert_eq!((server.connections(), harness.sandbox.jobs().len()), (1, 1));
    assert!(!harness.path("clip.mp4").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_stops_at_an_untrusted_certificate() {
    let (harness, ports) = harness(instant(), Public::Nothing).await;
    let server = TlsServer::in_front_of(ports, Authority::new("other").issue(unchanged)).await;
    std::fs::write(harness.path("clips.jsonl"), "{\"prompt\": \"a\", \"duration_seconds\": 0.5}\n").unwrap();
    let mut command = harness.command(["batch", "run", "clips.jsonl"]);
    let command = trusting(&mut command, harness.state.path(), &Authority::new("trusted"));
    let run: Run = command.env("INFRAI_BASE_URL", server.url()).output().unwrap().into();
    assert_eq!(run.code, Some(10), "{run:?}");
    assert!(run.stderr.contains("SSL_CERT_FILE"), "{}", run.stderr);
}

/// Paths without a usable certificate, each with a part of the expected message.
fn without_a_certificate(harness: &Harness) -> Vec<(PathBuf, &'static str)> {
    let file = |name: &str, text: &str| {
        let path = harness.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let pem = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    vec![
        (harness.path("gone.pem"), "No such file"),
        (file("empty.pem", ""), "contains no PEM certificates"),
        (file("text.pem", "no certificate at all\n"), "contains no PEM certificates"),
        (file("noise.pem", &pem("AAAA")), "contains no valid certificate"),
        (file("broken.pem", &pem("%%%")), "broken.pem"),
        (harness.directory.path().to_owned(), "directory"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_without_ca_certificates_names_the_cause_and_the_package() {
    let harness = Harness::instant().await;
    for (path, what) in without_a_certificate(&harness) {
        let mut command = harness.command(["list"]);
        let command = command.env("INFRAI_BASE_URL", "https://api.example.test").env("SSL_CERT_FILE", &path);
        let run: Run = command.output().unwrap().into();
        let stderr = run.failed(7);
        for word in ["SSL_CERT_FILE", path.to_str().unwrap(), what, "ca-certificates"] {
            assert!(stderr.contains(word), "{word}: {stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_on_loopback_needs_no_ca_certificates() {
    let harness = Harness::instant().await;
    let args = || SMALL.iter().chain(&["--force", "-o", "clip.mp4"]);
    for (path, _) in without_a_certificate(&harness) {
        let run: Run = harness.command(args()).env("SSL_CERT_FILE", &path).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert_eq!(harness.calls(Operation::Clip), 6);
    let embedded = args().chain(&["--sandbox"]);
    let run: Run = harness.command(embedded).env("SSL_CERT_FILE", "/gone.pem").output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
}
