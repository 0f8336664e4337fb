//! Every response of the admin API is what its document says.

use std::time::Duration;

use contract_tests::admin_contract;
use infrai_video_sandbox::{Clock, Sandbox, SandboxBuilder, Scenario};
use openapi_tools::value::entries;
use reqwest::Method;
use serde_json::{Value, json};

use crate::conformance::{Judge, documented};

fn builder() -> SandboxBuilder {
    Sandbox::builder().clock(Clock::manual())
}

async fn send(judge: &mut Judge, method: Method, path: &str, body: Option<&Value>, status: u16) -> Value {
    let mut request = judge.request(method, path);
    if let Some(body) = body {
        request = request.json(body);
    }
    judge.expect(request, status).await
}

/// The operations: method, path with an id, and whether it has a body. Not the event stream, whose body does not end.
fn operations() -> Vec<(Method, String, bool)> {
    let contract = admin_contract();
    let operations = contract.operations().filter(|operation| operation.id() != Some("sandbox_events"));
    operations
        .map(|operation| {
            let path = operation.path.replace("{id}", "vj_1").replace("{name}", "poll-storm");
            (
                operation.method.to_uppercase().parse().unwrap(),
                path,
                operation.value.get("requestBody").is_some(),
            )
        })
        .collect()
}

#[tokio::test]
async fn every_documented_response_of_the_admin_api_is_given_and_is_as_documented() {
    let contract = admin_contract();
    let mut judge = Judge::by(&contract, builder()).await;
    successes(&mut judge).await;
    every_example(&mut judge).await;
    refusals(&mut judge).await;
    let mut guarded = Judge::by(&contract, builder().admin_token("a-token-of-this-test")).await;
    for (method, path, _) in operations().into_iter().filter(|(_, path, _)| is_guarded(path)) {
        send(&mut guarded, method, &path, None, 401).await;
    }
    judge.seen.extend(guarded.seen);
    // Another test reads the stream, and the tests of `persist` break the disk.
    let unseen: Vec<_> = documented(&contract)
        .into_iter()
        .filter(|(operation, status)| operation != "sandbox_events" && *status != 503)
        .filter(|response| !judge.seen.contains(response))
        .collect();
    assert!(unseen.is_empty(), "no test gets {unseen:?}");
}

fn is_guarded(path: &str) -> bool {
    path.starts_with("/__sandbox/") && !path.contains("openapi")
}

