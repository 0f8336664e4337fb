//! How many instructions a call takes, counted by valgrind: no more than `tests/counts.toml` says.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::tools::{self, Tool};
use super::{Child, Context, Outcome};
use crate::counts::Counts;

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
    // With the whole workspace chosen, cargo takes what the other tests were built from.
    let build = Child::cargo(context.root)
        .arguments("build --quiet --workspace --bin calls --message-format json-render-diagnostics");
    let program =
        executable(&String::from_utf8_lossy(&build.output()?)).ok_or("cargo built no such program")?;
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

/// Where the last program is that cargo says it built.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
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

    #[test]
    fn the_program_is_found_among_what_was_built() {
        let messages = "{\"executable\":null}\n{\"executable\":\"/t/calls\"}\n{\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/calls")));
    }
}
