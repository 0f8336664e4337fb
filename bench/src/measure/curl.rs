//! Single requests to a sandbox, by curl.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

/// The message if curl does not start.
const NO_CURL: &str = "curl cannot be started";

/// The account that the benchmarks use.
pub(crate) const KEY: &str = "ifr_pk_bench";

/// The `data` of a successful response. With a body the request is a POST.
pub(crate) fn call(url: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let output = curl(body).arg(url).output().context(NO_CURL)?;
    let mut response: Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("{url} did not respond with JSON"))?;
    match response["ok"].as_bool() {
        Some(true) => Ok(response["data"].take()),
        _ => Err(anyhow::anyhow!("{url} responded with {response}")),
    }
}

/// A response of the admin API of a sandbox.
pub(crate) fn admin(url: &str) -> anyhow::Result<Value> {
    let output = curl(None).arg("--fail").arg(url).output().context(NO_CURL)?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("{url} did not respond with JSON"))
}

/// Downloads a file, discards it, and returns its size in bytes.
pub(crate) fn fetch(url: &str) -> anyhow::Result<u64> {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--output",
            "/dev/null",
            "--write-out",
            "%{size_download}",
            url,
        ])
        .output()
        .context(NO_CURL)?;
    let size = String::from_utf8_lossy(&output.stdout).parse().ok().filter(|size| *size > 0);
    size.with_context(|| {
        format!("{url} could not be fetched: {}", String::from_utf8_lossy(&output.stderr).trim())
    })
}

/// A successful response with its head. With a body the request is a POST.
pub(crate) fn raw(url: &str, body: Option<&Value>) -> anyhow::Result<String> {
    let output = curl(body).args(["--fail", "--include", url]).output().context(NO_CURL)?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success());
    text.with_context(|| format!("{url} did not respond: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Downloads a file to `path`.
pub(crate) fn save(url: &str, path: &Path) -> anyhow::Result<()> {
    // Links are signed: the API key is not sent to them.
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", url, "--output"]).arg(path);
    let status = curl.status().context(NO_CURL)?;
    status.success().then_some(()).with_context(|| format!("{url} could not be fetched"))
}

/// Submits this many jobs over one connection.
pub(crate) fn generate(base_url: &str, count: usize) -> anyhow::Result<()> {
    let mut settings = String::new();
    for number in 0..count {
        // Writing to a String cannot fail.
        let _ = write!(
            settings,
            "url = \"{base_url}/v1/video/generate\"\noutput = \"/dev/null\"\ndata = \"{{\\\"prompt\\\":\\\"clip {number}\\\",\\\"duration_seconds\\\":0.1}}\"\n\
             header = \"Authorization: Bearer {KEY}\"\nheader = \"Content-Type: application/json\"\nfail\nnext\n"
        );
    }
    let mut process = Command::new("curl")
        .args(["--silent", "--show-error", "--config", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .context(NO_CURL)?;
    let mut input = process.stdin.take().expect("stdin is piped");
    input.write_all(settings.trim_end_matches("next\n").as_bytes())?;
    drop(input);
    let status = process.wait()?;
    status.success().then_some(()).context("the sandbox refused a job")
}

fn curl(body: Option<&Value>) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "-H", &format!("Authorization: Bearer {KEY}")]);
    if let Some(body) = body {
        curl.args(["-H", "Content-Type: application/json", "--data", &body.to_string()]);
    }
    curl
}
