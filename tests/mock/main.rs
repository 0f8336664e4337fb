//! Prism, a mock server, responds from the document with the examples that its readers see first, and `verify` finds what it cannot do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod verification;

use contract_tests::root;
use external_tools::prism::Prism;
use external_tools::skip::available;
use openapi_tools::fixtures::{Fixtures, fixtures};
use openapi_tools::value::entries;
use openapi_tools::{DOCUMENT, Document};
use serde_json::{Value, json};

#[tokio::test]
#[ignore = "needs Prism: cargo xtask test --only mock"]
async fn prism_responds_to_each_operation_with_the_first_example_of_each_status() {
    let document = Document::load(&root().join(DOCUMENT)).unwrap();
    let Some(prism) = available("prism", Prism::start(&root(), &root().join(DOCUMENT))) else { return };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut differences = Vec::new();
    let mut compared = 0;
    for fixtures in &fixtures(&document).unwrap() {
        for (index, case) in first_of_each_status(fixtures).into_iter().enumerate() {
            // Without `Prefer` it is the default, which is what a new reader sees.
            let request = request(&http, &prism.base_url, case, index > 0);
            let response = http.execute(request).await.unwrap();
            let (status, body) = (response.status().as_u16(), response.text().await.unwrap());
            differences.extend(difference(&fixtures.operation, case, status, &body));
            compared += 1;
        }
    }
    assert!(compared > 0, "the document has no example");
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// The first case of each status; that of the success comes first.
fn first_of_each_status(fixtures: &Fixtures) -> Vec<&Value> {
    let mut first: Vec<&Value> = Vec::new();
    for case in &fixtures.cases {
        if first.iter().all(|known| status(known) != status(case)) {
            first.push(case);
        }
    }
    first
}

fn status(case: &Value) -> u64 {
    case["response"]["status"].as_u64().unwrap_or_default()
}

/// The golden request of a case.
fn request(http: &reqwest::Client, base_url: &str, case: &Value, prefer: bool) -> reqwest::Request {
    let request = &case["request"];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let query: Vec<String> =
        entries(request.get("query")).map(|(name, value)| format!("{name}={}", text(value))).collect();
    let url = format!("{base_url}{}?{}", text(&request["path"]), query.join("&"));
    let mut builder = http.request(text(&request["method"]).parse().unwrap(), url);
    for (name, value) in entries(request.get("headers")) {
        builder = builder.header(name, text(value));
    }
    if prefer {
        builder = builder.header("Prefer", format!("code={}", status(case)));
    }
    if let Some(body) = request.get("body") {
        builder = builder.body(body.to_string());
    }
    builder.build().unwrap()
}

/// One line if the response is not that of the case.
fn difference(operation: &str, case: &Value, status: u16, body: &str) -> Option<String> {
    let expected = &case["response"];
    let is_same = expected["status"] == status
        && serde_json::from_str::<Value>(body).is_ok_and(|body| body == expected["body"]);
    let name = case["name"].as_str().unwrap_or_default();
    (!is_same).then(|| format!("{operation}, example {name}: Prism responds {status} with {body}"))
}

fn case(name: &str, status: u16) -> Value {
    json!({"name": name, "response": {"status": status, "body": {"ok": status < 300, "name": name}}})
}

#[test]
fn each_status_is_compared_once_with_its_first_example() {
    let cases = vec![case("running", 200), case("failed", 200), case("404_a", 404), case("404_b", 404)];
    let fixtures = Fixtures { operation: "video_status".to_owned(), cases };
    let names: Vec<_> = first_of_each_status(&fixtures).iter().map(|case| &case["name"]).collect();
    assert_eq!(names, ["running", "404_a"]);
}

#[test]
fn another_example_and_another_status_are_reported() {
    let running = case("running", 200);
    let body = running["response"]["body"].to_string();
    assert_eq!(difference("video_status", &running, 200, &body), None);
    let other = case("failed", 200)["response"]["body"].to_string();
    for (status, body) in [(200, other.as_str()), (201, &body), (200, "")] {
        let line = difference("video_status", &running, status, body).unwrap();
        assert!(line.starts_with("video_status, example running: Prism responds 20"), "{line}");
    }
}
