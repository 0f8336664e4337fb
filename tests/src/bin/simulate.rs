//! Plays many seeds of the simulation. `cargo xtask simulate` runs it.
#![allow(clippy::print_stdout, reason = "this is where the result meets the terminal")]

use std::process::ExitCode;

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
    let (mut played, mut broken, mut requests, mut crashes) = (0, 0, 0, 0);
    for seed in arguments.from..arguments.from + arguments.seeds {
        let report = run(seed);
        played += 1;
        requests += report.requests;
        crashes += report.crashes;
        if !report.violations.is_empty() {
            broken += 1;
            show(&report);
            if arguments.first {
                break;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{played} seeds, {requests} requests, {crashes} crashes, {broken} seeds with violations, {seconds:.1} s"
    );
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(report: &Report) {
    println!("seed {} (digest {}):", report.seed, report.digest);
    for violation in &report.violations {
        println!("  {violation}");
    }
    println!("  again: cargo xtask simulate --seeds 1 --from {}", report.seed);
}
