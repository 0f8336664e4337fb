//! Credit and idempotency keys: what is charged, and how often.

use std::time::Duration;

use crate::common::{KEY, OTHER_KEY, builder, call, cheap_job, generate, get, post, sandbox};
use infrai_video_sandbox::LedgerKind;
use serde_json::{Value, json};

fn order(key: &str) -> crate::common::Call {
    post("/v1/video/generate", json!({"prompt": "a lighthouse", "duration_seconds": 5}))
        .header("idempotency-key", key)
}

#[tokio::test]
async fn the_same_key_and_body_are_the_same_job_and_one_charge() {
    let sandbox = sandbox();
    let first = order("k1").send(&sandbox).await;
    let again = order("k1").send(&sandbox).await;
    assert_eq!(first.data(), again.data());
    assert_eq!(
        (&first.json()["metadata"]["cost_usd"], &first.json()["metadata"]["cache_hit"]),
        (&json!(0.1), &json!(false))
    );
    assert_eq!(
        (&again.json()["metadata"]["cost_usd"], &again.json()["metadata"]["cache_hit"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(again.json()["metadata"]["vendor"], "sandbox-studio");
    let in_body = json!({"prompt": "a lighthouse", "duration_seconds": 5.0, "idempotency_key": "k1"});
    assert_eq!(post("/v1/video/generate", in_body).send(&sandbox).await.data(), first.data());
    assert_eq!(sandbox.ledger().charges().count(), 1);
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(1.9));
}

#[tokio::test]
async fn two_equal_requests_at_once_make_one_job() {
    let sandbox = builder().latency(Duration::from_millis(1)).router();
    let calls = (0..20).map(|_| order("k1").send(&sandbox));
    let responses = futures_util::future::join_all(calls).await;
    assert!(responses.iter().all(|response| response.data() == responses[0].data()));
    let hits = responses.iter().filter(|response| response.json()["metadata"]["cache_hit"] == true).count();
    assert_eq!((hits, sandbox.jobs().len(), sandbox.ledger().charges().count()), (19, 1, 1));
}

#[tokio::test]
async fn a_key_of_another_request_is_rejected() {
    let sandbox = sandbox();
    let job = order("k1").send(&sandbox).await.data();
    let id = job["job_id"].as_str().expect("an id");
    let other_body =
        post("/v1/video/generate", json!({"prompt": "a harbour"})).header("idempotency-key", "k1");
    let other_operation =
        call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY).header("idempotency-key", "k1");
    for call in [other_body, other_operation] {
        assert_eq!(call.send(&sandbox).await.refusal(), (409, "IDEMPOTENCY_CONFLICT".to_owned()));
    }
    let others = order("k1").key(OTHER_KEY).send(&sandbox).await;
    assert_eq!(others.json()["metadata"]["cache_hit"], false, "keys belong to an account");
    assert_eq!(sandbox.jobs().len(), 2);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let sandbox = sandbox();
    order("k1").send(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(86_399));
    assert_eq!(order("k1").send(&sandbox).await.json()["metadata"]["cache_hit"], true);
    sandbox.clock().advance(Duration::from_secs(1));
    assert_eq!(order("k1").send(&sandbox).await.json()["metadata"]["cache_hit"], false);
    assert_eq!(sandbox.ledger().double_charges(), 1);
}

#[tokio::test]
async fn a_rejected_request_does_not_use_its_key_up() {
    let sandbox = builder().starting_balance(0.0).router();
    assert_eq!(order("k1").send(&sandbox).await.refusal(), (402, "INSUFFICIENT_CREDIT".to_owned()));
    pay(&sandbox, json!({})).await;
    assert_eq!(order("k1").send(&sandbox).await.json()["metadata"]["cache_hit"], false);
}

#[tokio::test]
async fn every_write_honours_the_header() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    cheap_job(&sandbox).await;
    let twice = |make: &dyn Fn() -> crate::common::Call| {
        let (first, second) = (make(), make());
        let sandbox = sandbox.clone();
        async move { (first.send(&sandbox).await.data(), second.send(&sandbox).await.json()) }
    };
    let days = || post(&format!("/v1/video/set_retention/{id}"), json!({"days": 3, "idempotency_key": "k1"}));
    let delete =
        || call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY).header("idempotency-key", "k2");
    let all = || post("/v1/video/delete_all", json!({})).header("idempotency-key", "k3");
    let topup = || post("/v1/account/topup", json!({})).header("idempotency-key", "k4");
    for make in [&days as &dyn Fn() -> crate::common::Call, &delete, &all, &topup] {
        let (first, second) = twice(make).await;
        assert_eq!((&second["data"], &second["metadata"]["cache_hit"]), (&first, &json!(true)));
    }

    let sandbox = crate::common::sandbox();
    let id = cheap_job(&sandbox).await;
    let cancel =
        || post(&format!("/v1/video/cancel/{id}"), json!({"job_id": id})).header("idempotency-key", "k5");
    assert_eq!(cancel().send(&sandbox).await.data(), json!({"ok": true}));
    assert_eq!(
        cancel().send(&sandbox).await.data(),
        json!({"ok": true}),
        "the first response, not JOB_FINISHED"
    );
    assert_eq!(sandbox.ledger().refunds().count(), 1);
}

