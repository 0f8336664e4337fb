//! Programs that cargo builds to be measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Builds with `--release` from the workspace at `directory`, into the target directory of the one at `root`, and gives the
/// programs that came out.
pub(super) fn executables(root: &Path, directory: &Path, arguments: &[&str]) -> Result<Vec<PathBuf>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let output = Command::new(cargo)
        .current_dir(directory)
        .args(["build", "--quiet", "--release", "--message-format", "json", "--target-dir"])
        .arg(root.join(target))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("what is to be measured in {} cannot be built", directory.display()));
    }
    let told = String::from_utf8_lossy(&output.stdout);
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect())
}

/// The one of that name.
pub(super) fn named(programs: &[PathBuf], name: &str) -> Result<PathBuf, String> {
    let program = programs.iter().find(|program| program.file_stem().is_some_and(|stem| stem == name));
    program.cloned().ok_or_else(|| format!("cargo built no {name}"))
}

/// The version of a package that a lock file pins.
pub(super) fn locked(lock: &str, package: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"hyper\"\nversion = \"1.12.0\"\n\n[[package]]\nname = \"hyper-util\"\nversion = \"0.1.21\"\n";
        assert_eq!(locked(lock, "hyper").as_deref(), Some("1.12.0"));
        assert_eq!(locked(lock, "hype"), None);
    }

    #[test]
    fn a_program_is_known_by_its_whole_name() {
        let built = ["/t/contestant-counted", "/t/contestant"].map(PathBuf::from);
        assert_eq!(named(&built, "contestant"), Ok(PathBuf::from("/t/contestant")));
        assert_eq!(named(&built, "server"), Err("cargo built no server".to_owned()));
    }
}
