//! Many seeds of a simulation in which anything may go wrong: see [`run`].
//!
//! `cargo xtask simulate` runs the first test with other seeds, by these environment variables:
//!
//! - `INFRAI_SIMULATION_SEEDS`: the number of seeds; 500 by default.
//! - `INFRAI_SIMULATION_FROM`: the first seed; 0 by default.
//! - `INFRAI_SIMULATION_FAIL_FAST`: stop at the first seed with a violation, if it is set.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the progress is for a terminal")]

mod clip;
mod faults;
mod invariants;
mod life;
mod process;
mod run;
mod stage;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use run::{Report, run};

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[derive(Debug, Default)]
struct Total {
    seeds: u64,
    requests: usize,
    crashes: u32,
    failed: Vec<u64>,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.requests += report.requests;
        self.crashes += report.crashes;
        if !report.violations.is_empty() {
            self.failed.push(report.seed);
            // In one piece: the lines of two threads must not mix.
            let violations = report.violations.join("\n  ");
            println!("\nseed {} (digest {}):\n  {violations}", report.seed, report.digest);
        }
    }
}

#[test]
fn no_seed_violates_an_invariant() {
    let seeds = variable("INFRAI_SIMULATION_SEEDS").unwrap_or(500);
    let from = variable("INFRAI_SIMULATION_FROM").unwrap_or(0);
    let fail_fast = std::env::var_os("INFRAI_SIMULATION_FAIL_FAST").is_some();
    let end = from.saturating_add(seeds);
    let (started, next, total) = (Instant::now(), AtomicU64::new(from), Mutex::new(Total::default()));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
            let report = run(seed);
            let mut total = total.lock().unwrap();
            total.add(&report);
            if fail_fast && !total.failed.is_empty() {
                next.store(end, Ordering::Relaxed);
            }
            if total.seeds.is_multiple_of(500) {
                eprintln!("{} of {seeds} seeds", total.seeds);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let Total { seeds, requests, crashes, failed } = total.into_inner().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds, {requests} requests, {crashes} crashes, {} seeds with violations, {seconds:.1} s",
        failed.len()
    );
    assert!(
        failed.is_empty(),
        "seeds with violations: {failed:?}; run one again with `cargo xtask simulate --seeds 1 --from SEED`"
    );
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 1000..1020 {
        assert_eq!(run(seed), run(seed));
    }
}
