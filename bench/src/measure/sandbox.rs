//! The sandbox as its users build it.

use std::path::Path;

use anyhow::Context as _;
use external_tools::server::Server;

use super::build::{executables, named};

/// Builds the command with `--release`, and starts its sandbox.
pub(crate) fn start(root: &Path, arguments: &[&str]) -> anyhow::Result<Server> {
    let command = named(&executables(root, root, "-p infrai-video-cli")?, "infrai-video")?;
    Server::sandbox(&command, root, arguments).context("the sandbox cannot be started")
}
