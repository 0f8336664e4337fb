//! A server with fixed responses, recorded from a sandbox, so that the client is measured and not the server.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use external_tools::Process;
use external_tools::server::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::curl::{call, generate, raw, save};
use super::{build, sandbox};

/// The default number of jobs on a page: the sandbox's maximum.
pub(crate) const PAGE: usize = 100;

/// Responses recorded from a sandbox.
#[derive(Debug)]
pub(crate) struct Samples {
    /// The directory of the clip.
    directory: TempDir,
    status: String,
    list: String,
    generate: String,
    /// The job that `status` is of.
    pub(crate) id: String,
    /// The result of `status` for that job, without null members.
    pub(crate) job: Value,
}

impl Samples {
    /// Records a job that has succeeded, a page with one job, a submission, and the clip.
    pub(crate) fn take(root: &Path) -> anyhow::Result<Self> {
        let sandbox = sandbox::start(root, &["--balance", "1000000", "--clock", "x1000"])?;
        let base = sandbox.base_url();
        generate(base, 2)?;
        let page = call(&format!("{base}/v1/video/list?limit=1"), None)?;
        let id = page["items"][0]["job_id"].as_str().context("the sandbox lists no job")?.to_owned();
        let status = format!("{base}/v1/video/status/{id}");
        loop {
            match call(&status, None)?["state"].as_str() {
                Some("succeeded") => break,
                Some("queued" | "running") => {}
                state => anyhow::bail!("the clip was not made: its job is {state:?}"),
            }
        }
        // Each response has its own links: later results are compared with this one.
        let status = raw(&status, None)?;
        let job = result_of(&status).context("the sandbox's response is not an envelope")?;
        let directory = tempfile::tempdir()?;
        let link = call(&format!("{base}/v1/video/download_url/{id}"), None)?;
        save(link["url"].as_str().context("the response has no url")?, &directory.path().join("clip.mp4"))?;
        let list = raw(&format!("{base}/v1/video/list?limit=1"), None)?;
        let body = json!({"prompt": "a clip", "duration_seconds": 0.1});
        let generate = raw(&format!("{base}/v1/video/generate"), Some(&body))?;
        Ok(Self { directory, status, list, generate, id, job })
    }
}

/// The result in a response with its head, without null members.
fn result_of(response: &str) -> Option<Value> {
    let (_, body) = response.split_once("\r\n\r\n")?;
    let mut envelope: Value = serde_json::from_str(body).ok()?;
    let mut result = envelope["data"].take();
    result.as_object_mut()?.retain(|_, value| !value.is_null());
    Some(result)
}

/// Settings of the server beside the samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Responses {
    /// The number of jobs of the account.
    pub(crate) jobs: usize,
    /// The number of jobs on a page; requests for other pages are rejected.
    pub(crate) page: usize,
    /// The milliseconds that a page takes.
    pub(crate) page_ms: u64,
    /// The size of the clip in bytes.
    pub(crate) clip_bytes: u64,
}

impl Default for Responses {
    fn default() -> Self {
        Self { jobs: 0, page: PAGE, page_ms: 0, clip_bytes: 1024 * 1024 }
    }
}

/// The running server. It is killed on drop.
#[derive(Debug)]
pub(crate) struct FixedServer {
    server: Server,
}

impl FixedServer {
    pub(crate) fn start(program: &Path, samples: &Samples, responses: Responses) -> anyhow::Result<Self> {
        Self::run(Process::new(program, samples.directory.path()), samples, responses)
    }

    /// As [`start`](Self::start), on this processor core alone.
    pub(crate) fn start_on(
        core: usize,
        program: &Path,
        samples: &Samples,
        responses: Responses,
    ) -> anyhow::Result<Self> {
        let [taskset, arguments @ ..] = on_core(core);
        let process = Process::new(taskset, samples.directory.path());
        let process = arguments.iter().fold(process, Process::arg).arg(program);
        Self::run(process, samples, responses)
    }

    fn run(process: Process, samples: &Samples, responses: Responses) -> anyhow::Result<Self> {
        let directory = samples.directory.path();
        let settings = json!({
            "status": samples.status,
            "list": samples.list,
            "generate": samples.generate,
            "jobs": responses.jobs,
            "limit": responses.page,
            "page_ms": responses.page_ms,
            "clip": directory.join("clip.mp4"),
            "clip_bytes": responses.clip_bytes,
        });
        let path = directory.join("settings.json");
        fs::write(&path, settings.to_string())?;
        let server = Server::start(&process.arg(&path))?;
        Ok(Self { server })
    }

    pub(crate) fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// Fails unless the server has received this many requests since the last check.
    pub(crate) fn expect_seen(&self, expected: usize, who: &str) -> anyhow::Result<()> {
        let response = raw(&format!("{}/seen", self.base_url()), None)?;
        let seen: Option<usize> = response.rsplit('\n').next().and_then(|seen| seen.parse().ok());
        match seen {
            Some(seen) if expected == seen => Ok(()),
            _ => Err(anyhow::anyhow!(
                "{who} should have made {expected} requests, and the server saw {seen:?}"
            )),
        }
    }
}

/// The start of a command line whose program runs on this processor core alone.
pub(crate) fn on_core(core: usize) -> [String; 3] {
    ["taskset".to_owned(), "--cpu-list".to_owned(), core.to_string()]
}

/// The programs of the workspace of baselines in Rust.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) client: PathBuf,
    pub(crate) counted: PathBuf,
    pub(crate) server: PathBuf,
}

impl Programs {
    pub(crate) fn build(root: &Path) -> anyhow::Result<Self> {
        let built = build::executables(root, &root.join(PEERS), "")?;
        let named = |name| build::named(&built, name);
        Ok(Self {
            client: named("client")?,
            counted: named("client-counted")?,
            server: named("fixed-responses")?,
        })
    }
}

/// The directory of that workspace, below the root.
pub(crate) const PEERS: &str = "bench/baselines/rust";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_a_response_has_no_null_members() {
        let response = "HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"ok\":true,\"data\":{\"a\":1,\"b\":null}}";
        assert_eq!(result_of(response), Some(json!({"a": 1})));
        assert_eq!(result_of("HTTP/1.1 200 OK\r\n\r\n<html>"), None);
    }
}
