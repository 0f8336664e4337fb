//! `cargo xtask test`: every check of the workspace, one after the other, to the end.

mod install;
mod runner;
mod snapshots;
mod steps;

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

pub use runner::Outcome;
use runner::Runner;
pub use steps::names;
use steps::{NETWORK, SNAPSHOTS, STEPS, Step, TESTS};

/// What to run and how much to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Run only the steps with these names; all if there are none. `snapshots` includes `tests`, and `network` is a part of
    /// that.
    pub only: Vec<String>,
    /// Show what the steps print while they run, and not only if they fail.
    pub verbose: bool,
    /// Install missing programs. A step that cannot run is a failure, as it should be where nobody reads the output.
    pub ci: bool,
}

/// Runs the steps on the workspace at `root`, and returns whether all of them succeeded.
///
/// Prints one line for each step and a summary. Of the steps' output only the results of the tests are shown at once, unless
/// `options` say otherwise; the rest follows if the step fails.
///
/// # Errors
/// Only if `out` cannot be written to.
pub fn run(root: &Path, options: &Options, out: &mut dyn Write) -> io::Result<bool> {
    let steps: Vec<&Step> = STEPS.iter().filter(|step| is_chosen(step.name, &options.only)).collect();
    run_steps(&steps, &mut Runner::new(root, options, out))
}

fn run_steps(steps: &[&Step], runner: &mut Runner<'_>) -> io::Result<bool> {
    let mut results = Vec::new();
    for step in steps {
        let start = Instant::now();
        let outcome = runner.step(step).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let line = line(step, &outcome, start.elapsed());
        writeln!(runner.out, "{line}")?;
        runner.out.flush()?;
        results.push((outcome, line));
    }
    writeln!(runner.out, "\nsummary")?;
    for (_, line) in &results {
        writeln!(runner.out, "  {line}")?;
    }
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|(outcome, _)| wanted(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let passed = results.len() - failed - skipped;
    let skips_count = runner.ci && skipped > 0;
    let note = if skips_count { "; with CI=true a skipped step is a failure" } else { "" };
    writeln!(runner.out, "{passed} passed, {failed} failed, {skipped} skipped{note}")?;
    Ok(failed == 0 && !skips_count)
}

fn is_chosen(step: &str, only: &[String]) -> bool {
    let named = |name: &str| only.iter().any(|only| only == name);
    let tests = only.is_empty() || named(TESTS) || named(SNAPSHOTS);
    match step {
        TESTS => tests,
        NETWORK => !tests && named(step),
        _ => only.is_empty() || named(step),
    }
}

fn line(step: &Step, outcome: &Outcome, time: Duration) -> String {
    let result = match outcome {
        Outcome::Passed => "ok".to_owned(),
        Outcome::Failed(why) => format!("FAILED: {why}"),
        Outcome::Skipped(why) => format!("skipped: {why}"),
    };
    format!("{:<16} {:>7.1} s  {result}", step.name, time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use external_tools::programs::{Install, Program};

    use super::*;
    use steps::Run;

    const MISSING: Program =
        Program { name: "chromium", probe: &["no-such-program-at-all"], install: Install::Apt("chromium") };

    const FMT: Step = Step { needs: &[MISSING], ..PASSES };
    const LINT: Step =
        Step { name: "lint", run: Run::Code(|_| Ok(Outcome::Failed("3 problems".to_owned()))), ..PASSES };
    const DOCS: Step = Step { name: "docs", run: Run::Code(|_| bail!("no such program")), ..PASSES };
    const PASSES: Step =
        Step { name: "licences", about: "", needs: &[], uses: &[], run: Run::Code(|_| Ok(Outcome::Passed)) };

    /// Runs the steps; nothing can be installed.
    fn run(ci: bool, steps: &[&Step]) -> (bool, Vec<String>) {
        let mut out = Vec::new();
        let options = Options { ci, ..Options::default() };
        let mut runner = Runner::new(Path::new("."), &options, &mut out);
        runner.install = |runner, programs| {
            assert!(runner.ci, "only CI installs programs");
            bail!("{} cannot be installed", programs[0].name)
        };
        let succeeded = run_steps(steps, &mut runner).unwrap();
        (succeeded, String::from_utf8(out).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn later_steps_run_after_a_failure() {
        let (succeeded, lines) = run(false, &[&FMT, &LINT, &DOCS, &PASSES]);
        assert!(!succeeded);
        assert!(lines[1].starts_with("lint ") && lines[1].ends_with("FAILED: 3 problems"), "{lines:#?}");
        assert!(lines[2].ends_with("FAILED: no such program"), "{lines:#?}");
        assert!(lines[3].starts_with("licences ") && lines[3].ends_with("ok"), "{lines:#?}");
        assert_eq!(*lines.last().unwrap(), "1 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn without_ci_a_step_whose_program_is_missing_is_skipped_and_nothing_is_installed() {
        let (succeeded, lines) = run(false, &[&FMT, &PASSES]);
        assert!(succeeded);
        assert!(lines[0].ends_with("skipped: needs chromium (apt-get install chromium)"), "{lines:#?}");
        assert_eq!(lines.last().unwrap(), "1 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn with_ci_a_missing_program_is_installed_and_a_skipped_step_is_a_failure() {
        let (succeeded, lines) = run(true, &[&FMT, &PASSES]);
        assert!(!succeeded);
        assert!(lines[0].ends_with("skipped: chromium cannot be installed"), "{lines:#?}");
        assert_eq!(
            lines.last().unwrap(),
            "1 passed, 0 failed, 1 skipped; with CI=true a skipped step is a failure"
        );
    }

    #[test]
    fn a_program_that_only_some_tests_use_is_installed_only_with_ci() {
        let step = Step { uses: &[MISSING], needs: &[], ..PASSES };
        assert!(run(false, &[&step]).1[0].ends_with("ok"));
        assert!(run(true, &[&step]).1[0].ends_with("skipped: chromium cannot be installed"));
    }

    #[test]
    fn the_summary_repeats_each_result() {
        let (_, lines) = run(false, &[&PASSES]);
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert_eq!(lines[3], format!("  {}", lines[0]));
        assert_eq!(lines[4], "1 passed, 0 failed, 0 skipped");
    }

    fn chosen(only: &[&str]) -> Vec<&'static str> {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        STEPS.iter().map(|step| step.name).filter(|name| is_chosen(name, &only)).collect()
    }

    #[test]
    fn snapshots_include_the_tests() {
        assert_eq!(chosen(&["snapshots"]), ["tests", "snapshots"]);
        assert_eq!(chosen(&["docs", "fmt"]), ["fmt", "docs"]);
    }

    #[test]
    fn no_test_runs_twice() {
        assert_eq!(chosen(&["network"]), ["network"]);
        assert_eq!(chosen(&["network", "tests"]), ["tests"]);
        assert_eq!(chosen(&[]).len(), STEPS.len() - 1);
        assert!(!chosen(&[]).contains(&"network"));
    }
}
