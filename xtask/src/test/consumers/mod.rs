//! Programs in other languages call a running sandbox with clients that their own tools made from the document.

mod go;
mod java;
mod openapi_generator;
mod python;
mod readers;
mod typescript;
mod workshop;

use std::fs;
use std::io;

use super::tools::{self, Tool};
use super::{Child, Context, Outcome};
use crate::contract::{Contract, DOCUMENT};
use crate::fixtures;
use crate::live::{Build, LiveSandbox};
use workshop::Workshop;

/// Where the programs are, each in a directory that is named after its language.
const PROGRAMS: &str = "tests/consumers";

/// Makes a program that is ready to run, or says why there is none.
type Prepare = fn(&mut Context<'_>, &Workshop) -> Result<Child, Outcome>;

/// A language, how its program is made, and the text that decides so beside the program's own files.
type Language = (&'static str, Prepare, &'static [&'static str]);

const LANGUAGES: [Language; 4] = [
    ("typescript", typescript::prepare, &[include_str!("typescript.rs")]),
    ("python", python::prepare, &[include_str!("python.rs")]),
    ("go", go::prepare, &[go::RULES, openapi_generator::RULES, openapi_generator::VERSION]),
    ("java", java::prepare, &[include_str!("java.rs"), openapi_generator::RULES, openapi_generator::VERSION]),
];

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let root = fs::canonicalize(context.root)?;
    let contract = Contract::load(&root.join(DOCUMENT)).map_err(io::Error::other)?;
    let cases = fixtures::fixtures(&contract).map_err(io::Error::other)?;
    let expected = Expected {
        operations: contract.operations().count(),
        cases: cases.iter().map(|fixture| fixture.cases.len()).sum(),
    };
    // Only a clock that stands still leaves a job running until it is cancelled.
    let sandbox = LiveSandbox::start(context.root, Build::Dev, &["--clock", "manual", "--balance", "1000"])?;
    let bodies = readers::cases(&contract, &cases).map_err(io::Error::other)?;
    let mut total = Outcome::Passed;
    for (language, prepare, rules) in LANGUAGES {
        let outcome =
            Workshop::new(&root, language, rules).map_err(|error| failed(&error)).and_then(|workshop| {
                let program = prepare(context, &workshop)?
                    .named(language)
                    .env("INFRAI_BASE_URL", sandbox.base_url())
                    .env("INFRAI_API_KEY", format!("ifr_pk_{language}"))
                    .env("FIXTURES", root.join(fixtures::PLACE))
                    .env("NO_PROXY", "*")
                    .env("no_proxy", "*");
                let (outcome, line) = program.run_to_last_line(context).map_err(|error| failed(&error))?;
                if outcome != Outcome::Passed {
                    return Err(outcome);
                }
                writeln!(context.out, "{line}").map_err(|error| failed(&error))?;
                expected.judge(language, &line)
            });
        total = worse(total, outcome.err().map(|outcome| with_language(language, outcome)));
    }
    for (language, prepare, rules) in readers::LANGUAGES {
        let outcome =
            Workshop::new(&root, language, rules).map_err(|error| failed(&error)).and_then(|workshop| {
                readers::write(&workshop, &bodies)?;
                let program = prepare(context, &workshop)?.named(language);
                let line = readers::run(context, &workshop, program, &bodies)?;
                writeln!(context.out, "{language}: {line}").map_err(|error| failed(&error))
            });
        total = worse(total, outcome.err().map(|outcome| with_language(language, outcome)));
    }
    Ok(total)
}

/// What each program must have done.
struct Expected {
    operations: usize,
    cases: usize,
}

impl Expected {
    /// Judges the last line that a program prints.
    fn judge(&self, language: &str, line: &str) -> Result<(), Outcome> {
        let start = format!("{language}: {} operations, 2 errors, 3 pages, 1 clip of ", self.operations);
        let end = format!(" bytes, {} fixtures, 3 surprises", self.cases);
        let bytes = line.strip_prefix(&start).and_then(|rest| rest.strip_suffix(&end));
        if bytes.and_then(|bytes| bytes.parse().ok()).is_some_and(|bytes: u64| bytes > 0) {
            return Ok(());
        }
        Err(Outcome::Failed(format!("it should have ended with `{start}N{end}`")))
    }
}

fn failed(error: &io::Error) -> Outcome {
    Outcome::Failed(error.to_string())
}

/// Installs tools, or says why there are none.
fn installed(context: &mut Context<'_>, tools: &[Tool]) -> Result<(), Outcome> {
    match tools::install(context, tools) {
        Ok(Outcome::Passed) => Ok(()),
        Ok(outcome) => Err(outcome),
        Err(error) => Err(failed(&error)),
    }
}

/// Runs a program that makes something, and stops if it fails.
fn carry_out(context: &mut Context<'_>, program: Child) -> Result<(), Outcome> {
    match program.run(context) {
        Ok(Outcome::Passed) => Ok(()),
        Ok(outcome) => Err(outcome),
        Err(error) => Err(failed(&error)),
    }
}

fn with_language(language: &str, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Passed => Outcome::Passed,
        Outcome::Failed(why) => Outcome::Failed(format!("{language}: {why}")),
        Outcome::Skipped(why) => Outcome::Skipped(format!("{language}: {why}")),
    }
}

/// The outcome of several: a failure counts more than what could not run, and nothing that was said is lost.
fn worse(total: Outcome, next: Option<Outcome>) -> Outcome {
    match (total, next) {
        (total, None | Some(Outcome::Passed)) => total,
        (Outcome::Passed, Some(next)) => next,
        (Outcome::Skipped(total), Some(Outcome::Skipped(next))) => {
            Outcome::Skipped(format!("{total}; {next}"))
        }
        (
            Outcome::Failed(total) | Outcome::Skipped(total),
            Some(Outcome::Failed(next) | Outcome::Skipped(next)),
        ) => Outcome::Failed(format!("{total}; {next}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected = Expected { operations: 10, cases: 93 };

    #[test]
    fn a_program_that_did_everything_passes() {
        let line = "go: 10 operations, 2 errors, 3 pages, 1 clip of 21676 bytes, 93 fixtures, 3 surprises";
        assert_eq!(EXPECTED.judge("go", line), Ok(()));
    }

    #[test]
    fn a_program_that_left_something_out_fails() {
        for line in [
            "",
            "go: 9 operations, 2 errors, 3 pages, 1 clip of 21676 bytes, 93 fixtures, 3 surprises",
            "go: 10 operations, 2 errors, 3 pages, 1 clip of 0 bytes, 93 fixtures, 3 surprises",
            "go: 10 operations, 2 errors, 3 pages, 1 clip of 21676 bytes, 92 fixtures, 3 surprises",
        ] {
            assert!(matches!(EXPECTED.judge("go", line), Err(Outcome::Failed(_))), "{line}");
        }
    }

    #[test]
    fn a_failure_counts_more_than_a_skipped_language_and_both_are_told() {
        let skipped = || Outcome::Skipped("go: no Java".to_owned());
        let failure = || Outcome::Failed("java: 9 operations".to_owned());
        assert_eq!(worse(Outcome::Passed, None), Outcome::Passed);
        assert_eq!(worse(skipped(), None), skipped());
        assert_eq!(worse(Outcome::Passed, Some(skipped())), skipped());
        let both = Outcome::Failed("go: no Java; java: 9 operations".to_owned());
        assert_eq!(worse(skipped(), Some(failure())), both);
    }
}
