//! `cargo xtask test`: every check of the workspace, to the end.

mod install;
mod row;
mod runner;
mod snapshots;
mod steps;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::thread;

use row::Row;
pub use runner::Outcome;
use runner::{Runner, print};
pub use steps::names;
use steps::{BUILD, In, NETWORK, SNAPSHOTS, STEPS, Step, TESTS};

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
pub fn run(root: &Path, options: &Options, out: impl Write + Send + 'static) -> io::Result<bool> {
    let steps: Vec<&Step> = STEPS.iter().filter(|step| is_chosen(step.name, &options.only)).collect();
    let out = Mutex::new(out);
    run_steps(&steps, || Runner::new(root, options, &out))
}

fn run_steps<'a>(steps: &[&'a Step], runner: impl Fn() -> Runner<'a>) -> io::Result<bool> {
    let Runner { out, ci, .. } = runner();
    let of = |wanted: In| steps.iter().copied().filter(move |step| step.row == wanted);
    let either: Mutex<VecDeque<&Step>> = Mutex::new(of(In::Either).collect());
    let row = |steps: In| Row { steps: of(steps).collect(), either: &either, runner: runner() };
    // The second row starts when the sender is dropped: after the step `build`, or at once if that is not selected.
    let (built, is_built) = mpsc::channel();
    let built = of(In::First).any(|step| step.name == BUILD).then_some(built);
    let mut results = thread::scope(|scope| {
        let (first, second) = (row(In::First), row(In::Second));
        let second = scope.spawn(move || {
            let _dropped = is_built.recv();
            second.run(None)
        });
        let mut results = first.run(built)?;
        results.extend(second.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        io::Result::Ok(results)
    })?;
    results.sort_by_key(|result| steps.iter().position(|step| step.name == result.name));
    print(out, "\nsummary")?;
    for result in &results {
        print(out, &format!("  {}", result.line()))?;
    }
    let count =
        |wanted: fn(&Outcome) -> bool| results.iter().filter(|result| wanted(&result.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let passed = results.len() - failed - skipped;
    let skips_count = ci && skipped > 0;
    let note = if skips_count { "; with CI=true a skipped step is a failure" } else { "" };
    print(out, &format!("{passed} passed, {failed} failed, {skipped} skipped{note}"))?;
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

#[cfg(test)]
mod tests {
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

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
    const PASSES: Step = Step {
        name: "licences",
        about: "",
        needs: &[],
        uses: &[],
        run: Run::Code(|_| Ok(Outcome::Passed)),
        row: In::First,
    };

    /// Runs the steps; nothing can be installed.
    fn run(ci: bool, steps: &[&Step]) -> (bool, Vec<String>) {
        let out = Mutex::new(Vec::new());
        let options = Options { ci, ..Options::default() };
        let install = |runner: &Runner<'_>, programs: &[Program]| {
            assert!(runner.ci, "only CI installs programs");
            bail!("{} cannot be installed", programs[0].name)
        };
        let runner = || {
            let mut runner = Runner::new(Path::new("."), &options, &out);
            runner.install = install;
            runner
        };
        let succeeded = run_steps(steps, runner).unwrap();
        (
            succeeded,
            String::from_utf8(out.into_inner().unwrap()).unwrap().lines().map(str::to_owned).collect(),
        )
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

    const MOCK: Step = Step { name: "mock", row: In::Second, ..PASSES };

    /// The names in the summary, in its order.
    fn names(lines: &[String]) -> Vec<&str> {
        let summary = lines.iter().skip_while(|line| *line != "summary").skip(1);
        let lines = summary.take_while(|line| line.starts_with("  "));
        lines.filter_map(|line| line.split_whitespace().next()).collect()
    }

    #[test]
    fn a_step_beside_others_runs_once_the_tests_are_built() {
        static BUILT: AtomicBool = AtomicBool::new(false);
        const BUILDS: Step = Step {
            name: BUILD,
            run: Run::Code(|_| {
                BUILT.store(true, Ordering::SeqCst);
                Ok(Outcome::Passed)
            }),
            ..PASSES
        };
        const NEEDS_BUILD: Step = Step {
            run: Run::Code(|_| {
                let is_built = BUILT.load(Ordering::SeqCst);
                Ok(if is_built { Outcome::Passed } else { Outcome::Failed("not built".to_owned()) })
            }),
            ..MOCK
        };
        let (succeeded, lines) = run(false, &[&NEEDS_BUILD, &BUILDS, &PASSES]);
        assert!(succeeded, "{lines:#?}");
        assert_eq!(names(&lines), ["mock", "build", "licences"]);
    }

    #[test]
    fn two_rows_run_at_once() {
        /// Fails unless another step comes within ten seconds.
        fn meet(_: &mut Runner<'_>) -> anyhow::Result<Outcome> {
            static MET: (Mutex<u8>, Condvar) = (Mutex::new(0), Condvar::new());
            let (count, changed) = &MET;
            let mut here = count.lock().unwrap();
            *here += 1;
            changed.notify_all();
            let alone = |count: &mut u8| *count < 2;
            let waited = changed.wait_timeout_while(here, Duration::from_secs(10), alone).unwrap();
            Ok(if waited.1.timed_out() { Outcome::Failed("alone".to_owned()) } else { Outcome::Passed })
        }
        let (row, beside) = (Step { run: Run::Code(meet), ..PASSES }, Step { run: Run::Code(meet), ..MOCK });
        let (succeeded, lines) = run(false, &[&row, &beside]);
        assert!(succeeded, "{lines:#?}");
    }

    #[test]
    fn a_row_that_is_free_takes_the_steps_for_either() {
        const DIST: Step = Step { name: "dist", row: In::Either, ..PASSES };
        let (succeeded, lines) = run(false, &[&DIST, &PASSES, &MOCK]);
        assert!(succeeded, "{lines:#?}");
        assert_eq!(names(&lines), ["dist", "licences", "mock"]);
        assert!(!lines[0].starts_with("dist "), "{lines:#?}");
    }

    #[test]
    fn a_failure_in_either_row_is_one_of_the_run() {
        let fails = || Run::Code(|_| bail!("1 problem"));
        let build = Step { name: BUILD, run: fails(), ..PASSES };
        let (succeeded, lines) = run(false, &[&build, &MOCK]);
        assert!(!succeeded);
        assert_eq!(lines.last().unwrap(), "1 passed, 1 failed, 0 skipped");
        let mock = Step { run: fails(), ..MOCK };
        let (succeeded, lines) = run(false, &[&PASSES, &mock]);
        assert!(!succeeded);
        assert_eq!(lines.last().unwrap(), "1 passed, 1 failed, 0 skipped");
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
