//! A directory, the sandboxes that are started on it one after the other, and a caller.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use infrai_video_sandbox::{ClipFiles, Clock, Sandbox, SandboxBuilder};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const KEY: &str = "ifr_pk_proj_one";

pub(crate) struct Bench {
    pub(crate) directory: TempDir,
    /// How many clips were made.
    pub(crate) made: Arc<AtomicUsize>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory for the test"),
            made: Arc::new(AtomicUsize::new(0)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A builder with a clock that is turned by hand and clips of a few bytes.
    pub(crate) fn builder(&self) -> SandboxBuilder {
        self.on(self.path())
    }

    fn on(&self, directory: &Path) -> SandboxBuilder {
        let made = Arc::clone(&self.made);
        plain().persist(directory).clip_source(move |request| {
            made.fetch_add(1, Ordering::Relaxed);
            clip(&request.prompt)
        })
    }

    pub(crate) async fn start(&self) -> Sandbox {
        self.builder().start().await.expect("a directory that can be used")
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// What a machine would find that lost its power now: the files as they are, while the sandbox still runs.
    pub(crate) fn crash(&self) -> Self {
        let after =
            Self { directory: tempfile::tempdir().expect("a directory"), made: Arc::clone(&self.made) };
        copy(self.path(), after.path());
        after
    }

    pub(crate) fn clip_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.path().join("clips"))
            .expect("the folder is there")
            .map(|entry| entry.expect("a file").path())
            .collect();
        files.sort();
        files
    }
}

/// What every sandbox of these tests has, persisted or not.
pub(crate) fn plain() -> SandboxBuilder {
    Sandbox::builder().clock(Clock::manual()).clip_source(|request| clip(&request.prompt))
}

fn clip(prompt: &str) -> ClipFiles {
    ClipFiles { mp4: prompt.repeat(20).into_bytes(), thumbnail_jpeg: prompt.as_bytes().to_vec() }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("it can be read") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).expect("it can be copied");
            }
        }
    }
}

/// Calls the API and responses status and body.
pub(crate) async fn call(
    sandbox: &Sandbox,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> (u16, Value) {
    let mut request = Client::new().request(method, format!("{}{path}", sandbox.base_url())).bearer_auth(KEY);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.expect("a response");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str) -> Value {
    let (status, response) = call(sandbox, Method::GET, path, None, None).await;
    assert_eq!(status, 200, "{response}");
    response["data"].clone()
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    call(sandbox, Method::POST, path, None, Some(body)).await
}

/// Asks for a short, cheap clip under a key.
pub(crate) async fn submit(sandbox: &Sandbox, key: &str, prompt: &str) -> (u16, Value) {
    let body = json!({"prompt": prompt, "prefer": "cheapest", "duration_seconds": 1});
    call(sandbox, Method::POST, "/v1/video/generate", Some(key), Some(&body)).await
}

/// Makes a job and gives its id.
pub(crate) async fn generate(sandbox: &Sandbox, key: &str, prompt: &str) -> String {
    let (status, response) = submit(sandbox, key, prompt).await;
    assert_eq!(status, 200, "{response}");
    response["data"]["job_id"].as_str().expect("an id").to_owned()
}

pub(crate) async fn state(sandbox: &Sandbox, id: &str) -> String {
    let job = get(sandbox, &format!("/v1/video/status/{id}")).await;
    job["state"].as_str().expect("a state").to_owned()
}

pub(crate) async fn delete(sandbox: &Sandbox, id: &str) -> u16 {
    call(sandbox, Method::DELETE, &format!("/v1/video/delete/{id}"), None, None).await.0
}

pub(crate) async fn link(sandbox: &Sandbox, id: &str) -> String {
    let data = get(sandbox, &format!("/v1/video/download_url/{id}")).await;
    data["url"].as_str().expect("a link").to_owned()
}

/// The ETag and the bytes behind a link.
pub(crate) async fn download(url: &str) -> (String, Vec<u8>) {
    let response = Client::new().get(url).send().await.expect("a response");
    assert_eq!(response.status(), 200, "{url}");
    let etag = response.headers()["etag"].to_str().expect("ASCII").to_owned();
    (etag, response.bytes().await.expect("a whole body").to_vec())
}
