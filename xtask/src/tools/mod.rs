//! Programs of other ecosystems, installed by name and version where they are needed.

pub mod node;
pub mod openapi_generator;
pub mod prism;
pub mod python;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs an installer to its end. `what` names what it installs.
fn install(command: &mut Command, what: &str) -> Result<(), String> {
    carry_out(command, &format!("{what} could not be installed"))
}

/// Runs a program to its end. `failure` says in words what is missing where it fails.
pub(crate) fn carry_out(command: &mut Command, failure: &str) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{failure}: {program} cannot be started: {error}; install it"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim().lines().last().unwrap_or_default();
    Err(format!("{failure}: {last}"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
