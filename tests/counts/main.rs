//! What a call allocates, and how many requests a wait sends: no more than `tests/counts.toml` says.
//!
//! A program of its own, with one test: what is counted is all that the process allocates.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use contract_tests::fixed;
use contract_tests::hostile::on_a_paused_clock;
use contract_tests::root;
use contract_tests::waiting::{Jobs, Policy, play};
use xtask::counts::Counts;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// How many calls are counted.
const CALLS: u64 = 100;

/// How many blocks a call allocates, once the first calls have filled what is kept.
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

/// How many requests the waits of the first seeds send.
fn requests(count: usize, seeds: u64) -> f64 {
    let jobs = Jobs { count, over: Duration::ZERO };
    let sent: u64 = (0..seeds).map(|seed| play(Policy::Ours, jobs, seed).requests).sum();
    sent as f64 / seeds as f64
}

#[test]
fn calls_and_waits_cost_no_more_than_was_agreed_on() {
    let client = fixed::client();
    let counting = dhat::Profiler::builder().testing().build();
    let status = allocations(async || assert!(client.status("vj_1").await.is_ok()));
    let list = allocations(async || {
        let page = client.list().limit(20).await.unwrap();
        assert_eq!(page.items.as_ref().map(Vec::len), Some(fixed::PAGE));
    });
    drop(counting);
    let counted = [
        ("status_allocations", status),
        ("list_allocations", list),
        ("wait_requests", requests(1, 20)),
        ("wait_all_requests", requests(100, 1)),
    ];
    let counts = Counts::load(&root()).unwrap();
    let wrong: Vec<_> =
        counted.iter().filter_map(|(name, counted)| counts.judge(name, *counted).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
