//! Runs a step: looks for its programs, runs its commands, shows some lines at once, and keeps the others.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use external_tools::Process;
use external_tools::programs::{Program, missing, needs};

use super::steps::{Run, Step};
use super::{Options, install};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Passed,
    /// With one line that says what is wrong.
    Failed(String),
    /// With one line that says why it could not run.
    Skipped(String),
}

/// Where all steps print.
pub(super) type Output = Mutex<dyn Write + Send>;

/// Prints a whole line.
pub(super) fn print(out: &Output, line: &str) -> io::Result<()> {
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(out, "{line}")?;
    out.flush()
}

/// Installs programs of the system. At most one at a time may run.
pub(super) type Installer = fn(&Runner<'_>, &[Program]) -> anyhow::Result<()>;

/// Runs steps one after the other.
pub(super) struct Runner<'a> {
    pub(super) root: &'a Path,
    pub(super) ci: bool,
    pub(super) install: Installer,
    /// The file in which the tests list the snapshots that they read, once the tests have passed.
    pub(super) references: Option<tempfile::NamedTempFile>,
    pub(super) out: &'a Output,
    verbose: bool,
    /// The step that runs.
    name: &'static str,
}

impl<'a> Runner<'a> {
    pub(super) fn new(root: &'a Path, options: &Options, out: &'a Output) -> Self {
        let (ci, verbose) = (options.ci, options.verbose);
        Self { root, ci, install: install::install, references: None, out, verbose, name: "" }
    }

    /// Prints a line of the step that runs.
    pub(super) fn print(&self, line: &str) -> io::Result<()> {
        print(self.out, &format!("{}: {line}", self.name))
    }

    /// Runs a step. With `CI=true` its missing programs are installed first.
    pub(super) fn step(&mut self, step: &Step) -> anyhow::Result<Outcome> {
        self.name = step.name;
        if self.ci
            && let Err(error) = self.install(step)
        {
            return Ok(Outcome::Skipped(format!("{error:#}")));
        }
        let missing = missing(step.needs);
        if !missing.is_empty() {
            return Ok(Outcome::Skipped(needs(&missing)));
        }
        match &step.run {
            Run::Commands(commands) => self.commands(commands),
            Run::Code(code) => code(self),
        }
    }

    /// Installs what the step lacks.
    fn install(&self, step: &Step) -> anyhow::Result<()> {
        // Two concurrent installations would fail on the lock of the package manager.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        match missing(&[step.needs, step.uses].concat()) {
            missing if missing.is_empty() => Ok(()),
            missing => (self.install)(self, &missing),
        }
    }

    /// Runs commands until one does not pass.
    fn commands(&self, commands: &[&str]) -> anyhow::Result<Outcome> {
        for command in commands {
            match self.command(command)? {
                Outcome::Passed => {}
                other => return Ok(other),
            }
        }
        Ok(Outcome::Passed)
    }

    /// Runs a command: words separated by spaces, the first of which may set variables of the environment. `xtask` is this
    /// program, in a process of its own so that its output is kept like any other.
    pub(super) fn command(&self, command: &str) -> anyhow::Result<Outcome> {
        let (variables, command) = variables(command);
        let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
        let process = match program {
            "cargo" => Process::cargo(self.root),
            "xtask" => Process::new(std::env::current_exe()?, self.root).named("cargo xtask"),
            _ => Process::new(program, self.root),
        };
        let process = process.args(arguments);
        self.run(variables.into_iter().fold(process, |process, (key, value)| process.env(key, value)))
    }

    /// Runs a program to its end. Tests compare snapshots and never write them.
    pub(super) fn run(&self, process: Process) -> anyhow::Result<Outcome> {
        let process = process.env("INSTA_UPDATE", "no").env_remove("INSTA_FORCE_PASS");
        let mut shown = Shown { verbose: self.verbose, ..Shown::default() };
        let status = process.stream(&mut |line| shown.line(line, |line| self.print(line)))?;
        if !status.success() {
            shown.kept.iter().try_for_each(|line| self.print(line))?;
            return Ok(Outcome::Failed(format!("{} failed ({status})", process.name())));
        }
        if shown.skipped.is_empty() {
            Ok(Outcome::Passed)
        } else {
            Ok(Outcome::Skipped(shown.skipped.join("; ")))
        }
    }
}

