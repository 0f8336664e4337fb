//! A sandbox in a process of its own, for programs in other languages to call.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// How the sandbox is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As the tests build it.
    Dev,
    /// As its users build it.
    Release,
}

/// A running sandbox. It is stopped when this is dropped.
#[derive(Debug)]
pub struct LiveSandbox {
    process: Child,
    base_url: String,
}

impl LiveSandbox {
    /// Starts `infrai-video sandbox` on free ports with `arguments`, from the workspace at `root`, and waits until it listens.
    ///
    /// # Errors
    /// If it cannot be built or started; the message holds what it said.
    pub fn start(root: &Path, build: Build, arguments: &[&str]) -> io::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Cargo gives its process to the program that it runs, so that stopping the one stops the other.
        let mut process = Command::new(cargo)
            .current_dir(root)
            .args(["run", "--quiet", "-p", "infrai-video-cli"])
            .args((build == Build::Release).then_some("--release"))
            .args(["--", "sandbox", "--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut stderr = process.stderr.take().expect("stderr is piped");
        // Read to its end, or the sandbox would stop at a full pipe.
        let complaint = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let base_url = line.trim().to_owned();
        if !base_url.starts_with("http://") {
            let status = process.wait()?;
            let complaint = complaint.join().unwrap_or_default();
            return Err(io::Error::other(format!("the sandbox ended with {status}: {}", complaint.trim())));
        }
        Ok(Self { process, base_url })
    }

    /// Where it listens, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Drop for LiveSandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
