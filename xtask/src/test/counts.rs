//! How many instructions a call takes, counted by valgrind: no more than `tests/counts.toml` says.

use std::io;

use super::tools::{self, Tool};
use super::{Child, Context, Outcome};
use crate::counts::Counts;
use crate::live;

const TOOLS: [Tool; 1] = [("valgrind", "--version", "valgrind")];

/// How many calls the shorter of two runs makes, and how many more the longer one. What the start takes falls out.
const FIRST: u32 = 20;
const MORE: u32 = 100;

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let installed = tools::install(context, &TOOLS)?;
    if installed != Outcome::Passed {
        return Ok(installed);
    }
    Ok(judge(context).map_or_else(Outcome::Failed, |()| Outcome::Passed))
}

fn judge(context: &mut Context<'_>) -> Result<(), String> {
    let counts = Counts::load(context.root)?;
    let program = live::built(context.root, live::DEV, "calls").map_err(|error| error.to_string())?;
    let instructions = |calls: u32| {
        let valgrind = Child::new("valgrind", context.root)
            .arguments("--tool=callgrind --callgrind-out-file=/dev/null --log-fd=1")
            .argument(&program)
            .argument(calls.to_string());
        let told = String::from_utf8_lossy(&valgrind.output()?).into_owned();
        collected(&told).ok_or_else(|| "valgrind did not say what it collected".to_owned())
    };
    let more = instructions(FIRST + MORE)?.saturating_sub(instructions(FIRST)?);
    let one = more as f64 / f64::from(MORE);
    writeln!(context.out, "a call of status takes {one:.0} instructions")
        .map_err(|error| error.to_string())?;
    counts.judge("status_instructions", one)
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
