//! The request rate of the sandbox, beside Prism and a server that does no work.

use std::io::{Seek as _, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use external_tools::prism::Prism;
use serde_json::json;

use crate::DOCUMENT;
use crate::measure::curl::{KEY, call, generate, raw};
use crate::measure::fixed_server::{FixedServer, Programs, Responses, Samples};
use crate::measure::load::{self, Call, Load};
use crate::measure::report::median;
use crate::page::goals::Goal;
use crate::page::table::{figure, table};
use crate::parts::{Length, tell};

/// The number of connections, and that of the last measurement.
const CONNECTIONS: u32 = 16;
const MANY: u32 = 64;

/// `generate` with `--persist` should be at least this many times as fast as Prism.
const GOAL: f64 = 8.0;

/// The number of jobs that run at the same time.
const RUNNING: usize = 10_000;

/// The number of jobs on a requested page.
const PAGE: usize = 20;

/// The measured calls: heading, path, how they are sent, and over how many connections.
const CALLS: [(&str, &str, Call, u32); 4] = [
    ("### Status", "/v1/video/status/", Call::Get, CONNECTIONS),
    ("### List", "/v1/video/list?limit=20", Call::Get, CONNECTIONS),
    ("### Generate", "/v1/video/generate", Call::Generate, CONNECTIONS),
    ("### Generate, 64 connections", "/v1/video/generate", Call::Generate, MANY),
];
const STATUS: usize = 0;
const GENERATE: [usize; 2] = [2, 3];

/// The id of a job in Prism, which accepts all ids of this form.
const ANY_JOB: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// A server, and the measured load for each call.
#[derive(Debug)]
struct Measured {
    server: String,
    loads: [Load; CALLS.len()],
}

/// The section about the calls, with a table for each, and its goals.
pub(crate) fn calls(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<(String, Vec<Goal>)> {
    let mut all = Vec::new();
    let mut add = |server: String, loads: [Load; CALLS.len()]| {
        tell(out, &format!("{server}: {loads:?}"));
        all.push(Measured { server, loads });
    };
    for jobs in stored(length) {
        add(
            format!("sandbox in memory, {} jobs", figure(jobs as f64)),
            sandbox(root, length, jobs, false, &[])?,
        );
    }
    let running = sandbox(root, length, RUNNING, true, &[])?;
    add(format!("sandbox, {} jobs running", figure(RUNNING as f64)), running);
    for jobs in stored(length) {
        let directory = tempfile::tempdir_in(root.join("target"))?;
        let path = directory.path().to_str().context("the path of the target folder is no text")?;
        let loads = sandbox(root, length, jobs, false, &["--persist", path])?;
        add(format!("sandbox --persist, {} jobs", figure(jobs as f64)), loads);
    }
    let prism = Prism::start(root, &root.join(DOCUMENT))?;
    let peer = each_call(&prism.base_url, ANY_JOB, length)?;
    drop(prism);
    add("Prism".to_owned(), peer);
    let limit = limit(root, length)?;
    add("limit: fixed answers".to_owned(), limit);
    let tables = CALLS.iter().enumerate().map(|(at, (heading, ..))| {
        let rows: Vec<_> =
            all.iter().map(|one| row(&one.server, one.loads[at], peer[at], limit[at])).collect();
        let head = ["server", "requests/s", "to Prism", "to the limit", "p99 ms"];
        format!("{heading}\n\n{}", table(head, &rows))
    });
    let sync = sync_seconds(root)?;
    tell(out, &format!("a sync: {sync} s"));
    let stored =
        all.iter().find(|one| one.server.contains("--persist")).context("no sandbox was measured")?;
    let goals = GENERATE.map(|at| {
        let connections = CALLS[at].3;
        let ours = stored.loads[at].requests_per_second;
        let most = (f64::from(connections) / sync).min(limit[at].requests_per_second);
        let what = format!("`generate` a second with `--persist` over {connections} connections, to Prism");
        Goal::more(what, ours, peer[at].requests_per_second, GOAL).with_limit(most)
    });
    let running = |server: &str| {
        let found = all.iter().find(|one| one.server.ends_with(server));
        found.map(|one| one.loads[STATUS].requests_per_second).context("no sandbox was measured")
    };
    let (few, many) = (running("1,000 jobs")?, running("10,000 jobs running")?);
    let running =
        Goal::more("`status` a second while 10,000 jobs run, to 1,000 jobs that wait", many, few, 0.8);
    let text = format!(
        "wrk sends requests over {CONNECTIONS} connections and uses one of the two cores. `list` requests {PAGE} jobs per page. `generate` requests a different clip\n\
         each time, so more jobs are stored at the end than the table says; with `--persist` its response waits for\n\
         a sync of the disk, which all waiting requests share. A sync of 16 KiB takes {} ms here, so one connection for which each request\n\
         waits for one sync gets at most {} responses a second. With 16 connections the cores are often idle, because a request waits\n\
         for the sync before its own too; with 64 the processor is the limit. Eight times Prism is about what the sandbox reaches in memory,\n\
         so the goals for `--persist` allow the disk to cost nothing. Changes are written in one row and with one sync for all that wait, and only\n\
         the responses that are decided are woken; a log file of our own was tried and was slower (appending takes longer than SQLite's log,\n\
         which is overwritten). Prism returns\n\
         the examples of the same document and keeps no state, so its figures do not depend on the number of jobs. The limit is a server\n\
         on hyper with one thread, which only sends stored responses of the sandbox.\n\n{}",
        figure(sync * 1000.0),
        figure(1.0 / sync),
        tables.collect::<String>()
    );
    Ok((text, goals.into_iter().chain([running]).collect()))
}

fn row(server: &str, load: Load, peer: Load, limit: Load) -> [String; 5] {
    let rate = load.requests_per_second;
    [
        server.to_owned(),
        figure(rate),
        figure(rate / peer.requests_per_second),
        figure(rate / limit.requests_per_second),
        figure(load.p99_ms),
    ]
}

/// The least number of stored jobs during the measurement.
fn stored(length: Length) -> [usize; 2] {
    match length {
        Length::Full => [1000, 100_000],
        Length::Quick => [1000, 10_000],
    }
}

fn limit(root: &Path, length: Length) -> anyhow::Result<[Load; CALLS.len()]> {
    let programs = Programs::build(root)?;
    let samples = Samples::take(root)?;
    let responses = Responses { jobs: 1000, page: PAGE, ..Responses::default() };
    let server = FixedServer::start(&programs.server, &samples, responses)?;
    each_call(server.base_url(), &samples.id, length)
}

/// Measures the calls of a sandbox with this many jobs.
fn sandbox(
    root: &Path,
    length: Length,
    jobs: usize,
    is_running: bool,
    options: &[&str],
) -> anyhow::Result<[Load; CALLS.len()]> {
    let arguments = [&["--balance", "1000000", "--clock", "manual"], options].concat();
    let sandbox = crate::measure::sandbox::start(root, &arguments)?;
    let base = sandbox.base_url();
    fill(base, jobs)?;
    if is_running {
        // They wait for a second, and then run.
        raw(&format!("{base}/__sandbox/clock"), Some(&json!({"advance_seconds": 1.05})))?;
    }
    let page = call(&format!("{base}/v1/video/list?limit=1"), None)?;
    let id = page["items"][0]["job_id"].as_str().context("the sandbox lists no job")?;
    anyhow::ensure!(!is_running || page["items"][0]["state"] == "running", "the jobs do not run: {page}");
    each_call(base, id, length)
}

/// The median time to write a block of 16 KiB over another and to sync it, in seconds.
fn sync_seconds(root: &Path) -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(root.join("target"))?;
    let block = [1; 16 * 1024];
    let mut times = Vec::new();
    for _ in 0..1000 {
        let started = Instant::now();
        file.rewind()?;
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64());
    }
    Ok(median(times))
}

/// Submits jobs until there are this many.
fn fill(base: &str, jobs: usize) -> anyhow::Result<()> {
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

/// Warms up first: Prism and its JavaScript engine compile with the first requests.
fn each_call(base: &str, id: &str, length: Length) -> anyhow::Result<[Load; CALLS.len()]> {
    let mut loads = Vec::new();
    for (_, path, call, connections) in CALLS {
        let url = format!("{base}{path}{}", if path.ends_with('/') { id } else { "" });
        load::measure(&url, KEY, call, connections, (length.load() / 8).max(Duration::from_secs(1)))?;
        loads.push(load::measure(&url, KEY, call, connections, length.load() / 2)?);
    }
    loads.try_into().map_err(|_| anyhow::anyhow!("a call is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_compared_with_prism_and_with_the_limit() {
        let load = |requests_per_second| Load { requests_per_second, p99_ms: 1.5 };
        let row = row("sandbox", load(20_000.0), load(4000.0), load(80_000.0));
        assert_eq!(row, ["sandbox", "20,000", "5.00", "0.25", "1.50"]);
    }
}
