//! A sandbox in a process of its own, for programs in other languages to call.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::Value;

/// How the sandbox is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As the tests build it.
    Dev,
    /// As its users build it.
    Release,
}

/// What the step `tests` builds. Another choice of packages or targets would turn on other features of the libraries, and so
/// build them anew.
pub(crate) const DEV: &[&str] = &["test", "--no-run", "--workspace", "--all-targets"];
const RELEASE: &[&str] = &["build", "--release", "-p", "infrai-video-cli"];

/// Builds what cargo is told to, and gives the path of the program of that name.
pub(crate) fn built(root: &Path, arguments: &[&str], name: &str) -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(arguments)
        .args(["--quiet", "--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{name} cannot be built: {}", complaint.trim())));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    program(&messages, name).ok_or_else(|| io::Error::other(format!("cargo built no program {name}")))
}

/// The program of that name among what cargo says it built. Its unit tests have its name too.
fn program(messages: &str, name: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program =
        messages.filter(|message| message["target"]["name"] == name && message["profile"]["test"] == false);
    program.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next()
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
        let program = match build {
            Build::Dev => built(root, DEV, "infrai-video")?,
            Build::Release => built(root, RELEASE, "infrai-video")?,
        };
        let mut process = Command::new(program)
            .current_dir(root)
            .args(["sandbox", "--port", "0"])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_from_its_unit_tests() {
        let messages = r#"{"target":{"name":"calls"},"profile":{"test":true},"executable":"/t/calls-1"}
{"target":{"name":"calls"},"profile":{"test":false},"executable":"/t/calls"}
{"success":true}
"#;
        assert_eq!(program(messages, "calls"), Some(PathBuf::from("/t/calls")));
        assert_eq!(program(messages, "call"), None);
    }
}
