//! The allocations of a call, and the requests of a wait: at most 2 % more than was agreed.
//!
//! If a count falls, lower the number here. If it must grow, raise the number and update the reason.
//!
//! This program has one test, since the allocator counts for the whole process. The instructions of a call are counted in
//! `instructions.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;
mod waiting;

use std::time::Duration;

use support::{fixed, on_a_paused_clock};
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

/// The mean number of requests of the first seeds' waits.
fn requests(count: usize, seeds: u64) -> f64 {
    let jobs = Jobs { count, over: Duration::ZERO };
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
    drop(profiler);
    for (name, counted, agreed, reason) in [
        (
            "allocations of a status call",
            status,
            25.0,
            "a response is decoded in place, and a base URL is parsed once",
        ),
        ("allocations of a list call for 20 jobs", list, 68.0, "as for status"),
        (
            "requests of a wait for one job",
            requests(1, 20),
            33.4,
            "the first poll after 8 seconds, then one every 5",
        ),
        ("requests of a wait for 100 jobs", requests(100, 1), 251.0, "the shortest interval has jitter too"),
    ] {
        assert!(counted <= agreed * 1.02, "{name}: {counted:.1}, {agreed:.1} were agreed ({reason})");
    }
}
