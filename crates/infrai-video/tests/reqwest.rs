//! A client of reqwest as the transport.
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use infrai_video::{Client, ErrorKind, reqwest};
use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

fn client_of(base_url: &str) -> Client {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(std::time::Duration::from_secs(10))
        .no_proxy();
    let client = Client::builder("ifr_pk_proj_test").with_base_url(base_url);
    client.with_http_client(http.build().unwrap()).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_reqwest_sends_all_requests() {
    let lost = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
    let cut = Fault::on(Operation::Clip, Action::cut(1000)).nth(1);
    let sandbox = Sandbox::builder().instant_jobs().fault(lost).fault(cut).start().await.unwrap();
    let client = client_of(sandbox.base_url());

    let job = client.generate("a city at dusk").duration_seconds(1).submit().await.unwrap();
    let mut clip = Vec::new();
    job.wait().await.unwrap().download().to_writer(&mut clip).await.unwrap();

    assert_eq!(sandbox.clip_bytes(job.id()).await.as_deref(), Some(&clip[..]));
    assert_eq!(sandbox.ledger().charges().count(), 1);
}

#[tokio::test]
async fn an_error_of_reqwest_has_a_kind_and_no_url() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client_of(&format!("http://{address}/secret"));
    let policy = infrai_video::retry::RetryPolicy::never();
    let error = client.capabilities().with_retry_policy(policy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(!format!("{error:?} {error:#?}").contains("secret"), "{error:?}");
}
