//! How many instructions a call takes, counted by valgrind: no more than `tests/counts.toml` says.

use anyhow::Context as _;
use external_tools::{Process, cargo};

use super::runner::{Outcome, Runner};
use crate::counts::Counts;

/// The calls of the shorter of two runs, and how many more the longer one makes. The cost of the start cancels out.
const FIRST: u32 = 20;
const MORE: u32 = 100;

pub(super) fn run(runner: &mut Runner<'_>) -> anyhow::Result<Outcome> {
    let program = cargo::named(&cargo::programs(runner.root, cargo::TESTS)?, "calls")?;
    let instructions = |calls: u32| {
        let valgrind = Process::new("valgrind", runner.root)
            .args("--tool=callgrind --callgrind-out-file=/dev/null --log-fd=1")
            .arg(&program)
            .arg(calls.to_string());
        collected(&valgrind.read()?).context("valgrind printed no count")
    };
    let more = instructions(FIRST + MORE)?.saturating_sub(instructions(FIRST)?);
    let one = more as f64 / f64::from(MORE);
    writeln!(runner.out, "a call of status takes {one:.0} instructions")?;
    let counts = Counts::load(runner.root).map_err(anyhow::Error::msg)?;
    counts.judge("status_instructions", one).map_err(anyhow::Error::msg)?;
    Ok(Outcome::Passed)
}

/// The number of instructions in what valgrind prints.
fn collected(told: &str) -> Option<u64> {
    let line = told.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_instructions_is_read() {
        assert_eq!(collected("==1== Events    : Ir\n==1== Collected : 1234\n"), Some(1234));
        assert_eq!(collected("valgrind: no such program"), None);
    }
}
