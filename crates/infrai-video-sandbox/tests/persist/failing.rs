use reqwest::{Client, Method};
use rusqlite::Connection;
use serde_json::json;

use crate::common::{Bench, call, generate, submit};

/// Lets a stopped sandbox's file take no more jobs, or take them again.
fn sql(bench: &Bench, statement: &str) {
    let db = Connection::open(bench.path().join("sandbox.db")).expect("a database");
    db.execute_batch(statement).expect("a statement");
}

#[tokio::test]
async fn a_full_disk_never_results_in_an_acceptance() {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    generate(&sandbox, "k1", "a lighthouse").await;
    drop(sandbox);
    sql(
        &bench,
        "CREATE TRIGGER full BEFORE INSERT ON changes BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
    );

    let sandbox = bench.start().await;
    for _ in 0..3 {
        let (status, response) = submit(&sandbox, "k2", "a harbour").await;
        assert_eq!((status, &response["error"]["code"]), (503, &json!("UNAVAILABLE")), "{response}");
        assert_eq!(response["error"]["retryable"], true);
        let message = response["error"]["message"].as_str().expect("a message");
        assert!(message.contains("database or disk is full") && message.contains("sandbox.db"), "{message}");
    }
    // What is in memory alone must not be told either.
    for path in ["/v1/video/list", "/__sandbox/ledger", "/healthz"] {
        assert_eq!(call(&sandbox, Method::GET, path, None, None).await.0, 503, "{path}");
    }
    let clip = Client::new().get(format!("{}/clips/vj_1.mp4", sandbox.file_base_url())).send().await;
    assert_eq!(clip.expect("a response").status(), 503);
    drop(sandbox);

    sql(&bench, "DROP TRIGGER full");
    let sandbox = bench.start().await;
    assert_eq!((sandbox.jobs().len(), sandbox.ledger().charges().count()), (1, 1));
    let (status, response) = submit(&sandbox, "k2", "a harbour").await;
    assert_eq!((status, &response["metadata"]["cache_hit"]), (200, &json!(false)));
}
