//! How many items a second the sandbox serves to a client that costs nothing.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::scene::Scene;
use crate::measure::curl::{KEY, call};
use crate::measure::load::{self, Call};
use crate::parts::Length;

const CONNECTIONS: u32 = 16;

/// An item takes one request of each kind, which wrk sends one kind after the other.
pub(super) fn items_per_second(scene: &Scene, length: Length) -> anyhow::Result<f64> {
    let sandbox = scene.sandbox()?;
    let base = sandbox.base_url();
    let body = json!({"prompt": "a harbour at dawn", "duration_seconds": 0.1});
    let job = call(&format!("{base}/v1/video/generate"), Some(&body))?;
    let id = job["job_id"].as_str().context("the response has no job_id")?;
    let status = format!("{base}/v1/video/status/{id}");
    while call(&status, None)?["state"] != "succeeded" {
        sleep(Duration::from_millis(10));
    }
    let download_url = format!("{base}/v1/video/download_url/{id}");
    // The links of this sandbox expire after a few seconds.
    let time = (length.load() / 4).max(Duration::from_secs(1));
    let mut seconds = 0.0;
    for (url, kind) in [
        (format!("{base}/v1/video/generate"), Call::Generate),
        (status, Call::Get),
        (download_url.clone(), Call::Get),
    ] {
        seconds += 1.0 / load::measure(&url, KEY, kind, CONNECTIONS, time)?.requests_per_second;
    }
    let link = call(&download_url, None)?;
    let link = link["url"].as_str().context("the response has no url")?;
    seconds += 1.0 / load::measure(link, KEY, Call::Get, CONNECTIONS, time)?.requests_per_second;
    Ok(1.0 / seconds)
}
