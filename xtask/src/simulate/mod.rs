//! `cargo xtask simulate`: plays the SDK against the sandbox, seed by seed; and `--mutants`, which checks that the
//! simulation would notice.

mod mutants;

use std::path::Path;
use std::process::{Command, ExitStatus};

pub use mutants::{MUTANTS, Mutant};

/// Plays seeds from `from` on.
///
/// # Errors
///
/// Fails where cargo cannot be started, a promise was broken, or the program does not build.
pub fn run(root: &Path, seeds: u64, from: u64) -> Result<(), String> {
    let status = simulate(root, &root.join("target"), seeds, from).status();
    succeeded(status)?
        .then_some(())
        .ok_or_else(|| "a promise was broken; the lines above name the seeds".to_owned())
}

/// Breaks a copy of the SDK in each of the known ways, and plays up to `seeds` seeds on it.
///
/// # Errors
///
/// Fails where a mutant is not noticed, or cannot be made.
pub fn run_mutants(root: &Path, seeds: u64) -> Result<(), String> {
    mutants::run(root, seeds)
}

fn simulate(root: &Path, target: &Path, seeds: u64, from: u64) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .args(["run", "--quiet", "-p", "contract-tests", "--bin", "simulate", "--"])
        .args(["--seeds", &seeds.to_string(), "--from", &from.to_string()]);
    command
}

fn succeeded(status: std::io::Result<ExitStatus>) -> Result<bool, String> {
    status.map(|status| status.success()).map_err(|error| format!("cargo cannot be started: {error}"))
}
