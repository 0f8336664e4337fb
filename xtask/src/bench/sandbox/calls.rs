//! How many calls the sandbox answers, beside Prism and a server that does no work.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::super::call::{KEY, call, generate};
use super::super::fixed::{Answers, FixedServer, Programs, Samples};
use super::super::load::{self, Call, Load};
use super::super::table::{figure, table};
use super::super::{Length, tell};
use crate::live::{Build, LiveSandbox};
use crate::tools::prism::Prism;

/// How many connections ask at a time.
const CONNECTIONS: u32 = 16;

/// How many jobs a page has that is asked for.
const PAGE: usize = 20;

/// A call that is measured: its heading, its path, and how it is sent.
const CALLS: [(&str, &str, Call); 3] = [
    ("### Status", "/v1/video/status/", Call::Get),
    ("### List", "/v1/video/list?limit=20", Call::Get),
    ("### Generate", "/v1/video/generate", Call::Generate),
];

/// A job in Prism, which knows all ids of this form.
const ANY_JOB: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// A server, and what it bore of each call.
#[derive(Debug)]
struct Measured {
    server: String,
    loads: [Load; CALLS.len()],
}

/// The part of the page about them, with a table for each.
pub(super) fn calls(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    let mut all = Vec::new();
    let mut add = |server: String, loads: [Load; CALLS.len()]| {
        tell(out, &format!("{server}: {loads:?}"));
        all.push(Measured { server, loads });
    };
    for jobs in stored(length) {
        add(format!("sandbox in memory, {} jobs", figure(jobs as f64)), sandbox(root, length, jobs, &[])?);
    }
    for jobs in stored(length) {
        let directory = tempfile::tempdir_in(root.join("target")).map_err(|error| error.to_string())?;
        let path = directory.path().to_str().ok_or("the path of the target folder is no text")?;
        let loads = sandbox(root, length, jobs, &["--persist", path])?;
        add(format!("sandbox --persist, {} jobs", figure(jobs as f64)), loads);
    }
    let prism = Prism::start(root)?;
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
    Ok(format!(
        "{CONNECTIONS} connections, asked by wrk, which has one of the two cores. `list` asks for {PAGE} jobs a page. `generate` asks for another clip\n\
         each time, so that more jobs are stored at its end than are told; with `--persist` an answer to it waits for the disk. Prism answers\n\
         with the examples of the same document and keeps no state: its figures are the same for any number of jobs. The limit is a server\n\
         on hyper with one thread, which sends the sandbox's own answers and does nothing else. No goal was set.\n\n{}",
        tables.collect::<String>()
    ))
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

/// How many jobs are stored while it is asked, at least.
fn stored(length: Length) -> [usize; 2] {
    match length {
        Length::Full => [1000, 100_000],
        Length::Quick => [1000, 10_000],
    }
}

fn limit(root: &Path, length: Length) -> Result<[Load; CALLS.len()], String> {
    let programs = Programs::build(root)?;
    let samples = Samples::take(root)?;
    let answers = Answers { jobs: 1000, page: PAGE, ..Answers::default() };
    let server = FixedServer::start(&programs.server, &samples, answers)?;
    each_call(&server.base_url, &samples.id, length)
}

/// The calls at a sandbox with so many jobs.
fn sandbox(
    root: &Path,
    length: Length,
    jobs: usize,
    options: &[&str],
) -> Result<[Load; CALLS.len()], String> {
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
fn each_call(base: &str, id: &str, length: Length) -> Result<[Load; CALLS.len()], String> {
    let mut loads = Vec::new();
    for (_, path, call) in CALLS {
        let url = format!("{base}{path}{}", if path.ends_with('/') { id } else { "" });
        load::measure(&url, KEY, call, CONNECTIONS, (length.load() / 4).max(Duration::from_secs(1)))?;
        loads.push(load::measure(&url, KEY, call, CONNECTIONS, length.load())?);
    }
    loads.try_into().map_err(|_| "a call is missing".to_owned())
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
