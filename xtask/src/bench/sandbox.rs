//! The sandbox: how many calls it answers beside Prism, and how long a clip takes to make.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::call::{KEY, call, fetch, generate};
use super::load::{self, Call, Load};
use super::prism::Prism;
use super::table::{figure, table};
use super::{Length, tell};
use crate::live::{Build, LiveSandbox};

/// How many connections ask at a time.
const CONNECTIONS: u32 = 16;

/// How many jobs are stored while it is asked, at least.
fn stored(length: Length) -> [usize; 2] {
    match length {
        Length::Full => [1000, 100_000],
        Length::Quick => [1000, 10_000],
    }
}

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "the sandbox, beside prism");
    let calls = calls(root, length, out)?;
    let clips = clips(root, length, out)?;
    Ok(format!(
        "## The sandbox\n\n### Calls\n\n{CONNECTIONS} connections, asked by wrk, which has one of the two cores. `generate` asks for another clip each time, so \
         that more\njobs are stored at its end than are told. With `--persist` an answer to it waits for the disk. Prism answers with the\nexamples of \
         the same document and keeps no state: its figures are the same for any number of jobs. There is no goal.\n\n{calls}`cargo xtask bench --only \
         sandbox`\n\n### Clips\n\nFrom the call of `generate` to the last byte of the clip, for 5 s of video at 16:9, on a clock that\nruns a thousand times as \
         fast: the time is that of rendering. The median of {}.\n\n{clips}",
        length.repeats()
    ))
}

/// A call that is measured: its name, its path, and how it is sent.
const CALLS: [(&str, &str, Call); 3] = [
    ("status", "/v1/video/status/", Call::Get),
    ("list, 20 jobs a page", "/v1/video/list", Call::Get),
    ("generate", "/v1/video/generate", Call::Generate),
];

fn calls(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    let prism = Prism::start(root)?;
    let peers = each_call(&prism.base_url, "vj_01kaq3v8zn5w4x7r2m9t6h0c1d", length)?;
    tell(out, &format!("prism: {peers:?}"));
    drop(prism);
    let mut rows = Vec::new();
    for jobs in stored(length) {
        let in_memory = sandbox(root, length, jobs, &[])?;
        tell(out, &format!("in memory, {jobs} jobs: {in_memory:?}"));
        let directory = tempfile::tempdir_in(root.join("target")).map_err(|error| error.to_string())?;
        let path = directory.path().to_str().ok_or("the path of the target folder is no text")?;
        let persistent = sandbox(root, length, jobs, &["--persist", path])?;
        tell(out, &format!("on disk, {jobs} jobs: {persistent:?}"));
        for (index, (name, ..)) in CALLS.iter().enumerate() {
            let (memory, disk, peer) = (in_memory[index], persistent[index], peers[index]);
            rows.push([
                (*name).to_owned(),
                figure(jobs as f64),
                figure(memory.requests_per_second),
                figure(memory.p99_ms),
                figure(disk.requests_per_second),
                figure(disk.p99_ms),
                figure(peer.requests_per_second),
                figure(peer.p99_ms),
                figure(memory.requests_per_second / peer.requests_per_second),
            ]);
        }
    }
    let head = [
        "call",
        "stored jobs",
        "in memory, requests/s",
        "p99 ms",
        "`--persist`, requests/s",
        "p99 ms",
        "Prism, requests/s",
        "p99 ms",
        "ratio",
    ];
    Ok(table(head, &rows))
}

/// The calls at a sandbox with so many jobs.
fn sandbox(root: &Path, length: Length, jobs: usize, options: &[&str]) -> Result<[Load; 3], String> {
    let arguments = [&["--balance", "1000000", "--clock", "manual"], options].concat();
    let sandbox = LiveSandbox::start(root, Build::Release, &arguments).map_err(|error| error.to_string())?;
    let base = sandbox.base_url();
    fill(base, jobs)?;
    let page = call(&format!("{base}/v1/video/list?limit=1"), None)?;
    let id = page["items"][0]["job_id"].as_str().ok_or("the sandbox lists no job")?;
    each_call(base, id, length)
}

/// Starts jobs until there are so many.
fn fill(base: &str, jobs: usize) -> Result<(), String> {
    generate(base, jobs.min(1000))?;
    let mut there = jobs.min(1000) as f64;
    while there < jobs as f64 {
        let time = Duration::from_secs(2);
        let url = format!("{base}/v1/video/generate");
        let load = load::measure(&url, KEY, Call::Generate, 4 * CONNECTIONS, time)?;
        there += load.requests_per_second * time.as_secs_f64();
    }
    Ok(())
}

/// Warm first: Prism compiles its validators with the first requests, and so does its engine.
fn each_call(base: &str, id: &str, length: Length) -> Result<[Load; 3], String> {
    let mut loads = Vec::new();
    for (name, path, call) in CALLS {
        let url = format!("{base}{path}{}", if name == "status" { id } else { "" });
        load::measure(&url, KEY, call, CONNECTIONS, (length.load() / 4).max(Duration::from_secs(1)))?;
        loads.push(load::measure(&url, KEY, call, CONNECTIONS, length.load())?);
    }
    loads.try_into().map_err(|_| "a call is missing".to_owned())
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
