//! Accounts apart: what one key can do to another's jobs, links and money, which is nothing.

use infrai_video_sandbox::{LedgerKind, SandboxRouter};
use serde_json::{Value, json};

use crate::common::{
    Call, KEY, OTHER_KEY, Response, builder, call, cheap_job, download_url, generate, get, post, sandbox,
    state,
};

/// A sandbox where the first account has a finished job, and the second is known too.
async fn with_a_job() -> (SandboxRouter, String) {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await.data();
    (sandbox, id)
}

/// Every call that names a job.
fn calls_on(id: &str) -> [Call; 6] {
    let path = |operation: &str| format!("/v1/video/{operation}/{id}");
    [
        get(&path("status")),
        get(&path("get")),
        get(&path("download_url")),
        post(&path("cancel"), json!({})),
        post(&path("set_retention"), json!({"days": 1})),
        call("DELETE", &path("delete")),
    ]
}

#[tokio::test]
async fn the_job_of_another_account_is_one_that_does_not_exist() {
    let (sandbox, id) = with_a_job().await;
    let before = sandbox.jobs();
    let invented = "vj_01kdvyg8000000000000000000";
    for (foreign, none) in calls_on(&id).into_iter().zip(calls_on(invented)) {
        let foreign = foreign.key(OTHER_KEY).send(&sandbox).await;
        let none = none.key(OTHER_KEY).send(&sandbox).await;
        assert_eq!(foreign.refusal(), (404, "NOT_FOUND".to_owned()));
        let told = |response: &Response| response.error().to_string();
        assert_eq!(told(&foreign), told(&none).replace(invented, &id), "nothing tells them apart");
    }
    assert_eq!(sandbox.jobs(), before);
    let deleted = call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY).send(&sandbox).await;
    assert_eq!(deleted.data(), json!({"ok": true}));
    for foreign in calls_on(&id) {
        let gone = foreign.key(OTHER_KEY).send(&sandbox).await;
        assert_eq!(gone.refusal(), (404, "NOT_FOUND".to_owned()), "a deleted one neither");
    }
}

#[tokio::test]
async fn a_list_shows_only_ones_own_and_delete_all_deletes_only_ones_own() {
    let (sandbox, id) = with_a_job().await;
    let list = get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await.data();
    assert_eq!(list["items"], json!([]));
    let deleted = post("/v1/video/delete_all", json!({})).key(OTHER_KEY).send(&sandbox).await.data();
    assert_eq!(deleted, json!({"deleted": 0}));
    assert_eq!(state(&sandbox, &id).await, "succeeded");
}

#[tokio::test]
async fn a_cursor_works_only_for_its_account() {
    let sandbox = sandbox();
    for key in [KEY, KEY, OTHER_KEY, OTHER_KEY] {
        post("/v1/video/generate", json!({"prompt": "a", "prefer": "cheapest"}))
            .key(key)
            .send(&sandbox)
            .await
            .data();
    }
    let page = |key: &str, cursor: &str| get(&format!("/v1/video/list?limit=1{cursor}")).key(key);
    let cursor = page(KEY, "").send(&sandbox).await.data()["next_cursor"].as_str().expect("more").to_owned();
    let cursor = format!("&cursor={cursor}");
    assert_eq!(page(OTHER_KEY, &cursor).send(&sandbox).await.refusal(), (400, "INVALID_CURSOR".to_owned()));
    page(KEY, &cursor).send(&sandbox).await.data();
}

#[tokio::test]
async fn the_same_idempotency_key_is_another_one_in_another_account() {
    let sandbox = sandbox();
    let order = |key: &str, prompt: &str| {
        let body = json!({"prompt": prompt, "prefer": "cheapest"});
        post("/v1/video/generate", body).key(key).header("idempotency-key", "k1")
    };
    let first = order(KEY, "a").send(&sandbox).await.json();
    let second = order(OTHER_KEY, "a").send(&sandbox).await.json();
    assert_ne!(first["data"]["job_id"], second["data"]["job_id"]);
    assert_eq!(second["metadata"]["cache_hit"], false);
    let third = order("ifr_pk_proj_three", "something else").send(&sandbox).await;
    assert_eq!(third.status, 200, "no conflict with what others did");
    let charges: Vec<_> = sandbox.ledger().charges().map(|charge| charge.account.clone()).collect();
    assert_eq!((charges.len(), sandbox.ledger().double_charges()), (3, 0));

    let id = first["data"]["job_id"].as_str().expect("an id");
    let cancel = || post(&format!("/v1/video/cancel/{id}"), json!({})).header("idempotency-key", "k2");
    cancel().send(&sandbox).await.data();
    assert_eq!(
        cancel().key(OTHER_KEY).send(&sandbox).await.status,
        404,
        "the first response is not repeated"
    );
}