/// The variables at the start of a command, and the rest.
fn variables(mut command: &str) -> (Vec<(&str, &str)>, &str) {
    let mut variables = Vec::new();
    while let Some((word, rest)) = command.split_once(' ')
        && let Some(variable) = word.split_once('=')
    {
        variables.push(variable);
        command = rest;
    }
    (variables, command)
}

/// libtest prints this once, when a test has run for 60 seconds.
const SLOW_TEST: &str = " has been running for over ";

/// Which lines of a program are shown, and when: results, summaries and slow tests at once, the others if the program fails, and
/// all of them at once with `-v`. No line is shown twice.
#[derive(Default)]
struct Shown {
    verbose: bool,
    kept: Vec<String>,
    /// Why tests were skipped, by their own lines.
    skipped: Vec<String>,
}

impl Shown {
    fn line(&mut self, line: String, print: impl FnOnce(&str) -> io::Result<()>) -> io::Result<()> {
        if let Some(why) = line.strip_prefix("skipped: ") {
            self.skipped.push(why.to_owned());
        }
        let summary = line.strip_prefix("summary: ");
        let is_result = line.starts_with("test result: ");
        // The log of a cancelled run must name the test that hung.
        if self.verbose || summary.is_some() || is_result || line.contains(SLOW_TEST) {
            return print(summary.unwrap_or(&line));
        }
        self.kept.push(line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 5] = [
        "running 1 test",
        "summary: go: 9 operations",
        "test a has been running for over 60 seconds",
        "test result: ok. 1 passed; 0 failed",
        "something else",
    ];

    /// The lines that are shown at once, and those that are kept.
    fn feed(verbose: bool) -> (Vec<String>, Vec<String>) {
        let mut shown = Shown { verbose, ..Shown::default() };
        let mut at_once = Vec::new();
        for line in LINES {
            let print = |line: &str| {
                at_once.push(line.to_owned());
                Ok(())
            };
            shown.line(line.to_owned(), print).unwrap();
        }
        (at_once, shown.kept)
    }

    #[test]
    fn results_and_slow_tests_are_shown_at_once_and_only_once() {
        let (at_once, kept) = feed(false);
        assert_eq!(at_once, ["go: 9 operations", LINES[2], "test result: ok. 1 passed; 0 failed"]);
        assert_eq!(kept, ["running 1 test", "something else"]);
    }

    #[test]
    fn all_lines_are_shown_at_once_if_asked_for() {
        let (at_once, kept) = feed(true);
        assert_eq!((at_once.len(), kept.len()), (5, 0));
    }

    fn run(program: &str) -> (Outcome, String) {
        let out = Mutex::new(Vec::new());
        let process = Process::new("sh", Path::new(".")).arg("-c").arg(program).named("script");
        let outcome = Runner::new(Path::new("."), &Options::default(), &out).run(process).unwrap();
        (outcome, String::from_utf8(out.into_inner().unwrap()).unwrap())
    }

    #[test]
    fn a_program_that_succeeds_is_quiet() {
        assert_eq!(run("echo one"), (Outcome::Passed, String::new()));
    }

    #[test]
    fn a_program_that_fails_shows_what_it_printed() {
        let failed = Outcome::Failed("script failed (exit status: 3)".to_owned());
        assert_eq!(run("echo one; echo two >&2; exit 3"), (failed, ": one\n: two\n".to_owned()));
    }

    #[test]
    fn tests_that_skip_themselves_make_a_skipped_step() {
        let skipped = Outcome::Skipped("php: needs php; ruby: needs ruby".to_owned());
        assert_eq!(run("echo 'skipped: php: needs php'; echo 'skipped: ruby: needs ruby'").0, skipped);
    }

    #[test]
    fn snapshots_are_never_written() {
        assert_eq!(run("test \"$INSTA_UPDATE|$INSTA_FORCE_PASS\" = 'no|'").0, Outcome::Passed);
    }

    #[test]
    fn a_command_may_begin_with_variables() {
        assert_eq!(variables("A=1 B=-x=2 cargo doc C=3"), (vec![("A", "1"), ("B", "-x=2")], "cargo doc C=3"));
        assert_eq!(variables("cargo"), (vec![], "cargo"));
    }
}