#[tokio::test]
async fn a_job_without_enough_credit_is_rejected() {
    let sandbox = sandbox();
    let dear = json!({"prompt": "a lighthouse", "resolution": "4k", "duration_seconds": 8});
    generate(&sandbox, dear).await;
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(0.0));
    let refused =
        post("/v1/video/generate", json!({"prompt": "a", "duration_seconds": 1})).send(&sandbox).await;
    assert_eq!(refused.refusal(), (402, "INSUFFICIENT_CREDIT".to_owned()));
    assert_eq!(refused.error()["retryable"], false);
    assert!(refused.error()["hint"].as_str().is_some_and(|hint| hint.contains("checkout_url")));
    assert_eq!(sandbox.jobs().len(), 1);
}

async fn pay(sandbox: &infrai_video_sandbox::SandboxRouter, body: Value) -> String {
    let data = post("/v1/account/topup", body).send(sandbox).await.data();
    let url = data["checkout_url"].as_str().expect("a link").to_owned();
    let page = call("GET", &url).send(sandbox).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("Paid"));
    url
}

#[tokio::test]
async fn opening_the_checkout_credits_the_account_once() {
    let sandbox = sandbox();
    let url = pay(&sandbox, json!({})).await;
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(12.0));
    assert!(call("GET", &url).send(&sandbox).await.text().contains("Already paid"));
    pay(&sandbox, json!({"amount_usd": 2.5})).await;
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(14.5));
    let unopened = post("/v1/account/topup", json!({})).send(&sandbox).await.data();
    let url = unopened["checkout_url"].as_str().expect("a link");
    call("HEAD", url).send(&sandbox).await;
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(14.5), "looking at the headers does not pay");
    for wrong in [json!(0), json!(-1), json!("10"), json!(10_001)] {
        let response = post("/v1/account/topup", json!({"amount_usd": wrong})).send(&sandbox).await;
        assert_eq!(response.refusal(), (422, "VALIDATION_FAILED".to_owned()));
    }
    assert_eq!(call("GET", "/checkout/co_never").send(&sandbox).await.status, 404);
}

#[tokio::test]
async fn the_ledger_tells_every_movement() {
    let sandbox = sandbox();
    let first = order("k1").send(&sandbox).await.data()["job_id"].clone();
    post("/v1/video/generate", json!({"prompt": "[fail]", "duration_seconds": 1}))
        .send(&sandbox)
        .await
        .data();
    sandbox.clock().advance(Duration::from_secs(60));
    let ledger = sandbox.ledger();
    let lines: Vec<_> = ledger.entries.iter().map(|entry| (entry.kind, entry.amount_usd)).collect();
    assert_eq!(
        lines,
        [
            (LedgerKind::Opening, 2.0),
            (LedgerKind::Charge, -0.1),
            (LedgerKind::Charge, -0.02),
            (LedgerKind::Refund, 0.02)
        ]
    );
    assert_eq!(ledger.entries[1].idempotency_key.as_deref(), Some("k1"));
    assert_eq!(json!(ledger.entries[1].job_id), first);
    assert_eq!(ledger.double_charges(), 0);
    assert_eq!(ledger.balance_usd(KEY), Some(1.9));
    assert_eq!(ledger.balance_usd(OTHER_KEY), None);
    get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await;
    assert_eq!(sandbox.ledger().balance_usd(OTHER_KEY), Some(2.0));
}
