//! The allocations of a call, and the requests and the memory of a wait: at most 2 % more than was agreed.
//!
//! The agreed numbers are in `tests/counts.toml` of the workspace.
//!
//! This program has one test, since the allocator counts for the whole process. The instructions of a call are counted in
//! `instructions.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;
mod waiting;

use std::time::Duration;

use infrai_video::Client;
use support::costs::assert_agreed;
use support::{fixed, on_a_paused_clock};
use tokio::time::timeout;
use waiting::{Jobs, Policy, play};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The number of calls that are counted.
const CALLS: u64 = 100;

/// The blocks that a call allocates, after the first calls have filled the caches.
fn allocations(call: impl AsyncFn()) -> f64 {
    on_a_paused_clock(async {
        for _ in 0..10 {
            call().await;
        }
        let before = dhat::HeapStats::get().total_blocks;
        for _ in 0..CALLS {
            call().await;
        }
        (dhat::HeapStats::get().total_blocks - before) as f64 / CALLS as f64
    })
}

/// The bytes that a wait keeps for each job between two rounds.
fn bytes_for_each_job(client: &Client) -> f64 {
    const JOBS: usize = 1000;
    on_a_paused_clock(async {
        let ids: Vec<String> = (0..JOBS).map(|job| format!("vj_{job:026}")).collect();
        let before = dhat::HeapStats::get().curr_bytes;
        let mut results = client.wait_all(ids.iter()).results();
        assert!(timeout(Duration::from_secs(1), results.next()).await.is_err(), "a job ended");
        (dhat::HeapStats::get().curr_bytes - before) as f64 / JOBS as f64
    })
}

/// The mean number of requests of the first seeds' waits.
fn requests(count: usize, limit: Option<u32>, seeds: u64) -> f64 {
    let jobs = Jobs { count, over: Duration::ZERO, limit };
    let sent: u64 = (0..seeds).map(|seed| play(Policy::Ours, jobs, seed).requests).sum();
    sent as f64 / seeds as f64
}

#[test]
fn calls_and_waits_cost_no_more_than_agreed() {
    let client = fixed::client();
    let profiler = dhat::Profiler::builder().testing().build();
    let status = allocations(async || assert!(client.status("vj_1").await.is_ok()));
    let list = allocations(async || {
        let page = client.list().limit(20).await.unwrap();
        assert_eq!(page.items.as_ref().map(Vec::len), Some(fixed::PAGE));
    });
    let bytes = bytes_for_each_job(&client);
    drop(profiler);
    assert_agreed("allocations of a status call", status);
    assert_agreed("allocations of a list call for 20 jobs", list);
    assert_agreed("bytes of a wait for each of many jobs", bytes);
    assert_agreed("requests of a wait for one job", requests(1, None, 20));
    assert_agreed("requests of a wait for 100 jobs", requests(100, None, 1));
    assert_agreed("requests of a wait for 1,000 jobs at 2 requests a second", requests(1000, Some(2), 1));
}
