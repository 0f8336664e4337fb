//! Runs a program to its end and keeps its output.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context as _, bail};
use duct::Expression;

/// Variables that cargo sets for the program it starts. They describe that program, not those that it starts itself.
const CARGO_VARIABLES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];

/// A program with its arguments, directory and environment. It reads nothing from standard input.
#[derive(Debug, Clone)]
pub struct Process {
    name: String,
    program: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    environment: Vec<(OsString, Option<OsString>)>,
}

impl Process {
    /// `program` in `directory`, without the variables that cargo set for this program.
    pub fn new(program: impl AsRef<OsStr>, directory: &Path) -> Self {
        let program = program.as_ref().to_owned();
        let is_cargos = |key: &OsString| {
            let key = key.to_string_lossy();
            CARGO_VARIABLES.iter().any(|prefix| key.starts_with(prefix))
        };
        Self {
            name: program.to_string_lossy().into_owned(),
            program,
            arguments: Vec::new(),
            directory: directory.to_owned(),
            environment: std::env::vars_os()
                .map(|(key, _)| key)
                .filter(is_cargos)
                .map(|key| (key, None))
                .collect(),
        }
    }

    /// The cargo that started this program.
    pub fn cargo(directory: &Path) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo, directory).named("cargo")
    }

    /// Sets the name for messages.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds arguments that are separated by spaces. The very first argument becomes part of the name.
    pub fn args(mut self, arguments: &str) -> Self {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        if let (true, Some(first)) = (self.arguments.is_empty(), words.first()) {
            self.name = format!("{} {first}", self.name);
        }
        self.arguments.extend(words.into_iter().map(OsString::from));
        self
    }

    /// Adds one argument as it is.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((key.into(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes a variable from the environment.
    pub fn env_remove(mut self, key: &str) -> Self {
        self.environment.push((key.into(), None));
        self
    }

    /// Whether the program starts and succeeds. Its output is discarded.
    pub fn works(&self) -> bool {
        self.expression().stdout_null().stderr_null().run().is_ok()
    }

    /// Runs the program and returns its standard output.
    ///
    /// # Errors
    /// If it cannot be started or fails. The message ends with the last line of its standard error.
    pub fn read(&self) -> anyhow::Result<String> {
        let output = self.expression().unchecked().stdout_capture().stderr_capture().run();
        let output = output.with_context(|| format!("{} cannot be started", self.name))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let last = stderr.trim().lines().last().unwrap_or_default().to_owned();
            bail!("{} failed ({}): {last}", self.name, output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs the program.
    ///
    /// # Errors
    /// As [`Self::output`].
    pub fn run(&self) -> anyhow::Result<()> {
        self.output().map(drop)
    }

    /// Runs the program and returns its standard output and standard error as one text.
    ///
    /// # Errors
    /// If it cannot be started or fails. The message contains all of its output.
    pub fn output(&self) -> anyhow::Result<String> {
        let mut output = String::new();
        let status = self.stream(&mut |line| {
            output.push_str(&line);
            output.push('\n');
            Ok(())
        })?;
        if !status.success() {
            bail!("{} failed ({status}):\n{}", self.name, output.trim_end());
        }
        Ok(output)
    }

    /// Runs the program with the standard output and standard error of this one, and returns whether it succeeded.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn show(&self) -> anyhow::Result<bool> {
        let output = self.expression().unchecked().run();
        Ok(output.with_context(|| format!("{} cannot be started", self.name))?.status.success())
    }

    /// Runs the program and passes each line of its standard output and standard error to `line` at once.
    ///
    /// # Errors
    /// If it cannot be started, or if `line` fails.
    pub fn stream(&self, line: &mut dyn FnMut(String) -> io::Result<()>) -> anyhow::Result<ExitStatus> {
        let reader = self.expression().stderr_to_stdout().unchecked().reader();
        let mut reader = BufReader::new(reader.with_context(|| format!("{} cannot be started", self.name))?);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())?;
            bytes.clear();
        }
        let output =
            reader.get_ref().try_wait()?.context("a program has closed its output but still runs")?;
        Ok(output.status)
    }

    /// The name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn expression(&self) -> Expression {
        let expression = duct::cmd(&self.program, &self.arguments).dir(&self.directory).stdin_null();
        // The innermost of duct's settings wins.
        self.environment.iter().rev().fold(expression, |expression, (key, value)| match value {
            Some(value) => expression.env(key, value),
            None => expression.env_remove(key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::new("sh", Path::new(".")).arg("-c").arg(script).named("script")
    }

    #[test]
    fn both_outputs_are_streamed_line_by_line_in_their_order() {
        let mut lines = Vec::new();
        let status = shell("echo one; echo two >&2; printf three; exit 3").stream(&mut |line| {
            lines.push(line);
            Ok(())
        });
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn a_failed_program_shows_all_of_its_output() {
        let error = shell("echo one; echo two >&2; exit 3").run().unwrap_err();
        assert_eq!(error.to_string(), "script failed (exit status: 3):\none\ntwo");
        let error = shell("echo one; echo two >&2; exit 3").read().unwrap_err();
        assert_eq!(error.to_string(), "script failed (exit status: 3): two");
    }

    #[test]
    fn only_standard_output_is_read() {
        assert_eq!(shell("echo one; echo two >&2").read().unwrap(), "one\n");
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let process = Process::new("no-such-program-at-all", Path::new(".")).args("run fast");
        assert!(!process.works());
        assert_eq!(process.read().unwrap_err().to_string(), "no-such-program-at-all run cannot be started");
    }

    #[test]
    fn variables_that_cargo_set_for_this_program_are_not_passed_on() {
        let process = shell("echo \"$CARGO_PKG_NAME|$CARGO_MANIFEST_DIR|$MORE\"").env("MORE", "more");
        assert_eq!(process.read().unwrap(), "||more\n");
        assert_eq!(process.env_remove("MORE").read().unwrap(), "||\n");
    }
}