#[tokio::test]
async fn a_link_opens_the_one_file_that_it_was_made_for() {
    let (sandbox, id) = with_a_job().await;
    let other = {
        let body = json!({"prompt": "b", "prefer": "cheapest"});
        let data = post("/v1/video/generate", body).key(OTHER_KEY).send(&sandbox).await.data();
        data["job_id"].as_str().expect("an id").to_owned()
    };
    let own = download_url(&sandbox, &id).await;
    assert_eq!(call("GET", &own).send(&sandbox).await.status, 200);
    for foreign in [own.replace(&id, &other), own.replace("/clips/", "/thumbnails/").replace(".mp4", ".jpg")]
    {
        let refused = call("GET", &foreign).send(&sandbox).await;
        assert_eq!(refused.status, 403, "{foreign}");
        assert_eq!(call("GET", &foreign).key(KEY).send(&sandbox).await.status, 403, "a key opens no file");
    }
    let unsigned = own.split('?').next().expect("a path").replace(&id, &other);
    assert_eq!(
        call("GET", &unsigned).key(OTHER_KEY).send(&sandbox).await.status,
        403,
        "not even its owner's"
    );
}

#[tokio::test]
async fn accounts_do_not_share_money() {
    let sandbox = builder().starting_balance(0.1).router();
    get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await.data();
    generate(&sandbox, json!({"prompt": "a", "prefer": "cheapest"})).await;
    assert_eq!(sandbox.ledger().balance_usd(OTHER_KEY), Some(0.1));

    let topup = |key: &str| post("/v1/account/topup", json!({})).key(key).header("idempotency-key", "k1");
    let checkout = async |key: &str| {
        let data = topup(key).send(&sandbox).await.data();
        data["checkout_url"].as_str().expect("a link").to_owned()
    };
    let (own, foreign) = (checkout(KEY).await, checkout(OTHER_KEY).await);
    assert_ne!(own, foreign);
    let before = sandbox.ledger();
    call("GET", &own).key(OTHER_KEY).send(&sandbox).await;
    let after = sandbox.ledger();
    assert_eq!(after.balance_usd(OTHER_KEY), before.balance_usd(OTHER_KEY), "whoever opens it");
    let credit = after.entries.last().expect("an entry");
    assert_eq!((credit.kind, credit.amount_usd), (LedgerKind::Topup, 10.0));
    assert_eq!(credit.account, infrai_video_sandbox::Ledger::account_of(KEY));
}

#[tokio::test]
async fn an_id_follows_from_the_seed_and_not_from_the_one_before() {
    let drawn = |id: &str| id[id.len() - 16..].to_owned();
    let (one, other) = (builder().seed(1).router(), builder().seed(2).router());
    let mut ids = Vec::new();
    for sandbox in [&one, &one, &one, &other, &other, &other] {
        ids.push(drawn(&cheap_job(sandbox).await));
    }
    let numbers: std::collections::BTreeSet<_> = ids.iter().map(|id| id[..8].to_owned()).collect();
    assert_eq!(numbers.len(), ids.len(), "not even their first halves are alike: {ids:?}");
}

#[tokio::test]
async fn the_inside_shows_no_key_and_no_signature() {
    let (sandbox, id) = with_a_job().await;
    let url = download_url(&sandbox, &id).await;
    let signature = url.rsplit_once('.').expect("a signature").1.to_owned();
    call("GET", &url).header("referer", &url).send(&sandbox).await;
    // A key where none belongs.
    get(&format!("/v1/video/list?api_key={KEY}")).header("x-api-key", KEY).send(&sandbox).await;
    get(&format!("/v1/{KEY}")).header("cookie", KEY).send(&sandbox).await;
    post("/v1/video/generate", json!({"prompt": "a", "api_key": KEY, "prefer": "cheapest"}))
        .send(&sandbox)
        .await
        .data();

    let mut inside = format!("{:?} {:?} {:?}", sandbox.journal(), sandbox.jobs(), sandbox.ledger());
    for route in ["journal", "jobs", "ledger", "faults", "vendors", "clock"] {
        let shown: Value = get(&format!("/__sandbox/{route}")).send(&sandbox).await.json();
        inside += &shown.to_string();
    }
    assert!(inside.contains("api_key=ifr_pk_redacted") && inside.contains("vj_"));
    assert!(!inside.contains(KEY) && !inside.contains(OTHER_KEY), "a key");
    assert!(!inside.contains(&signature), "a signature");
}
