//! Plays many seeds of the simulation. `cargo xtask simulate` runs it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where the result meets the terminal")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use contract_tests::simulation::{Report, run};

/// Plays the SDK against the sandbox under faults and crashes, seed by seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Stop at the first seed that breaks a promise.
    #[arg(long)]
    first: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = std::time::Instant::now();
    let end = arguments.from.saturating_add(arguments.seeds);
    let next = AtomicU64::new(arguments.from);
    let total = Mutex::new(Total::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
                    let report = run(seed);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.add(&report);
                    if total.seeds.is_multiple_of(500) {
                        eprintln!("{} of {} seeds played", total.seeds, arguments.seeds);
                    }
                    if !report.violations.is_empty() {
                        show(&report);
                        if arguments.first {
                            next.store(end, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let Total { seeds, requests, crashes, broken } =
        total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds, {requests} requests, {crashes} crashes, {broken} seeds with violations, {seconds:.1} s"
    );
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Total {
    seeds: u64,
    requests: usize,
    crashes: u32,
    broken: u64,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.requests += report.requests;
        self.crashes += report.crashes;
        self.broken += u64::from(!report.violations.is_empty());
    }
}

fn show(report: &Report) {
    println!("seed {} (digest {}):", report.seed, report.digest);
    for violation in &report.violations {
        println!("  {violation}");
    }
    println!("  again: cargo xtask simulate --seeds 1 --from {}", report.seed);
}
