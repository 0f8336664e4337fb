//! A sandbox, a directory, and a way to run the command in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use infrai_video_sandbox::{Clock, Operation, Sandbox, SandboxBuilder};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_infrai-video");
pub(crate) const KEY: &str = "ifr_pk_proj_4f9d2c";

/// What `generate` is asked for: small enough to be made at once.
pub(crate) const SMALL: [&str; 3] = ["generate", "a lighthouse in a storm", "--duration=0.5"];

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) directory: TempDir,
    /// Where the ledger is.
    pub(crate) state: TempDir,
}

/// What a run of the command left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Bench {
    /// Jobs are over at once.
    pub(crate) async fn instant() -> Self {
        Self::with(Sandbox::builder().instant_jobs()).await
    }

    /// Jobs never get on.
    pub(crate) async fn still() -> Self {
        Self::with(Sandbox::builder().clock(Clock::manual())).await
    }

    pub(crate) async fn with(builder: SandboxBuilder) -> Self {
        let sandbox = builder.start().await.expect("loopback has free ports");
        let directory = || tempfile::tempdir().expect("a directory for the test");
        Self { sandbox, directory: directory(), state: directory() }
    }

    /// The command, not yet started.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(args)
            .env_clear()
            .env("INFRAI_API_KEY", KEY)
            .env("INFRAI_BASE_URL", self.sandbox.base_url())
            .env("INFRAI_STATE_DIR", self.state.path())
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.command(args).output().expect("the command starts").into()
    }

    /// Makes a job without waiting for it, and says its id.
    pub(crate) fn job(&self) -> String {
        let run = self.run(SMALL.iter().chain(&["--no-wait", "-q"]));
        assert_eq!(run.code, Some(0), "{run:?}");
        run.text().trim_end().to_owned()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// How often the sandbox was asked for that.
    pub(crate) fn calls(&self, operation: Operation) -> usize {
        self.sandbox.journal().iter().filter(|seen| seen.operation == Some(operation)).count()
    }

    /// What lies in the directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = self.directory.path().read_dir().expect("the directory is there");
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A status and a body.
pub(crate) type Answer = (u16, String);

/// Another base URL of the sandbox, behind which `change` sees each request, by its path and body. Asked before the sandbox
/// gets it, with no answer, it may answer in its place; asked again with the sandbox's answer, it may give another one.
pub(crate) async fn way_to(
    sandbox: &Sandbox,
    change: impl Fn(&str, &str, Option<Answer>) -> Option<Answer> + Send + Sync + 'static,
) -> String {
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::http::Response;

    let (to, http, change) = (sandbox.base_url().to_owned(), reqwest::Client::new(), Arc::new(change));
    let forward = move |request: Request| {
        let (to, http, change) = (to.clone(), http.clone(), Arc::clone(&change));
        async move {
            let (parts, body) = request.into_parts();
            let path = parts.uri.path().to_owned();
            let body = to_bytes(body, usize::MAX).await.expect("the request arrives");
            let text = String::from_utf8_lossy(&body).into_owned();
            let (status, body) = match change(&path, &text, None) {
                Some(answer) => answer,
                None => {
                    let url = format!("{to}{}", parts.uri);
                    let sent = http.request(parts.method, url).headers(parts.headers).body(body).send();
                    let answer = sent.await.expect("the sandbox answers");
                    let (status, body) = (answer.status().as_u16(), answer.text().await.expect("text"));
                    change(&path, &text, Some((status, body.clone()))).unwrap_or((status, body))
                }
            };
            Response::builder().status(status).body(Body::from(body)).expect("valid HTTP")
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let router = axum::Router::new().fallback(forward);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

impl Run {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("stdout is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}: {self:?}"))
    }

    /// Checks the exit code, that stdout is empty, and that the last line of stderr says what to do.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.contains("\nnext       "), "no next step: {}", self.stderr);
        assert!(!self.stderr.contains(KEY));
        &self.stderr
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8(output.stderr).expect("stderr is text");
        Self { code: output.status.code(), stdout: output.stdout, stderr }
    }
}
