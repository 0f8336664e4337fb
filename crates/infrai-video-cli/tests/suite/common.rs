//! The test harness: a sandbox, a directory, and the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use infrai_video_sandbox::{Clock, Operation, Sandbox, SandboxBuilder};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_infrai-video");
pub(crate) const KEY: &str = "ifr_pk_proj_4f9d2c";

/// A request for a clip that is small enough to be rendered quickly.
pub(crate) const SMALL: [&str; 3] = ["generate", "a lighthouse in a storm", "--duration=0.5"];

pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    pub(crate) directory: TempDir,
    /// The directory of the ledger.
    pub(crate) state: TempDir,
}

/// The result of a run of the command.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Harness {
    /// Jobs finish at once.
    pub(crate) async fn instant() -> Self {
        Self::with(Sandbox::builder().instant_jobs()).await
    }

    /// Jobs never advance.
    pub(crate) async fn still() -> Self {
        Self::with(Sandbox::builder().clock(Clock::manual())).await
    }

    pub(crate) async fn with(builder: SandboxBuilder) -> Self {
        let sandbox = builder.start().await.expect("loopback has free ports");
        let directory = || tempfile::tempdir().expect("a directory for the test");
        Self { sandbox, directory: directory(), state: directory() }
    }

    /// The command before it is started.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(args)
            .env_clear()
            .env("INFRAI_CONFIG", "none")
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

    /// Submits a job without waiting for it. Returns its id.
    pub(crate) fn job(&self) -> String {
        let run = self.run(SMALL.iter().chain(&["--no-wait", "-q"]));
        assert_eq!(run.code, Some(0), "{run:?}");
        run.text().trim_end().to_owned()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The number of requests for an operation.
    pub(crate) fn calls(&self, operation: Operation) -> usize {
        self.sandbox.journal().iter().filter(|seen| seen.operation == Some(operation)).count()
    }

    /// The files in the directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = self.directory.path().read_dir().expect("the directory is there");
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A status and a body.
pub(crate) type Reply = (u16, String);

/// Starts a proxy of the sandbox and returns its URL. `change` gets the path and body of each request: first without a response,
/// when it may return one instead of the sandbox, then with the sandbox's response, which it may replace.
pub(crate) async fn intercept(
    sandbox: &Sandbox,
    change: impl Fn(&str, &str, Option<Reply>) -> Option<Reply> + Send + Sync + 'static,
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
                Some(response) => response,
                None => {
                    let url = format!("{to}{}", parts.uri);
                    let sent = http.request(parts.method, url).headers(parts.headers).body(body).send();
                    let response = sent.await.expect("the sandbox responds");
                    let (status, body) = (response.status().as_u16(), response.text().await.expect("text"));
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

    /// Checks the exit code, that stdout is empty, and that stderr says what to do next.
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
