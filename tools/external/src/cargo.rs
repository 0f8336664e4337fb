//! Programs that cargo builds from this workspace.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::Process;

/// What the step `tests` of `cargo xtask test` builds. Another choice of packages or targets would select other features of the
/// dependencies, and so build them again.
pub const TESTS: &str = "test --no-run --workspace --all-targets";

/// Runs cargo in `directory` and returns the programs that it built, without unit tests.
///
/// # Errors
/// If it fails.
pub fn programs(directory: &Path, arguments: &str) -> anyhow::Result<Vec<PathBuf>> {
    build(Process::cargo(directory).args(arguments))
}

/// As [`programs`], with what is built in another target directory.
///
/// # Errors
/// If it fails.
pub fn programs_in(directory: &Path, target: &Path, arguments: &str) -> anyhow::Result<Vec<PathBuf>> {
    build(Process::cargo(directory).args(arguments).arg("--target-dir").arg(target))
}

/// Runs a command that builds, and returns the programs that it built, without unit tests.
///
/// # Errors
/// If it fails.
pub fn build(cargo: Process) -> anyhow::Result<Vec<PathBuf>> {
    Ok(executables(&cargo.args("--quiet --message-format json-render-diagnostics").read()?))
}

/// The program with that name.
///
/// # Errors
/// If there is none.
pub fn named(programs: &[PathBuf], name: &str) -> anyhow::Result<PathBuf> {
    let program = programs.iter().find(|program| program.file_stem().is_some_and(|stem| stem == name));
    program.cloned().with_context(|| format!("cargo built no {name}"))
}

/// The programs among cargo's messages. The unit tests of a program have its name too.
fn executables(messages: &str) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let programs = messages.filter(|message| message["profile"]["test"] == false);
    programs.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_distinguished_from_its_unit_tests() {
        let messages = r#"{"target":{"name":"calls"},"profile":{"test":true},"executable":"/t/calls-1"}
{"target":{"name":"calls"},"profile":{"test":false},"executable":"/t/calls"}
{"success":true}
"#;
        assert_eq!(executables(messages), [PathBuf::from("/t/calls")]);
    }

    #[test]
    fn a_program_is_found_by_its_whole_name() {
        let built = ["/t/client-counted", "/t/client"].map(PathBuf::from);
        assert_eq!(named(&built, "client").unwrap(), PathBuf::from("/t/client"));
        assert_eq!(named(&built, "server").unwrap_err().to_string(), "cargo built no server");
    }
}
