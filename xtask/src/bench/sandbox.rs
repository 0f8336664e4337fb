//! The sandbox: how many calls it answers beside Prism, and how long a clip takes to make.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::call::{KEY, call, fetch, generate};
use super::prism::Prism;
use super::table::{figure, table};
use super::{Length, load, tell};
use crate::live::{Build, LiveSandbox};

/// How many connections ask at a time.
const CONNECTIONS: u32 = 16;
/// How many jobs are stored while it is asked.
const JOBS: usize = 1000;

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "the sandbox, beside prism");
    let calls = calls(root, length, out)?;
    let clips = clips(root, length, out)?;
    Ok(format!(
        "## The sandbox\n\n### Calls\n\n{CONNECTIONS} connections, {JOBS} stored jobs, asked by wrk. Prism answers with the examples of the same \
         document and\nkeeps no state.\n\n{calls}### Clips\n\nFrom the call of `generate` to the last byte of the clip, for 5 s of video at 16:9, on a clock that\nruns a thousand times as fast: the time is that of rendering. The median of {}.\n\n{clips}",
        length.repeats()
    ))
}

fn calls(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    let arguments = ["--balance", "1000000", "--clock", "manual"];
    let sandbox = LiveSandbox::start(root, Build::Release, &arguments).map_err(|error| error.to_string())?;
    let base = sandbox.base_url();
    generate(base, JOBS)?;
    let page = call(&format!("{base}/v1/video/list?limit=1"), None)?;
    let id = page["items"][0]["job_id"].as_str().ok_or("the sandbox lists no job")?.to_owned();
    let prism = Prism::start(root)?;
    let mut rows = Vec::new();
    for (name, path) in
        [("status", format!("/v1/video/status/{id}")), ("list, 20 jobs a page", "/v1/video/list".to_owned())]
    {
        // Warm first: Prism compiles its validators with the first requests, and so does its engine.
        let of = |base: &str| {
            load::measure(&format!("{base}{path}"), KEY, CONNECTIONS, length.load() / 2)?;
            load::measure(&format!("{base}{path}"), KEY, CONNECTIONS, length.load())
        };
        let (ours, theirs) = (of(base)?, of(&prism.base_url)?);
        tell(out, &format!("{name}: {ours:?}, prism {theirs:?}"));
        rows.push([
            name.to_owned(),
            figure(ours.requests_per_second),
            figure(theirs.requests_per_second),
            figure(ours.requests_per_second / theirs.requests_per_second),
            figure(ours.p99_ms),
            figure(theirs.p99_ms),
        ]);
    }
    let head =
        ["call", "sandbox, requests/s", "Prism, requests/s", "ratio", "sandbox, p99 ms", "Prism, p99 ms"];
    Ok(table(head, &rows))
}

fn clips(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    let arguments = ["--balance", "1000000", "--clock", "x1000"];
    let sandbox = LiveSandbox::start(root, Build::Release, &arguments).map_err(|error| error.to_string())?;
    let base = sandbox.base_url();
    let mut rows = Vec::new();
    for resolution in ["720p", "1080p", "4k"] {
        let mut times = Vec::new();
        let mut size = 0;
        for number in 0..length.repeats() {
            let prompt = format!("a harbour at dawn, take {number}");
            let body = json!({"prompt": prompt, "duration_seconds": 5, "resolution": resolution});
            let started = Instant::now();
            let job = call(&format!("{base}/v1/video/generate"), Some(&body))?;
            let id = job["job_id"].as_str().ok_or("the answer has no job_id")?.to_owned();
            loop {
                let job = call(&format!("{base}/v1/video/status/{id}"), None)?;
                match job["state"].as_str() {
                    Some("succeeded") => break,
                    Some("queued" | "running") => {}
                    _ => return Err(format!("the clip was not made: {job}")),
                }
            }
            let link = call(&format!("{base}/v1/video/download_url/{id}"), None)?;
            size = fetch(link["url"].as_str().ok_or("the answer has no url")?)?;
            times.push(started.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        tell(out, &format!("{resolution}: {median:.2} s"));
        rows.push([
            resolution.to_owned(),
            figure(median),
            figure(5.0 / median),
            figure(size as f64 / 1000.0),
        ]);
    }
    Ok(table(["resolution", "seconds", "seconds of video a second", "kB"], &rows))
}
