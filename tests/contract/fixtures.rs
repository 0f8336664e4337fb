//! Every case of the fixtures through the generated Rust client: the golden request goes out, the golden response comes in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use infrai_video_client::{
    ApiKey, Client, Error, Exchange, ExchangeError, RawResponse, ResponseValue, options, types,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::examples::without_nulls;

const KEY: &str = "ifr_pk_proj_fixture";

/// Keeps the request, and returns the response of a case.
struct Golden {
    response: Value,
    request: Mutex<Option<Request<Bytes>>>,
}

impl Exchange for Golden {
    fn exchange(
        &self,
        request: Request<Bytes>,
        _: &'static str,
    ) -> BoxFuture<'_, Result<RawResponse, ExchangeError>> {
        *self.request.lock().unwrap() = Some(request);
        let headers = self.response["headers"].as_object().unwrap().iter();
        let response = RawResponse::new(
            StatusCode::from_u16(status(&self.response)).unwrap(),
            headers
                .map(|(name, value)| (name.parse().unwrap(), value.as_str().unwrap().parse().unwrap()))
                .collect::<HeaderMap>(),
            Bytes::from(self.response["body"].to_string()),
        );
        Box::pin(std::future::ready(Ok(response)))
    }
}

#[tokio::test]
async fn every_fixture_goes_through_the_generated_client() {
    let mut checked = 0;
    for entry in std::fs::read_dir(contract_tests::root().join(openapi_tools::fixtures::PLACE)).unwrap() {
        let file: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let operation = file["operation"].as_str().unwrap();
        for case in file["cases"].as_array().unwrap() {
            let place = format!("{operation} {}", case["name"]);
            let (request, response) = call(operation, case).await;
            assert_eq!(
                request,
                wanted(&case["request"]),
                "{place}: send in `call` of tests/contract/fixtures.rs all that the case on the right has"
            );
            assert_eq!(without_nulls(response), without_nulls(case["response"]["body"].clone()), "{place}");
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} cases were found");
}

/// Makes the call of a case, and gives the request that it sent with the response as it was decoded and encoded again.
async fn call(operation: &str, case: &Value) -> (Value, Value) {
    let golden = Arc::new(Golden { response: case["response"].clone(), request: Mutex::default() });
    let client = Client::new("https://api.infrai.cc", ApiKey::new(KEY).unwrap(), golden.clone());
    let request = &case["request"];
    let id = request["path"].as_str().unwrap().rsplit('/').next().unwrap();
    let key = request["headers"]["Idempotency-Key"].as_str();
    let expected = status(&case["response"]);
    let response = match operation {
        "video_generate" => {
            let options = options::VideoGenerate::default().idempotency_key(key);
            again(client.video_generate(&body(request), options).await, expected)
        }
        "video_status" => again(client.video_status(id, Default::default()).await, expected),
        "video_cancel" => {
            let body: types::CancelRequest = body(request);
            let options = options::VideoCancel::default().idempotency_key(key).body(&body);
            again(client.video_cancel(id, options).await, expected)
        }
        "video_get" => again(client.video_get(id, Default::default()).await, expected),
        "video_list" => {
            let limit = request["query"]["limit"].as_u64().map(|limit| limit.try_into().unwrap());
            let cursor = request["query"]["cursor"].as_str();
            let mut options = options::VideoList::default().cursor(cursor);
            options.limit = limit;
            again(client.video_list(options).await, expected)
        }
        "video_delete" => {
            let options = options::VideoDelete::default().idempotency_key(key);
            again(client.video_delete(id, options).await, expected)
        }
        "video_delete_all" => {
            let options = options::VideoDeleteAll::default().idempotency_key(key);
            again(client.video_delete_all(options).await, expected)
        }
        "video_download_url" => again(client.video_download_url(id, Default::default()).await, expected),
        "video_set_retention" => {
            let options = options::VideoSetRetention::default().idempotency_key(key);
            again(client.video_set_retention(id, &body(request), options).await, expected)
        }
        "video_capabilities" => again(client.video_capabilities(Default::default()).await, expected),
        other => panic!("tests/contract/fixtures.rs makes no call of {other}; add one to `call`"),
    };
    let sent = golden.request.lock().unwrap().take().unwrap();
    (shown(&sent), response)
}

fn body<T: DeserializeOwned>(request: &Value) -> T {
    serde_json::from_value(request["body"].clone()).unwrap()
}

/// What was decoded, encoded again.
fn again<T: Serialize>(response: Result<ResponseValue<T>, Error>, expected: u16) -> Value {
    match response {
        Ok(response) => {
            assert_eq!(response.status().as_u16(), expected);
            serde_json::to_value(response.into_inner()).unwrap()
        }
        Err(Error::ErrorResponse(response)) => {
            assert_eq!(response.status().as_u16(), expected);
            serde_json::to_value(response.into_inner()).unwrap()
        }
        Err(other) => panic!("{other}"),
    }
}

fn status(response: &Value) -> u16 {
    response["status"].as_u64().unwrap().try_into().unwrap()
}

/// A request as the fixtures have it, with the headers that they speak of.
fn shown(request: &Request<Bytes>) -> Value {
    let query = request.uri().query().unwrap_or_default();
    let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let header =
        |name: &str| Some((name.to_owned(), request.headers().get(name)?.to_str().unwrap().to_owned()));
    let headers = ["Authorization", "Idempotency-Key", "Content-Type"].into_iter().filter_map(header);
    let body = Some(request.body()).filter(|body| !body.is_empty());
    let body = body.map(|body| serde_json::from_slice(body).unwrap());
    json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": query,
        "headers": headers.collect::<BTreeMap<_, _>>(),
        "body": without_nulls(body.unwrap_or_default()),
    })
}

/// The golden request, with the query as the text that travels.
fn wanted(request: &Value) -> Value {
    let mut wanted = request.clone();
    for value in wanted["query"].as_object_mut().unwrap().values_mut() {
        if let Some(number) = value.as_u64() {
            *value = json!(number.to_string());
        }
    }
    wanted["body"] = without_nulls(request.get("body").cloned().unwrap_or_default());
    wanted
}
