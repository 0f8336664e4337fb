//! What an item of a batch costs: requests to the service, and transactions of the ledger. The agreed maximum numbers are in
//! `tests/counts.toml` of the workspace.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;
use std::time::Duration;

use infrai_video_sandbox::{JobTimes, Sandbox};
use rusqlite::Connection;

use crate::common::Harness;

const ITEMS: usize = 60;

/// The header of a write-ahead log, and of each frame in it: <https://www.sqlite.org/fileformat.html#the_write_ahead_log>.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A reader that keeps everything that is written since in the log.
struct Log(Connection);

impl Log {
    fn keep(ledger: &Path) -> Self {
        let reader = Connection::open(ledger).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM items").unwrap();
        Self(reader)
    }

    /// The number of transactions, and of bytes.
    fn read(&self) -> (usize, usize) {
        let log = std::fs::read(format!("{}-wal", self.0.path().unwrap())).unwrap();
        // The last process that closes a ledger empties its log.
        if log.is_empty() {
            return (0, LOG_HEADER);
        }
        let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
        let frame = FRAME_HEADER + number(8) as usize;
        // The last frame of a transaction has the size of the database.
        let commits = (LOG_HEADER..log.len()).step_by(frame).filter(|at| number(at + 4) != 0).count();
        (commits, log.len())
    }
}

fn assert_agreed(name: &str, counted: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/counts.toml");
    let counts: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let agreed = counts["batches"][name].as_float().unwrap();
    assert!(counted <= agreed, "{name}: {counted:.2}, {agreed:.2} were agreed");
}

/// Runs a batch with so many jobs at the same time. Returns what it costs for each item: requests, transactions and bytes of the
/// ledger's log.
async fn costs(jobs: usize, times: JobTimes) -> (f64, f64, f64) {
    let builder = Sandbox::builder().job_times(times).starting_balance(1e6);
    let harness = Harness::with(builder).await;
    let line =
        |number| format!("{{\"prompt\": \"a city\", \"duration_seconds\": 0.5, \"name\": \"s{number}\"}}\n");
    std::fs::write(harness.path("clips.jsonl"), (0..ITEMS).map(line).collect::<String>()).unwrap();
    assert_eq!(harness.run(["batch", "status"]).code, Some(0), "it creates the ledger");
    let log = Log::keep(&harness.state.path().join("ledger.db"));
    let (transactions, bytes) = log.read();
    let run = harness.run(["batch", "run", "clips.jsonl", "-q", "-j", &jobs.to_string()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let items = ITEMS as f64;
    let (after, bytes_after) = log.read();
    assert_eq!(harness.sandbox.ledger().charges().count(), ITEMS);
    (
        harness.sandbox.journal().len() as f64 / items,
        (after - transactions) as f64 / items,
        (bytes_after - bytes) as f64 / items,
    )
}

fn times(running: Duration) -> JobTimes {
    JobTimes { queued: Duration::ZERO, running, per_clip_second: Duration::ZERO }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_one_after_another_cost_what_was_agreed() {
    let (requests, transactions, bytes) = costs(1, times(Duration::ZERO)).await;
    println!("{requests:.2} requests, {transactions:.2} transactions, {bytes:.0} bytes");
    assert_agreed("transactions of an item", transactions);
    assert_agreed("bytes of an item in the log of the ledger", bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_of_a_batch_are_shared() {
    let (requests, transactions, bytes) = costs(ITEMS, times(Duration::from_millis(100))).await;
    println!("{requests:.2} requests, {transactions:.2} transactions, {bytes:.0} bytes");
    assert_agreed("requests of an item, with 60 at the same time", requests);
}
