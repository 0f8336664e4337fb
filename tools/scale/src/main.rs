//! `cargo xtask scale`: simulates a million clips in virtual time, models what they need, and writes docs/scale.md.

mod simulation;

use clap::Parser;
use simulation::{Faults, Scenario, run};

/// Simulate many workers and items in virtual time, and write docs/scale.md.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seed of the simulation.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of clips.
    #[arg(long, default_value_t = 1_000_000)]
    items: u32,
    /// The number of workers.
    #[arg(long, default_value_t = 100)]
    workers: u32,
    #[arg(long, default_value_t = 512)]
    concurrency: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut scenario = Scenario::new(arguments.seed, arguments.items, arguments.workers, arguments.concurrency);
    scenario.faults = Faults::all(arguments.workers);
    let report = run(&scenario);
    println!("{report:#?}");
    Ok(())
}
