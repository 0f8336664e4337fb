//! Single calls of a sandbox, by curl.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The account that the benchmarks use.
pub(super) const KEY: &str = "ifr_pk_bench";

/// The `data` of a successful call. With a body it is a POST.
pub(super) fn call(url: &str, body: Option<&Value>) -> Result<Value, String> {
    let output = curl(body).arg(url).output().map_err(no_curl)?;
    let mut answer: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{url} did not answer JSON: {error}"))?;
    match answer["ok"].as_bool() {
        Some(true) => Ok(answer["data"].take()),
        _ => Err(format!("{url} answered {answer}")),
    }
}

/// Fetches a file and throws it away. Gives its size in bytes.
pub(super) fn fetch(url: &str) -> Result<u64, String> {
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
        .map_err(no_curl)?;
    let size = String::from_utf8_lossy(&output.stdout).parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| {
        format!("{url} could not be fetched: {}", String::from_utf8_lossy(&output.stderr).trim())
    })
}

/// A successful answer as it comes over the wire, with its head. With a body it is one to a POST.
pub(super) fn raw(url: &str, body: Option<&Value>) -> Result<String, String> {
    let output = curl(body).args(["--fail", "--include", url]).output().map_err(no_curl)?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success());
    text.ok_or_else(|| format!("{url} did not answer: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Fetches a file into `path`.
pub(super) fn save(url: &str, path: &Path) -> Result<(), String> {
    // Links carry their own permission: the key is not sent to them.
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", url, "--output"]).arg(path);
    let status = curl.status().map_err(no_curl)?;
    status.success().then_some(()).ok_or_else(|| format!("{url} could not be fetched"))
}

/// Starts so many jobs over one connection.
pub(super) fn generate(base_url: &str, count: usize) -> Result<(), String> {
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
        .map_err(no_curl)?;
    let mut input = process.stdin.take().expect("stdin is piped");
    input.write_all(settings.trim_end_matches("next\n").as_bytes()).map_err(|error| error.to_string())?;
    drop(input);
    let status = process.wait().map_err(|error| error.to_string())?;
    status.success().then_some(()).ok_or_else(|| "the sandbox refused a job".to_owned())
}

fn curl(body: Option<&Value>) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "-H", &format!("Authorization: Bearer {KEY}")]);
    if let Some(body) = body {
        curl.args(["-H", "Content-Type: application/json", "--data", &body.to_string()]);
    }
    curl
}

fn no_curl(error: std::io::Error) -> String {
    format!("curl cannot be started: {error}")
}
