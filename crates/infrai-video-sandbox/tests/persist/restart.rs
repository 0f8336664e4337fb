use std::time::Duration;

use infrai_video_sandbox::{Clock, PersistError, Sandbox, StartError};
use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

use crate::common::{Bench, KEY, call, delete, download, generate, get, link, post, state, submit};

const MINUTE: Duration = Duration::from_secs(60);

/// SQLite opens a URI, of which every character of the path could be another part.
#[cfg(unix)]
#[tokio::test]
async fn a_directory_can_have_any_name() {
    let bench = Bench::new();
    let directory = bench.path().join("file:state %20?mode=memory#1");
    let start =
        async || bench.builder().persist(&directory).start().await.expect("a directory that can be used");
    generate(&start().await, "k1", "a lighthouse").await;
    assert_eq!(start().await.jobs().len(), 1);
    assert!(directory.join("sandbox.db").is_file());
    assert_eq!(bench.path().read_dir().expect("it can be read").count(), 1);
}

#[tokio::test]
async fn jobs_and_money_are_there_after_a_clean_stop() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    generate(&sandbox, "k1", "a lighthouse").await;
    let id = generate(&sandbox, "k2", "a harbour").await;
    assert_eq!(post(&sandbox, &format!("/v1/video/cancel/{id}"), &json!({})).await.0, 200);
    let (_, topup) = post(&sandbox, "/v1/account/topup", &json!({"amount_usd": 5})).await;
    let checkout = topup["data"]["checkout_url"].as_str().expect("a link").to_owned();
    let page = Client::new().get(&checkout).send().await.expect("a page");
    assert_eq!(page.status(), StatusCode::OK);
    let before = (sandbox.jobs(), sandbox.ledger(), sandbox.clock().now());
    assert_eq!((before.0.len(), before.1.entries.len()), (2, 5));
    drop(sandbox);

    let sandbox = bench.start().await;
    assert_eq!((sandbox.jobs(), sandbox.ledger(), sandbox.clock().now()), before);
    let path = checkout.split_once("/checkout").expect("a path").1;
    let again =
        Client::new().get(format!("{}/checkout{path}", sandbox.base_url())).send().await.expect("a page");
    assert!(again.text().await.expect("a text").contains("Already paid"));
    assert_eq!(sandbox.ledger(), before.1);
}

#[tokio::test]
async fn changes_are_on_the_disk_when_the_response_arrives() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    for n in 0..5 {
        generate(&sandbox, &format!("k{n}"), "a lighthouse").await;
        let after = bench.crash();
        let other = after.start().await;
        assert_eq!((other.jobs(), other.ledger()), (sandbox.jobs(), sandbox.ledger()));
    }
}

#[tokio::test]
async fn a_key_from_before_gives_the_same_job_and_no_second_charge() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let id = generate(&sandbox, "k1", "a lighthouse").await;
    drop(sandbox);

    let sandbox = bench.start().await;
    let (status, response) = submit(&sandbox, "k1", "a lighthouse").await;
    assert_eq!((status, &response["metadata"]["cache_hit"]), (200, &json!(true)));
    assert_eq!(response["data"]["job_id"], id);
    assert_eq!((sandbox.ledger().charges().count(), sandbox.jobs().len()), (1, 1));
    let (status, response) = submit(&sandbox, "k1", "a harbour").await;
    assert_eq!((status, &response["error"]["code"]), (409, &json!("IDEMPOTENCY_CONFLICT")));

    sandbox.clock().advance(25 * 60 * MINUTE);
    let later = generate(&sandbox, "k1", "a harbour").await;
    assert_ne!(later, id);
}

