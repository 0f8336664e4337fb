//! `cargo xtask test`: every check of the workspace, one after the other, to the end.

mod browser;
mod child;
mod consumers;
mod counts;
mod judges;
mod licences;
mod machines;
mod mock;
mod package;
mod publish;
mod schemathesis;
mod snapshots;
mod steps;
mod tools;
mod updates;

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use child::Child;

/// What to run and how much to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Run these steps alone; all if there are none. [`Step::Snapshots`] brings [`Step::Tests`] with it, and
    /// [`Step::Network`] is a part of that.
    pub only: Vec<Step>,
    /// Show what the steps print while they run, and not only if they fail.
    pub verbose: bool,
    /// A step that cannot run is a failure, as it should be where nobody reads the output.
    pub strict: bool,
}

/// The steps in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Step {
    /// Install what some tests call, where that is possible: ffprobe, curl, shells, and readers of manual pages.
    Tools,
    /// Is the code formatted?
    Fmt,
    /// Does clippy have nothing to say?
    Clippy,
    /// Is the contract without mistakes?
    Lint,
    /// Do changes of the contract since its last release have their version and their entry in its changelog?
    Diff,
    /// Do the generated files follow from the contract?
    Regen,
    /// Is an update of the contract that breaks nobody one run of regen, after which the workspace compiles?
    Updates,
    /// Do Redocly, Spectral and two validators find nothing to say about the contract?
    Judges,
    /// Does Prism, a mock server, answer each operation with the first example of the contract?
    Mock,
    /// Do the tests pass?
    Tests,
    /// Does the command work behind real TLS servers and proxies? Included in the tests; runs alone only on request.
    Network,
    /// Does a call take no more instructions than was agreed on? Installs valgrind where that is possible.
    Counts,
    /// Does a test read each snapshot, and is none waiting for review?
    Snapshots,
    /// Do machines that share a PostgreSQL get along? Installs it where that is possible.
    Machines,
    /// Does the page of the sandbox do what it should in a browser? Installs Chromium where that is possible.
    Browser,
    /// Do the examples of the documentation run?
    Doctests,
    /// Does schemathesis find every answer of the sandbox right?
    Schemathesis,
    /// Do clients that other languages generate from the contract work against the sandbox?
    Consumers,
    /// Is what is published what is kept, valid, and of use in a browser and against the sandbox?
    Publish,
    /// Is each crate packed with its licences and its page, and can the command be built without the sandbox?
    Package,
    /// Can the documentation be built without warnings?
    Docs,
    /// Is each dependency's licence allowed by deny.toml?
    Licences,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// With one line that says what is wrong.
    Failed(String),
    /// With one line that says why it could not run.
    Skipped(String),
}

/// What the steps share.
struct Context<'a> {
    root: &'a Path,
    verbose: bool,
    out: &'a mut dyn Write,
    /// Where the tests write down the snapshots that they read; there once the tests have run.
    references: Option<tempfile::NamedTempFile>,
}

