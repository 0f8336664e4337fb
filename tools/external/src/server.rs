//! Servers in a process of their own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use duct::ReaderHandle;

use crate::{Process, cargo};

/// A running server. It is killed on drop.
#[derive(Debug)]
pub struct Server {
    output: BufReader<ReaderHandle>,
    base_url: String,
}

impl Server {
    /// Starts a program that prints its base URL as its first line, and waits for that line.
    ///
    /// # Errors
    /// If it cannot be started, or exits before it listens. The message contains its standard error.
    pub fn start(process: &Process) -> anyhow::Result<Self> {
        let reader = process.expression().stderr_capture().unchecked().reader();
        let reader = reader.with_context(|| format!("{} cannot be started", process.name()))?;
        let mut output = BufReader::new(reader);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let base_url = line.trim().to_owned();
        if base_url.starts_with("http://") {
            return Ok(Self { output, base_url });
        }
        output.read_to_string(&mut line)?;
        let finished =
            output.get_ref().try_wait()?.context("a server has closed its output but still runs")?;
        let stderr = String::from_utf8_lossy(&finished.stderr);
        bail!("{} exited ({}): {}", process.name(), finished.status, stderr.trim())
    }

    /// Starts `infrai-video sandbox` on free ports.
    ///
    /// # Errors
    /// If it cannot be started; the message contains its standard error.
    pub fn sandbox(program: &Path, root: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let process = Process::new(program, root).named("infrai-video").args("sandbox --port 0 -q");
        Self::start(&arguments.iter().fold(process, |process, argument| process.arg(argument)))
    }

    /// [`Self::sandbox`] of [`test_command`].
    ///
    /// # Errors
    /// If it cannot be built or started.
    pub fn test_sandbox(root: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::sandbox(&test_command(root)?, root, arguments)
    }

    /// Where it listens, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// The command `infrai-video` as the tests build it, or the one that the variable `INFRAI_VIDEO_COMMAND` names, for instance one
/// from a package.
///
/// # Errors
/// If it cannot be built.
pub fn test_command(root: &Path) -> anyhow::Result<PathBuf> {
    match std::env::var_os("INFRAI_VIDEO_COMMAND") {
        Some(program) => Ok(PathBuf::from(program)),
        None => cargo::named(&cargo::programs(root, cargo::TESTS)?, "infrai-video"),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.output.get_ref().kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> anyhow::Result<Server> {
        Server::start(&Process::new("sh", Path::new(".")).arg("-c").arg(script))
    }

    #[test]
    fn a_server_has_the_url_that_it_prints() {
        let server = start("echo http://127.0.0.1:1; exec sleep 600").unwrap();
        assert_eq!(server.base_url(), "http://127.0.0.1:1");
    }

    #[test]
    fn a_server_that_exits_is_an_error_with_what_it_said() {
        let error = start("echo hello; echo no port >&2; exit 3").unwrap_err();
        assert_eq!(error.to_string(), "sh exited (exit status: 3): no port");
    }
}