async fn successes(judge: &mut Judge) {
    let body = json!({"prompt": "a lighthouse", "idempotency_key": "k1"});
    let generated = judge.request(Method::POST, "/v1/video/generate").json(&body).send().await.unwrap();
    let job: Value = generated.json().await.unwrap();
    let id = job["data"]["job_id"].as_str().unwrap().to_owned();
    judge
        .request(Method::POST, "/v1/video/generate")
        .json(&json!({"prompt": "[fail]"}))
        .send()
        .await
        .unwrap();
    judge.request(Method::GET, "/elsewhere?a=b").send().await.unwrap();
    judge.sandbox.clock().advance(Duration::from_secs(600));
    let shown = send(judge, Method::GET, &format!("/__sandbox/jobs/{id}"), None, 200).await;
    assert_eq!(shown["state"], "succeeded");
    all_documented("JobView", &shown);
    let request = job["metadata"]["request_id"].as_str().unwrap();
    send(judge, Method::GET, &format!("/__sandbox/journal/{request}"), None, 200).await;
    send(judge, Method::POST, &format!("/__sandbox/jobs/{id}/cancel"), None, 409).await;
    let job: Value = judge
        .request(Method::POST, "/v1/video/generate")
        .json(&json!({"prompt": "a boat"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let other = job["data"]["job_id"].as_str().unwrap();
    send(judge, Method::POST, &format!("/__sandbox/jobs/{other}/cancel"), None, 200).await;
    send(judge, Method::DELETE, &format!("/__sandbox/jobs/{other}"), None, 200).await;
    for (path, list, schema) in [
        ("/__sandbox/jobs", "jobs", "JobRecord"),
        ("/__sandbox/journal", "requests", "JournalEntry"),
        ("/__sandbox/ledger", "entries", "LedgerEntry"),
    ] {
        let shown = send(judge, Method::GET, path, None, 200).await;
        let items = shown[list].as_array().unwrap();
        assert!(!items.is_empty(), "{path}");
        items.iter().for_each(|item| all_documented(schema, item));
    }
    for (method, path, has_body) in operations() {
        if (method == Method::GET || !has_body) && !path.contains("vj_1") {
            send(judge, method, &path, None, 200).await;
        }
    }
    for scenario in Scenario::all() {
        let path = format!("/__sandbox/scenario/{}", scenario.name());
        send(judge, Method::PUT, &path, None, 200).await;
        send(judge, Method::GET, "/__sandbox/faults", None, 200).await;
    }
}

/// Schemas of responses are open, so that a validator does not notice a member that they do not have.
fn all_documented(schema: &str, item: &Value) {
    let contract = admin_contract();
    let documented = &contract.value["components"]["schemas"][schema]["properties"];
    let undocumented: Vec<_> =
        entries(Some(item)).map(|(name, _)| name).filter(|name| documented.get(name).is_none()).collect();
    assert!(undocumented.is_empty(), "{schema} does not describe {undocumented:?}");
}

/// The examples of bodies, in JSON and TOML.
async fn every_example(judge: &mut Judge) {
    let contract = admin_contract();
    for operation in contract.operations() {
        let Some(body) = operation.value.get("requestBody").and_then(|body| contract.follow(body)) else {
            continue;
        };
        for (kind, media) in entries(body.get("content")) {
            let named = entries(media.get("examples")).map(|(_, example)| &example["value"]);
            for example in named.chain(media.get("example")) {
                let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                let method: Method = operation.method.to_uppercase().parse().unwrap();
                let request = judge.request(method, operation.path).header("content-type", kind).body(text);
                judge.expect(request, 200).await;
                send(judge, Method::GET, "/__sandbox/faults", None, 200).await;
            }
        }
    }
    let rules = entries(contract.value.pointer("/components/schemas"))
        .filter(|(name, _)| name.ends_with("Fault"))
        .map(|(_, schema)| schema["example"].clone());
    send(judge, Method::PUT, "/__sandbox/faults", Some(&json!({"fault": rules.collect::<Vec<_>>()})), 200)
        .await;
}

async fn refusals(judge: &mut Judge) {
    for (method, path) in [
        (Method::GET, "/__sandbox/jobs/vj_of_nobody"),
        (Method::DELETE, "/__sandbox/jobs/vj_of_nobody"),
        (Method::POST, "/__sandbox/jobs/vj_of_nobody/cancel"),
        (Method::GET, "/__sandbox/journal/req_of_nobody"),
    ] {
        send(judge, method, path, None, 404).await;
    }
    send(judge, Method::PUT, "/__sandbox/scenario/none", None, 422).await;
    let contract = admin_contract();
    for operation in
        contract.operations().filter(|operation| operation.responses().any(|(status, _)| status == "422"))
    {
        let path = operation.path.replace("{name}", "poll-storm").replace("{id}", "vj_1");
        let method = operation.method.to_uppercase().parse().unwrap();
        send(judge, method, &format!("{path}?colour=red"), None, 422).await;
    }
    for (method, path, has_body) in operations() {
        if is_guarded(&path) {
            let request = judge.request(method.clone(), &path).header("origin", "http://elsewhere.example");
            judge.expect(request, 403).await;
        }
        if !has_body {
            continue;
        }
        for (kind, body, status) in [
            ("application/json", "{".to_owned(), 422),
            ("application/toml", "colour = 1".to_owned(), 422),
            ("application/yaml", "a: 1".to_owned(), 415),
            ("application/json", " ".repeat((1 << 21) + 1), 413),
        ] {
            let request = judge.request(method.clone(), &path).header("content-type", kind).body(body);
            judge.expect(request, status).await;
        }
    }
}

#[tokio::test]
async fn the_event_stream_has_the_documented_type() {
    let judge = Judge::by(&admin_contract(), builder()).await;
    let response = judge.request(Method::GET, "/__sandbox/events").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let documented = admin_contract().value["paths"]["/__sandbox/events"]["get"]["responses"]["200"].clone();
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(documented["content"].get(kind).is_some(), "{kind}: {documented}");
}
