//! The exact request of each operation, as the SDK sends it.

use std::fmt::Write as _;

use bytes::Bytes;
use contract_tests::transports::Script;
use contract_tests::{client_of, contract};
use http::Request;
use std::future::IntoFuture as _;

use infrai_video::{AspectRatio, Client, Preference, Resolution, RetentionDays};
use xtask::contract::Contract;

const JOB: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

fn scripted(contract: &Contract, operation: &str) -> (Script, Client) {
    let script = Script::of([(200, success_example(contract, operation))]);
    let client = client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap();
    (script, client)
}

/// The first example of an operation's success, so that the SDK has something to decode.
fn success_example(contract: &Contract, id: &str) -> String {
    let operation = contract.operations().find(|operation| operation.id() == Some(id)).unwrap();
    let examples =
        operation.value["responses"]["200"]["content"]["application/json"]["examples"].as_object().unwrap();
    contract.follow(examples.values().next().unwrap()).unwrap()["value"].to_string()
}

fn shown(request: &Request<Bytes>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    let mut headers: Vec<(&str, &str)> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.sort_unstable();
    for (name, value) in headers {
        let value = match name {
            "authorization" => "Bearer [key]".to_owned(),
            "user-agent" => value.replace(env!("CARGO_PKG_VERSION"), "[version]"),
            _ => value.to_owned(),
        };
        writeln!(text, "{name}: {value}").unwrap();
    }
    write!(text, "\n{}", String::from_utf8_lossy(request.body())).unwrap();
    text
}

macro_rules! wire {
    ($test:ident, $operation:literal, $call:expr) => {
        #[tokio::test]
        async fn $test() {
            let (script, client) = scripted(&contract(), $operation);
            let call: fn(Client) -> _ = $call;
            call(client).await.unwrap();
            let [request] = &script.seen()[..] else { panic!("not one request: {:?}", script.seen()) };
            insta::assert_snapshot!($operation, shown(request));
        }
    };
}

wire!(generate_sends_the_request, "video_generate", |client| client
    .generate("a timelapse of a city skyline at dusk")
    .reference_image_url("https://images.example.com/skyline.jpg")
    .duration_seconds(5.0)
    .aspect_ratio(AspectRatio::Landscape)
    .resolution(Resolution::P1080)
    .prefer(Preference::Balanced)
    .into_future());
wire!(status_sends_the_request, "video_status", |client| client.status(JOB).into_future());
wire!(cancel_sends_the_request, "video_cancel", |client| client.cancel(JOB).into_future());
wire!(get_sends_the_request, "video_get", |client| client.get(JOB).into_future());
wire!(list_sends_the_request, "video_list", |client| client.list().cursor("a b/c&d").limit(2).into_future());
wire!(delete_sends_the_request, "video_delete", |client| client.delete(JOB).into_future());
wire!(delete_all_sends_the_request, "video_delete_all", |client| client.delete_all().into_future());
wire!(download_url_sends_the_request, "video_download_url", |client| client.download_url(JOB).into_future());
wire!(set_retention_sends_the_request, "video_set_retention", |client| client
    .set_retention(JOB, RetentionDays::try_from(30).unwrap())
    .into_future());
wire!(capabilities_sends_the_request, "video_capabilities", |client| client.capabilities().into_future());

#[tokio::test]
async fn an_odd_id_reaches_no_route() {
    let (script, client) = scripted(&contract(), "video_status");
    for id in ["", " ", ".", "..", "../list", "..\\..\\list", "a/b", "a\\b", "a b", "%2e%2e"] {
        let error = client.status(id).await.unwrap_err();
        assert_eq!(error.field(), Some("job_id"), "{id:?}");
    }
    assert!(script.seen().is_empty());
}
