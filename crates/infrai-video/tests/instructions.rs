//! The instructions of a call without optimization, counted by valgrind: at most 2 % more than was agreed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::process::Command;

use infrai_video::JobState;
use support::costs::assert_agreed;
use support::{fixed, on_a_paused_clock};

/// The number of calls in [`calls`].
const CALLS: &str = "INFRAI_CALLS";

#[test]
fn calls() {
    let calls = std::env::var(CALLS).map_or(1, |calls| calls.parse().unwrap());
    on_a_paused_clock(async {
        let client = fixed::client();
        for _ in 0..calls {
            assert_eq!(client.status("vj_1").await.unwrap().state, JobState::Running);
        }
    });
}

/// The instructions of a process that makes so many calls.
fn instructions(calls: u32) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=2"])
        .arg(std::env::current_exe().unwrap())
        .args(["calls", "--exact", "--test-threads=1"])
        .env(CALLS, calls.to_string())
        .output()
        .expect("valgrind is installed");
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.lines().filter_map(|line| line.split_once("Collected :")).next();
    collected.unwrap_or_else(|| panic!("valgrind failed: {log}")).1.trim().parse().unwrap()
}

#[test]
#[ignore = "needs valgrind: cargo test -p infrai-video --test instructions -- --ignored"]
fn a_status_call_takes_no_more_instructions_than_agreed() {
    // The difference of two runs is free of the cost of the start.
    let one = instructions(120).saturating_sub(instructions(20)) as f64 / 100.0;
    assert_agreed("instructions of a status call", one);
}