#[tokio::test]
async fn deleted_jobs_stay_deleted_and_their_numbers_are_not_used_again() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let id = generate(&sandbox, "k1", "a lighthouse").await;
    assert_eq!(delete(&sandbox, &id).await, 200);
    drop(sandbox);

    let sandbox = bench.start().await;
    assert_eq!(call(&sandbox, Method::GET, &format!("/v1/video/get/{id}"), None, None).await.0, 404);
    assert_eq!(delete(&sandbox, &id).await, 200, "once more");
    assert_eq!(delete(&sandbox, "vj_other").await, 404);
    assert_ne!(generate(&sandbox, "k2", "a lighthouse").await, id);
    assert_eq!(sandbox.jobs()[0].number, 2);
}

#[tokio::test]
async fn running_jobs_go_on_and_failing_ones_are_refunded_once() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let good = generate(&sandbox, "k1", "a lighthouse").await;
    let bad = generate(&sandbox, "k2", "a lighthouse [fail]").await;
    sandbox.clock().advance(Duration::from_millis(1500));
    assert_eq!(
        (state(&sandbox, &good).await, state(&sandbox, &bad).await),
        ("running".into(), "running".into())
    );
    drop(sandbox);

    for _ in 0..2 {
        let sandbox = bench.start().await;
        if sandbox.ledger().refunds().count() == 0 {
            assert_eq!(state(&sandbox, &good).await, "running");
            sandbox.clock().advance(MINUTE);
        }
        assert_eq!(state(&sandbox, &good).await, "succeeded");
        assert_eq!(state(&sandbox, &bad).await, "failed");
        assert_eq!(sandbox.ledger().refunds().count(), 1);
    }
}

#[tokio::test]
async fn retention_cursors_and_links_from_before_hold() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let ports = (sandbox.api_address().port(), sandbox.file_address().port());
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(generate(&sandbox, &format!("k{n}"), "a lighthouse").await);
    }
    sandbox.clock().advance(MINUTE);
    let retention = format!("/v1/video/set_retention/{}", ids[0]);
    assert_eq!(post(&sandbox, &retention, &json!({"days": 2})).await.0, 200);
    let link = link(&sandbox, &ids[0]).await;
    let before = download(&link).await;
    let page = get(&sandbox, "/v1/video/list?limit=2").await;
    let cursor = page["next_cursor"].as_str().expect("a second page").to_owned();
    let expiry = sandbox.jobs()[0].expires_at;
    drop(sandbox);

    let sandbox =
        bench.builder().port(ports.0).file_port(ports.1).start().await.expect("the ports are free again");
    assert_eq!(download(&link).await, before);
    assert_eq!(sandbox.jobs()[0].expires_at, expiry);
    let page = get(&sandbox, &format!("/v1/video/list?limit=2&cursor={cursor}")).await;
    assert_eq!((&page["items"][0]["job_id"], &page["items"][1]["job_id"]), (&json!(ids[2]), &json!(ids[1])));
    sandbox.clock().advance(3 * 24 * 60 * MINUTE);
    let gone = call(&sandbox, Method::GET, &format!("/v1/video/download_url/{}", ids[0]), None, None).await;
    assert_eq!((gone.0, &gone.1["error"]["code"]), (410, &json!("CLIP_EXPIRED")));
}

#[tokio::test]
async fn no_request_id_and_no_link_comes_twice() {
    let bench = Bench::new();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let sandbox = bench.builder().instant_jobs().start().await.expect("it starts");
        let (_, response) = submit(&sandbox, "k1", "a lighthouse").await;
        assert!(seen.insert(response["metadata"]["request_id"].to_string()));
        let link = link(&sandbox, response["data"]["job_id"].as_str().expect("an id")).await;
        assert!(seen.insert(link.split_once('?').expect("a query").1.to_owned()), "{link}");
    }
}

#[tokio::test]
async fn another_seed_is_rejected_and_no_seed_uses_the_stored_one() {
    let bench = Bench::new();
    drop(bench.builder().seed(40).start().await.expect("it starts"));
    let error = bench.builder().seed(41).start().await.expect_err("another seed");
    assert!(
        matches!(error, StartError::Persist(PersistError::OtherSeed { stored: 40, asked: 41, .. })),
        "{error:?}"
    );
    assert!(error.to_string().contains("seed 40, not 41: leave the seed out"), "{error}");
    let id = generate(&bench.start().await, "k1", "a lighthouse").await;
    let fresh = Bench::new();
    let same = fresh.builder().seed(40).start().await.expect("it starts");
    assert_eq!(generate(&same, "k1", "a lighthouse").await, id);
}

