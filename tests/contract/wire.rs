//! The exact request of each operation, as the SDK sends it.

use std::fmt::Write as _;
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use contract_tests::{client_of, contract};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use infrai_video::transport::TowerTransport;
use infrai_video::{AspectRatio, Client, Error, Preference, Resolution, RetentionDays};
use openapi_tools::Document;
use openapi_tools::value::entries;
use serde_json::Value;

/// Parts of requests that the SDK does not send: the operation, the name, and why.
const NOT_SENT: [(&str, &str, &str); 0] = [];

const JOB: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// The first example of an operation's success, so that the SDK has something to decode.
fn success_example(contract: &Document, id: &str) -> String {
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

/// The request that a call of the SDK sends.
async fn sent<T>(
    operation: &str,
    call: fn(Client) -> BoxFuture<'static, Result<T, Error>>,
) -> Request<Bytes> {
    let example = success_example(&contract(), operation);
    let requests = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Full<Bytes>>| {
        recorded.lock().unwrap().push(request);
        let response = Response::builder().header("content-type", "application/json");
        std::future::ready(response.body(Full::from(example.clone())))
    });
    let client = client_of("https://api.infrai.cc").with_transport(TowerTransport::new(service)).build();
    call(client.unwrap()).await.map(drop).unwrap();
    let requests = std::mem::take(&mut *requests.lock().unwrap());
    let [request] = <[_; 1]>::try_from(requests).unwrap();
    let (head, body) = request.into_parts();
    Request::from_parts(head, body.collect().await.unwrap().to_bytes())
}

/// A test for each operation, with a call that sends all that can be sent.
macro_rules! wire {
    ($($test:ident, $operation:literal, $call:expr;)+) => {
        $(#[tokio::test]
        async fn $test() {
            insta::assert_snapshot!($operation, shown(&sent($operation, $call).await));
        })+

        /// The operations that the SDK has a method for.
        pub(crate) const CALLED: &[&str] = &[$($operation),+];

        async fn requests() -> Vec<(&'static str, Request<Bytes>)> {
            vec![$(($operation, sent($operation, $call).await)),+]
        }
    };
}

wire! {
    generate_sends_the_request, "video_generate", |client| client
        .generate("a timelapse of a city skyline at dusk")
        .reference_image_url("https://images.example.com/skyline.jpg")
        .duration_seconds(5.0)
        .aspect_ratio(AspectRatio::Landscape)
        .resolution(Resolution::P1080)
        .prefer(Preference::Balanced)
        .into_future();
    status_sends_the_request, "video_status", |client| client.status(JOB).into_future();
    cancel_sends_the_request, "video_cancel", |client| client.cancel(JOB).into_future();
    get_sends_the_request, "video_get", |client| client.get(JOB).into_future();
    list_sends_the_request, "video_list", |client| client.list().cursor("a b/c&d").limit(2).into_future();
    delete_sends_the_request, "video_delete", |client| client.delete(JOB).into_future();
    delete_all_sends_the_request, "video_delete_all", |client| client.delete_all().into_future();
    download_url_sends_the_request, "video_download_url", |client| client.download_url(JOB).into_future();
    set_retention_sends_the_request, "video_set_retention", |client| client
        .set_retention(JOB, RetentionDays::try_from(30).unwrap())
        .into_future();
    capabilities_sends_the_request, "video_capabilities", |client| client.capabilities().into_future();
}

#[tokio::test]
async fn every_part_of_a_request_can_be_sent() {
    let contract = contract();
    let mut left = Vec::new();
    for (id, request) in requests().await {
        let operation = contract.operations().find(|operation| operation.id() == Some(id)).unwrap();
        for (_, parameter) in operation.parameters() {
            let parameter = contract.follow(parameter).unwrap();
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            let is_sent = match place {
                "query" => request.uri().query().is_some_and(|query| query.contains(&format!("{name}="))),
                "header" => request.headers().contains_key(name),
                _ => true,
            };
            if !is_sent {
                left.push((id, name));
            }
        }
        let body = operation.value.get("requestBody").and_then(|body| contract.follow(body));
        let schema = body.and_then(|body| contract.follow(&body["content"]["application/json"]["schema"]));
        let sent: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let names = entries(schema.and_then(|schema| schema.get("properties"))).map(|(name, _)| name);
        left.extend(names.filter(|name| sent.get(name).is_none()).map(|name| (id, name)));
    }
    left.retain(|part| !NOT_SENT.iter().any(|(id, name, _)| part == &(*id, *name)));
    let lines: Vec<String> = left
        .iter()
        .map(|(id, name)| {
            format!(
                "`{name}` of {id} is not sent: give the SDK a setter in crates/infrai-video/src and use it in \
                 tests/contract/wire.rs, or say in NOT_SENT there why not"
            )
        })
        .collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}
