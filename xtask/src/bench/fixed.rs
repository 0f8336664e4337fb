//! A server with fixed answers, taken from a sandbox, so that a client is measured and not the server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::call::{call, generate, raw, save};
use crate::live::{Build, LiveSandbox};

/// How many jobs a page has where nothing else is said: the most that the sandbox gives.
pub(super) const PAGE: usize = 100;

/// What a sandbox answered.
#[derive(Debug)]
pub(super) struct Samples {
    /// Where the clip is.
    directory: TempDir,
    status: String,
    list: String,
    generate: String,
    /// The job that `status` is of.
    pub(super) id: String,
    /// What `status` says of it, without its empty members.
    pub(super) job: Value,
}

impl Samples {
    /// Asks a sandbox for a job that has succeeded, for a page with one job, for another job, and for the clip.
    pub(super) fn take(root: &Path) -> Result<Self, String> {
        let sandbox = LiveSandbox::start(root, Build::Release, &["--balance", "1000000", "--clock", "x1000"])
            .map_err(|error| error.to_string())?;
        let base = sandbox.base_url();
        generate(base, 2)?;
        let page = call(&format!("{base}/v1/video/list?limit=1"), None)?;
        let id = page["items"][0]["job_id"].as_str().ok_or("the sandbox lists no job")?.to_owned();
        let status = format!("{base}/v1/video/status/{id}");
        loop {
            match call(&status, None)?["state"].as_str() {
                Some("succeeded") => break,
                Some("queued" | "running") => {}
                state => return Err(format!("the clip was not made: its job is {state:?}")),
            }
        }
        // Every answer has links of its own: what is compared later is this one.
        let status = raw(&status, None)?;
        let job = result_of(&status).ok_or("the sandbox's answer is no envelope")?;
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let link = call(&format!("{base}/v1/video/download_url/{id}"), None)?;
        save(link["url"].as_str().ok_or("the answer has no url")?, &directory.path().join("clip.mp4"))?;
        let list = raw(&format!("{base}/v1/video/list?limit=1"), None)?;
        let body = json!({"prompt": "a clip", "duration_seconds": 0.1});
        let generate = raw(&format!("{base}/v1/video/generate"), Some(&body))?;
        Ok(Self { directory, status, list, generate, id, job })
    }
}

/// The result in an answer with its head, without the members that are null.
fn result_of(answer: &str) -> Option<Value> {
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let mut envelope: Value = serde_json::from_str(body).ok()?;
    let mut result = envelope["data"].take();
    result.as_object_mut()?.retain(|_, value| !value.is_null());
    Some(result)
}

/// What is answered beside the samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answers {
    /// How many jobs the account has.
    pub(super) jobs: usize,
    /// How many of them a page has; other pages are refused.
    pub(super) page: usize,
    /// How many milliseconds a page takes.
    pub(super) page_ms: u64,
    /// How large the clip is.
    pub(super) clip_bytes: u64,
}

impl Default for Answers {
    fn default() -> Self {
        Self { jobs: 0, page: PAGE, page_ms: 0, clip_bytes: 1024 * 1024 }
    }
}

/// The running server. It is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct FixedServer {
    process: Child,
    pub(super) base_url: String,
}

impl FixedServer {
    pub(super) fn start(program: &Path, samples: &Samples, answers: Answers) -> Result<Self, String> {
        let directory = samples.directory.path();
        let settings = json!({
            "status": samples.status,
            "list": samples.list,
            "generate": samples.generate,
            "jobs": answers.jobs,
            "limit": answers.page,
            "page_ms": answers.page_ms,
            "clip": directory.join("clip.mp4"),
            "clip_bytes": answers.clip_bytes,
        });
        let path = directory.join("settings.json");
        fs::write(&path, settings.to_string()).map_err(|error| error.to_string())?;
        let mut process = Command::new(program)
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let read = stdout.read_line(&mut line);
        let server = Self { process, base_url: line.trim().to_owned() };
        match read {
            Ok(_) if server.base_url.starts_with("http://") => Ok(server),
            _ => Err("the server with fixed answers did not start".to_owned()),
        }
    }

    /// Fails where the requests since the last look are not so many.
    pub(super) fn expect_seen(&self, expected: usize, who: &str) -> Result<(), String> {
        let answer = raw(&format!("{}/seen", self.base_url), None)?;
        let seen: Option<usize> = answer.rsplit('\n').next().and_then(|seen| seen.parse().ok());
        match seen {
            Some(seen) if expected == seen => Ok(()),
            _ => Err(format!("{who} should have made {expected} requests, and the server saw {seen:?}")),
        }
    }
}

impl Drop for FixedServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The programs of the workspace for peers in Rust.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) contestant: PathBuf,
    pub(super) counted: PathBuf,
    pub(super) server: PathBuf,
}

impl Programs {
    pub(super) fn build(root: &Path) -> Result<Self, String> {
        let built = super::build::executables(root, &root.join(PEERS), &[])?;
        let named = |name| super::build::named(&built, name);
        Ok(Self {
            contestant: named("contestant")?,
            counted: named("contestant-counted")?,
            server: named("fixed-answers")?,
        })
    }
}

/// Where that workspace is.
pub(super) const PEERS: &str = "xtask/peers/rust";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_an_answer_has_no_empty_members() {
        let answer = "HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"ok\":true,\"data\":{\"a\":1,\"b\":null}}";
        assert_eq!(result_of(answer), Some(json!({"a": 1})));
        assert_eq!(result_of("HTTP/1.1 200 OK\r\n\r\n<html>"), None);
    }
}
