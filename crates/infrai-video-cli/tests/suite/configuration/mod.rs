//! The configuration file and its profiles.

mod api_keys;
mod commands;
mod errors;
mod precedence;

use std::path::PathBuf;
use std::process::Command;

use crate::common::{Harness, Run};

/// Writes the configuration of a test. Returns its path.
fn write(harness: &Harness, text: &str) -> PathBuf {
    let path = harness.state.path().join("config.toml");
    std::fs::write(&path, text).expect("there is room");
    path
}

/// A command that reads this configuration.
fn configured<'a>(harness: &Harness, text: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = harness.command(args);
    command.env("INFRAI_CONFIG", write(harness, text));
    command
}

fn run(mut command: Command) -> Run {
    command.output().expect("the command starts").into()
}
