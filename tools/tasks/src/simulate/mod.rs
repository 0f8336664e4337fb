//! `cargo xtask simulate` runs the SDK against the sandbox, seed by seed; `--mutants` checks that the simulation notices bugs.

mod mutants;

use std::path::Path;

use anyhow::ensure;
use external_tools::Process;

pub use mutants::{MUTANTS, Mutant, run_mutants};

/// Runs seeds from `from` on.
///
/// # Errors
/// If the program does not build, or a seed violates an invariant.
pub fn run(root: &Path, seeds: u64, from: u64) -> anyhow::Result<()> {
    ensure!(
        simulation(root, seeds, from).show()?,
        "an invariant was violated; the lines above name the seeds"
    );
    Ok(())
}

fn simulation(root: &Path, seeds: u64, from: u64) -> Process {
    Process::cargo(root)
        .args("test --quiet -p infrai-video --test simulation --")
        .args("no_seed_violates_an_invariant --exact --nocapture")
        .env("INFRAI_SIMULATION_SEEDS", seeds.to_string())
        .env("INFRAI_SIMULATION_FROM", from.to_string())
}