#[tokio::test]
async fn a_reset_is_on_the_disk_too() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let id = generate(&sandbox, "k1", "a lighthouse").await;
    delete(&sandbox, &id).await;
    generate(&sandbox, "k2", "a lighthouse").await;
    let (status, _) = post(&sandbox, "/__sandbox/reset", &json!({})).await;
    assert_eq!(status, 200);
    let after = bench.crash();
    drop(sandbox);
    for bench in [bench, after] {
        let sandbox = bench.start().await;
        assert!(sandbox.jobs().is_empty() && sandbox.ledger().entries.is_empty());
        assert_eq!(delete(&sandbox, &id).await, 404);
        generate(&sandbox, "k2", "a harbour").await;
        assert_eq!(sandbox.jobs()[0].number, 1);
    }
}

#[tokio::test]
async fn a_manual_clock_continues_where_it_was() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    sandbox.clock().advance(MINUTE);
    get(&sandbox, "/v1/video/list").await;
    let after = bench.crash().start().await;
    assert_eq!(after.clock().now(), sandbox.clock().now());
}

#[tokio::test]
async fn no_clock_goes_back_behind_a_response() {
    for clock in [Clock::real(), Clock::scaled(5000.0)] {
        let bench = Bench::new();
        let start = async |bench: &Bench| -> Sandbox {
            let builder = bench.builder().clock(clock);
            builder.start().await.expect("it starts")
        };
        let sandbox = start(&bench).await;
        // The system's clock may stand behind that of the sandbox, which was turned.
        sandbox.clock().advance(24 * 60 * MINUTE);
        generate(&sandbox, "k1", "a lighthouse").await;
        let mut told = sandbox.clock().now();
        for _ in 0..50 {
            let response = call(&sandbox, Method::GET, "/__sandbox/clock", None, None).await.1;
            let now: Timestamp = response["now"].as_str().expect("a time").parse().expect("a time");
            told = now.try_into().expect("a system time");
        }
        let crashed = bench.crash();
        let after = start(&crashed).await;
        assert!(after.clock().now() >= told, "{:?} is before {told:?}", after.clock().now());
        drop(sandbox);
        assert!(start(&bench).await.clock().now() >= told);
    }
}

#[tokio::test]
async fn the_clock_and_the_reset_of_an_account_are_on_the_disk_too() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let id = generate(&sandbox, "k1", "a lighthouse").await;
    let failing = generate(&sandbox, "k2", "a harbour [fail]").await;
    let account = sandbox.account(KEY);
    account.advance(60 * MINUTE);
    assert_eq!(state(&sandbox, &failing).await, "failed");
    let before = (account.now(), account.jobs(), account.ledger(), sandbox.clock().now());
    let after = bench.crash().start().await;
    let again = after.account(KEY);
    assert_eq!((again.now(), again.jobs(), again.ledger(), after.clock().now()), before);
    assert_eq!(state(&after, &id).await, "succeeded");
    again.advance(23 * 60 * MINUTE);
    assert_eq!(submit(&after, "k1", "a storm").await.0, 200, "the idempotency key is a day old");

    account.reset();
    generate(&sandbox, "k1", "a storm").await;
    let after = bench.crash().start().await;
    let again = after.account(KEY);
    assert_eq!(
        (again.now(), again.jobs(), again.ledger()),
        (account.now(), account.jobs(), account.ledger())
    );
    assert_eq!((again.jobs().len(), again.jobs()[0].number), (1, 3));
}