type Action = fn(&mut Context<'_>, Step) -> io::Result<Outcome>;

/// Runs the steps on the workspace at `root`, and says whether all went well.
///
/// Prints one line for each step and a summary. Of what the steps print only the results of the tests are shown at
/// once, unless `options` say otherwise; the rest follows if the step fails.
///
/// # Errors
/// Only if `out` cannot be written to.
pub fn run(root: &Path, options: &Options, out: &mut dyn Write) -> io::Result<bool> {
    run_with(root, options, out, steps::run)
}

fn run_with(root: &Path, options: &Options, out: &mut dyn Write, action: Action) -> io::Result<bool> {
    let mut context = Context { root, verbose: options.verbose, out, references: None };
    let mut results = Vec::new();
    for step in chosen(&options.only) {
        let start = Instant::now();
        let outcome = action(&mut context, step).unwrap_or_else(|error| Outcome::Failed(error.to_string()));
        let line = line(step, &outcome, start.elapsed());
        writeln!(context.out, "{line}")?;
        context.out.flush()?;
        results.push((outcome, line));
    }
    writeln!(context.out, "\nsummary")?;
    for (_, line) in &results {
        writeln!(context.out, "  {line}")?;
    }
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|(outcome, _)| wanted(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let passed = results.len() - failed - skipped;
    let bad = failed > 0 || options.strict && skipped > 0;
    let note = if options.strict && skipped > 0 { "; with CI=true a skipped step is a failure" } else { "" };
    writeln!(context.out, "{passed} passed, {failed} failed, {skipped} skipped{note}")?;
    Ok(!bad)
}

fn chosen(only: &[Step]) -> Vec<Step> {
    let wanted = |step: &Step| {
        let tests = only.is_empty() || only.contains(&Step::Tests) || only.contains(&Step::Snapshots);
        match step {
            Step::Tests => tests,
            Step::Network => !tests && only.contains(step),
            _ => only.is_empty() || only.contains(step),
        }
    };
    Step::value_variants().iter().copied().filter(wanted).collect()
}

fn line(step: Step, outcome: &Outcome, time: Duration) -> String {
    let result = match outcome {
        Outcome::Passed => "ok".to_owned(),
        Outcome::Failed(why) => format!("FAILED: {why}"),
        Outcome::Skipped(why) => format!("skipped: {why}"),
    };
    format!("{:<12} {:>7.1} s  {result}", step.name(), time.as_secs_f64())
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs pretended steps: lint fails, fmt is skipped, all else passes.
    fn pretend(options: &Options) -> (bool, Vec<String>) {
        fn action(_: &mut Context<'_>, step: Step) -> io::Result<Outcome> {
            match step {
                Step::Lint => Ok(Outcome::Failed("3 problems".to_owned())),
                Step::Fmt => Ok(Outcome::Skipped("rustfmt is not installed".to_owned())),
                Step::Docs => Err(io::Error::other("no such program")),
                _ => Ok(Outcome::Passed),
            }
        }
        let mut out = Vec::new();
        let good = run_with(Path::new("."), options, &mut out, action).unwrap();
        (good, String::from_utf8(out).unwrap().lines().map(str::to_owned).collect())
    }

    fn only(steps: &[Step]) -> Options {
        Options { only: steps.to_vec(), ..Options::default() }
    }

    #[test]
    fn a_failure_does_not_keep_the_later_steps_from_running() {
        let (good, lines) = pretend(&Options::default());
        assert!(!good);
        assert!(
            lines.iter().any(|line| line.starts_with("lint ") && line.ends_with("FAILED: 3 problems")),
            "{lines:#?}"
        );
        assert!(lines.iter().any(|line| line.starts_with("licences ") && line.ends_with("ok")), "{lines:#?}");
        let passed = chosen(&[]).len() - 3;
        assert_eq!(*lines.last().unwrap(), format!("{passed} passed, 2 failed, 1 skipped"));
    }

    #[test]
    fn a_step_that_cannot_be_started_is_a_failure() {
        let (good, lines) = pretend(&only(&[Step::Docs]));
        assert!(!good);
        assert!(lines[0].ends_with("FAILED: no such program"), "{lines:#?}");
    }

    #[test]
    fn a_skipped_step_is_a_failure_only_where_nobody_reads() {
        let (good, lines) = pretend(&only(&[Step::Fmt, Step::Clippy]));
        assert!(good);
        assert_eq!(lines.last().unwrap(), "1 passed, 0 failed, 1 skipped");
        let (good, lines) = pretend(&Options { strict: true, ..only(&[Step::Fmt, Step::Clippy]) });
        assert!(!good);
        assert_eq!(
            lines.last().unwrap(),
            "1 passed, 0 failed, 1 skipped; with CI=true a skipped step is a failure"
        );
    }

    #[test]
    fn the_summary_repeats_each_result() {
        let (_, lines) = pretend(&only(&[Step::Clippy]));
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert_eq!(lines[3], format!("  {}", lines[0]));
        assert_eq!(lines[4], "1 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn snapshots_alone_bring_the_tests_with_them() {
        assert_eq!(chosen(&[Step::Snapshots]), [Step::Tests, Step::Snapshots]);
        assert_eq!(chosen(&[Step::Docs, Step::Fmt]), [Step::Fmt, Step::Docs]);
    }

    #[test]
    fn no_test_is_run_twice() {
        assert_eq!(chosen(&[Step::Network]), [Step::Network]);
        assert_eq!(chosen(&[Step::Network, Step::Tests]), [Step::Tests]);
        assert_eq!(chosen(&[]).len(), Step::value_variants().len() - 1);
        assert!(!chosen(&[]).contains(&Step::Network));
    }
}
