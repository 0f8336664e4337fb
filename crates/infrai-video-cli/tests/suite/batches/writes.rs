//! How an item of a batch is written to the ledger. The simulation of `cargo xtask scale` assumes the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::process::Stdio;
use std::time::Duration;

use infrai_video_sandbox::{Clock, JobTimes, Sandbox};
use rusqlite::Connection;

use crate::common::{Harness, Run};

/// Records each row that a statement changes. A heartbeat changes none of these columns.
const RECORD: &str = "CREATE TABLE seen (row TEXT);
    CREATE TRIGGER see AFTER UPDATE OF stage, job_state, worker ON items BEGIN
        INSERT INTO seen VALUES (new.stage || ' ' || coalesce(new.job_state, '-') || ' ' ||
            CASE WHEN new.worker IS NULL THEN 'free' ELSE 'leased' END);
    END";

fn seen(ledger: &Connection) -> Vec<String> {
    let mut query = ledger.prepare("SELECT row FROM seen ORDER BY rowid").unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_written_as_the_simulation_assumes() {
    const MINUTE: Duration = Duration::from_secs(60);
    let times = JobTimes { queued: MINUTE, running: MINUTE, per_clip_second: Duration::ZERO };
    let harness = Harness::with(Sandbox::builder().clock(Clock::manual()).job_times(times)).await;
    std::fs::write(harness.path("clips.jsonl"), "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}")
        .unwrap();
    assert_eq!(harness.run(["batch", "status"]).code, Some(0), "it creates the ledger");
    let ledger = Connection::open(harness.state.path().join("ledger.db")).unwrap();
    ledger.execute_batch(RECORD).unwrap();
    let mut command = harness.command(["batch", "run", "clips.jsonl", "-q"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for state in ["accepted queued leased", "accepted running leased"] {
        while seen(&ledger).last().is_none_or(|last| last != state) {
            tokio::task::yield_now().await;
        }
        harness.sandbox.clock().advance(MINUTE);
    }
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let expected =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/scale/item.txt"));
    assert_eq!(seen(&ledger).join("\n") + "\n", expected.unwrap());
}