#[tokio::test]
async fn directories_of_earlier_formats_are_upgraded() {
    let other = Bench::new();
    let same = other.builder().starting_balance(100.0).start().await.expect("it starts");
    generate(&same, "k1", "a lighthouse").await;
    let deleted = generate(&same, "k2", "a harbour").await;
    let cancelled = generate(&same, "k3", "a storm").await;
    assert_eq!(delete(&same, &deleted).await, 200);
    assert_eq!(post(&same, &format!("/v1/video/cancel/{cancelled}"), &json!({})).await.0, 200);
    let (_, topup) = post(&same, "/v1/account/topup", &json!({"amount_usd": 5})).await;
    let checkout = topup["data"]["checkout_url"].as_str().expect("a link");
    let checkout = checkout.split_once("/checkout").expect("a path").1;

    let formats = [
        include_str!("../../src/store/durable/migrations/1.sql"),
        include_str!("../../src/store/durable/migrations/2.sql"),
    ];
    for format in 1..=formats.len() {
        let bench = Bench::new();
        let db = rusqlite::Connection::open(bench.path().join("sandbox.db")).expect("a database");
        let header = format!("PRAGMA application_id = 0x49565342; PRAGMA user_version = {format}");
        for statements in formats[..format].iter().chain(&[include_str!("format_1.sql"), header.as_str()]) {
            db.execute_batch(statements).expect("the statements of that format");
        }
        drop(db);
        // The second start reads what the first one made of it.
        for _ in 0..2 {
            let sandbox = bench.start().await;
            assert_eq!((sandbox.jobs(), sandbox.ledger()), (same.jobs(), same.ledger()), "format {format}");
            assert_eq!(delete(&sandbox, &deleted).await, 200, "once more");
            assert_eq!(submit(&sandbox, "k1", "a lighthouse").await.1["metadata"]["cache_hit"], true);
        }
        let sandbox = bench.start().await;
        Client::new().get(format!("{}/checkout{checkout}", sandbox.base_url())).send().await.expect("a page");
        assert_eq!(sandbox.ledger().entries.len(), same.ledger().entries.len() + 1, "the top-up is paid");
        sandbox.account(KEY).advance(MINUTE);
        assert_ne!(sandbox.account(KEY).now(), sandbox.clock().now());
    }
}

/// Restarts remove changes that no longer matter.
#[tokio::test]
async fn a_file_grows_with_the_state_and_not_with_its_history() {
    let bench = Bench::new();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let sandbox = bench.start().await;
        let id = generate(&sandbox, "k1", "a lighthouse").await;
        let retention = format!("/v1/video/set_retention/{id}");
        for days in 1..=60 {
            assert_eq!(post(&sandbox, &retention, &json!({"days": days})).await.0, 200);
        }
        drop(sandbox);
        let sandbox = bench.start().await;
        assert_eq!(sandbox.jobs().len(), 1);
        drop(sandbox);
        sizes.push(std::fs::metadata(bench.path().join("sandbox.db")).expect("a file").len());
    }
    assert_eq!(sizes[1], sizes[3], "{sizes:?}");
}

#[tokio::test]
async fn the_numbers_of_an_account_that_was_reset_are_not_used_again() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    let before =
        [generate(&sandbox, "k1", "a lighthouse").await, generate(&sandbox, "k2", "a harbour").await];
    let topup = async |sandbox: &Sandbox| {
        let (status, response) = post(sandbox, "/v1/account/topup", &json!({})).await;
        assert_eq!(status, 200, "{response}");
        response["data"]["checkout_url"]
            .as_str()
            .expect("a link")
            .rsplit('/')
            .next()
            .expect("an id")
            .to_owned()
    };
    let first = topup(&sandbox).await;
    let (status, _) = post(&sandbox, &format!("/__sandbox/reset?account={KEY}"), &json!({})).await;
    assert_eq!(status, 200);
    let after = bench.crash().start().await;
    for sandbox in [&sandbox, &after] {
        let id = generate(sandbox, "k1", "a lighthouse").await;
        assert_eq!(sandbox.jobs()[0].number, 3);
        assert!(!before.contains(&id));
        assert_ne!(topup(sandbox).await, first);
    }
}
