//! A sandbox that is stopped and crashed again and again is the same as one that runs on.

use infrai_video_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Bench, call, get, plain};

const STEPS: usize = 60;

struct Request {
    method: Method,
    path: String,
    key: Option<String>,
    body: Option<Value>,
}

fn choose(chance: &mut fastrand::Rng, ids: &[String], checkouts: &[String]) -> Request {
    let id = match ids.len() {
        0 => "vj_none".to_owned(),
        many => ids[chance.usize(..many)].clone(),
    };
    let key = Some(format!("k{}", chance.u64(..12))).filter(|_| chance.u64(..3) > 0);
    let post = |path: String, body: Value| (Method::POST, path, Some(body));
    let (method, path, body) = match chance.u64(..14) {
        0..=4 => {
            let prompt = ["a lighthouse", "a harbour", "a storm [fail]"][chance.usize(..3)];
            let seconds = [0.1, 0.7, 1.1, 2.0][chance.usize(..4)];
            post(
                "/v1/video/generate".to_owned(),
                json!({"prompt": prompt, "duration_seconds": seconds, "prefer": "cheapest"}),
            )
        }
        5 => post(format!("/v1/video/cancel/{id}"), json!({})),
        6 => post(format!("/v1/video/set_retention/{id}"), json!({"days": 1 + chance.u64(..90)})),
        7 => (Method::DELETE, format!("/v1/video/delete/{id}"), None),
        8 if chance.u64(..4) == 0 => post("/v1/video/delete_all".to_owned(), json!({})),
        9 => post("/v1/account/topup".to_owned(), json!({"amount_usd": 0.37})),
        10 if !checkouts.is_empty() => {
            (Method::GET, checkouts[chance.usize(..checkouts.len())].clone(), None)
        }
        11 if chance.u64(..8) == 0 => post("/__sandbox/reset".to_owned(), json!({})),
        12 => {
            let seconds = [0.3, 2.5, 3600.0, 90_000.0][chance.usize(..4)];
            post("/__sandbox/clock".to_owned(), json!({"advance_seconds": seconds}))
        }
        _ => (Method::GET, format!("/v1/video/get/{id}"), None),
    };
    Request { method, path, key, body }
}

/// What a response says apart from ports, request ids and the numbers of links.
fn told(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("http://") => {
            let path = text.splitn(4, '/').nth(3).unwrap_or_default();
            json!(path.split("&signature=").next())
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "request_id")
            .map(|(n, v)| (n.clone(), told(v)))
            .collect(),
        Value::Array(items) => items.iter().map(told).collect(),
        other => other.clone(),
    }
}

/// Everything that can be seen of a sandbox.
async fn seen(sandbox: &Sandbox) -> Value {
    let mut pages = Vec::new();
    let mut path = "/v1/video/list?limit=3".to_owned();
    loop {
        let page = get(sandbox, &path).await;
        let next =
            page["next_cursor"].as_str().map(|cursor| format!("/v1/video/list?limit=3&cursor={cursor}"));
        pages.push(told(&page));
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    let now = sandbox.clock().now();
    let ledger = sandbox.ledger();
    let double_charges = ledger.double_charges();
    let jobs = told(&json!(sandbox.jobs()));
    json!({"pages": pages, "jobs": jobs, "ledger": ledger, "double": double_charges, "now": now})
}

async fn run(seed: u64) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut bench = Bench::new();
    let mut kept = bench.start().await;
    let plain = plain().start().await.expect("free ports");
    let (mut ids, mut checkouts) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let Request { method, path, key, body } = choose(&mut chance, &ids, &checkouts);
        let one = call(&kept, method.clone(), &path, key.as_deref(), body.as_ref()).await;
        let other = call(&plain, method.clone(), &path, key.as_deref(), body.as_ref()).await;
        let context = || format!("seed {seed}, step {step}: {method} {path} {key:?}");
        assert_eq!((one.0, told(&one.1)), (other.0, told(&other.1)), "{}", context());
        let data = &one.1["data"];
        ids.extend(data["job_id"].as_str().map(str::to_owned));
        checkouts.extend(told(data)["checkout_url"].as_str().map(|path| format!("/{path}")));
        match chance.u64(..6) {
            0 => {
                drop(kept);
                kept = bench.start().await;
            }
            1 => {
                let crashed = bench.crash();
                drop(kept);
                bench = crashed;
                kept = bench.start().await;
            }
            _ => continue,
        }
        assert_eq!(seen(&kept).await, seen(&plain).await, "{}", context());
    }
    assert!(ids.len() > STEPS / 10, "seed {seed} made {} jobs", ids.len());
}

#[tokio::test]
async fn after_any_requests_and_restarts_the_state_is_that_of_a_sandbox_that_ran_on() {
    for seed in 1..=6 {
        run(seed).await;
    }
}
