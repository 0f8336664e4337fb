//! Runs a program, passes on what must be seen at once, and keeps the rest.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::{Context, Outcome};

/// A program that is about to run in the root of the workspace.
pub(super) struct Child {
    command: Command,
    name: String,
}

impl Child {
    /// `program` in the directory `root`, with as little as possible of what cargo set for this program.
    pub(super) fn new(program: impl AsRef<OsStr>, root: &Path) -> Self {
        let name = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.current_dir(root).stdin(Stdio::null());
        for (key, _) in std::env::vars_os() {
            let key = key.to_string_lossy();
            let ours =
                ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| key.starts_with(start));
            if ours {
                command.env_remove(key.as_ref());
            }
        }
        Self { command, name }
    }

    /// The cargo that runs this program.
    pub(super) fn cargo(root: &Path) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self { name: "cargo".to_owned(), ..Self::new(cargo, root) }
    }

    /// Calls the program by another name in messages.
    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds arguments that are separated by spaces.
    pub(super) fn arguments(mut self, arguments: &str) -> Self {
        self.command.args(arguments.split_whitespace());
        if let Some(first) = arguments.split_whitespace().next() {
            self.name = format!("{} {first}", self.name);
        }
        self
    }

    /// Adds one argument as it is.
    pub(super) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(super) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub(super) fn without_env(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// Whether the program can be started and ends well. Its output is thrown away.
    pub(super) fn works(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// What the program prints on standard output, if it ends well; else the last line of its complaint.
    pub(super) fn output(mut self) -> Result<Vec<u8>, String> {
        let output =
            self.command.output().map_err(|error| format!("{} cannot be started: {error}", self.name))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let complaint =
            String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
        Err(format!("{} ended with {}: {complaint}", self.name, output.status))
    }

    /// Runs the program to its end. Its output is shown as [`Shown`] says.
    pub(super) fn run(self, context: &mut Context<'_>) -> io::Result<Outcome> {
        Ok(self.run_to_last_line(context)?.0)
    }

    /// As [`Self::run`], with the last line that the program printed.
    pub(super) fn run_to_last_line(mut self, context: &mut Context<'_>) -> io::Result<(Outcome, String)> {
        let mut process = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("{} cannot be started: {error}", self.name)))?;
        let (sender, lines) = channel();
        let readers = [
            process.stdout.take().map(|pipe| read_lines(pipe, sender.clone())),
            process.stderr.take().map(|pipe| read_lines(pipe, sender)),
        ];
        let mut shown = Shown { verbose: context.verbose, kept: Vec::new() };
        let mut last = String::new();
        for line in lines {
            last.clone_from(&line);
            shown.line(context.out, line)?;
        }
        for reader in readers.into_iter().flatten() {
            reader.join().map_err(|_| io::Error::other("a reader of the output panicked"))?;
        }
        let status = process.wait()?;
        if status.success() {
            return Ok((Outcome::Passed, last));
        }
        shown.rest(context.out)?;
        Ok((Outcome::Failed(format!("{} ended with {status}", self.name)), last))
    }
}

fn read_lines(pipe: impl Read + Send + 'static, sender: Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            // The other side only goes away when the terminal does; reading on keeps the program from blocking.
            let _ = sender.send(text);
            line.clear();
        }
    })
}

/// Which lines of a program are seen, and when: closing lines of test runs at once, the others if the program fails,
/// and all at once with `-v`. No line is seen twice.
struct Shown {
    verbose: bool,
    kept: Vec<String>,
}

impl Shown {
    fn line(&mut self, out: &mut dyn Write, line: String) -> io::Result<()> {
        if self.verbose || line.starts_with("test result: ") {
            writeln!(out, "{line}")?;
            return out.flush();
        }
        self.kept.push(line);
        Ok(())
    }

    fn rest(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for line in self.kept.drain(..) {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 3] = ["running 1 test", "test result: ok. 1 passed; 0 failed", "something else"];

    fn feed(verbose: bool) -> (Shown, Vec<u8>) {
        let mut shown = Shown { verbose, kept: Vec::new() };
        let mut out = Vec::new();
        for line in LINES {
            shown.line(&mut out, line.to_owned()).unwrap();
        }
        (shown, out)
    }

    #[test]
    fn results_of_tests_are_seen_at_once_and_only_once() {
        let (mut shown, mut out) = feed(false);
        assert_eq!(out, b"test result: ok. 1 passed; 0 failed\n");
        shown.rest(&mut out).unwrap();
        assert_eq!(out, b"test result: ok. 1 passed; 0 failed\nrunning 1 test\nsomething else\n");
    }

    #[test]
    fn everything_is_seen_at_once_if_so_wished() {
        let (mut shown, mut out) = feed(true);
        let all = out.clone();
        shown.rest(&mut out).unwrap();
        assert_eq!(out, all);
        assert_eq!(String::from_utf8(all).unwrap().lines().count(), 3);
    }

    fn run(arguments: &str) -> (Outcome, String) {
        let mut out = Vec::new();
        let mut context = Context { root: Path::new("."), verbose: false, out: &mut out, references: None };
        let outcome = Child::cargo(Path::new(".")).arguments(arguments).run(&mut context).unwrap();
        (outcome, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_program_that_ends_well_is_quiet() {
        assert_eq!(run("--version"), (Outcome::Passed, String::new()));
    }

    #[test]
    fn a_program_that_fails_shows_what_it_printed() {
        let (outcome, out) = run("no-such-command-at-all");
        assert!(
            matches!(outcome, Outcome::Failed(why) if why.starts_with("cargo no-such-command-at-all ended with"))
        );
        assert!(out.contains("no-such-command-at-all"), "{out}");
    }

    #[test]
    fn a_program_that_does_not_exist_does_not_work() {
        assert!(!Child::new("no-such-program-at-all", Path::new(".")).works());
        let error = Child::new("no-such-program-at-all", Path::new(".")).output().unwrap_err();
        assert!(error.starts_with("no-such-program-at-all cannot be started"), "{error}");
    }
}
