//! Reading a long list: the SDK's stream beside hyper and serde_json by hand.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::measure::fixed_server::{FixedServer, PAGE, Programs, Responses, Samples};
use crate::measure::report::{Report, median, most, run};
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, some, table};
use crate::parts::{Length, tell};

const MANY: usize = 100_000;
const FEW: usize = 10_000;

/// A page of the slow list takes this many milliseconds, and so does the work on it.
const SLOW_MS: u64 = 20;
const SLOW_PAGES: usize = 50;

const LEAST_RATE: f64 = 0.9;
const MOST_GROWTH: f64 = 1.1;
/// The largest ratio of the slow list's time to the longer of waiting and working. One after the other, it would be 2.
const MOST_OF_LIMIT: f64 = 1.25;

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "a long list, beside hyper and serde_json");
    let programs = Programs::build(root)?;
    let samples = Samples::take(root)?;
    let rounds = if length == Length::Full { 7 } else { 3 };
    let read = |names: &[&str], jobs: usize, pause: u64, rounds: usize| {
        let responses = Responses { jobs, page_ms: pause, ..Responses::default() };
        let server = FixedServer::start(&programs.server, &samples, responses)?;
        reports(&programs, &server, names, Reading { jobs, pause, rounds })
    };
    let many = read(&["sdk", "hyper", "hyper-bytes"], MANY, 0, rounds)?;
    let few = read(&["sdk", "hyper"], FEW, 0, rounds)?;
    let slow = read(&["sdk", "hyper"], SLOW_PAGES * PAGE, SLOW_MS, 1)?;

    for (name, reports) in ["ours", "hyper and serde_json", "undecoded"].iter().zip(&many) {
        let times: Vec<_> = reports.iter().map(|report| figure(report.wall_s)).collect();
        tell(out, &format!("{name}: {} s", times.join(" ")));
    }
    let rate = |at: usize| MANY as f64 / median(many[at].iter().map(|report| report.wall_s));
    let peak = |reports: &[Report]| most(reports.iter().filter_map(|report| report.peak_kib)) / 1024.0;
    let growth = |at: usize| peak(&many[at]) / peak(&few[at]);
    let time = |at: usize| median(slow[at].iter().map(|report| report.wall_s));
    let least_time = SLOW_PAGES as f64 * SLOW_MS as f64 / 1000.0;
    let row = |name: &str, at: usize| {
        [
            name.to_owned(),
            figure(rate(at)),
            figure(rate(0) / rate(at)),
            some(few.get(at).map(|few| peak(few))),
            figure(peak(&many[at])),
            some(few.get(at).map(|_| growth(at))),
            figure(slow.get(at).map_or(least_time, |_| time(at))),
        ]
    };
    let rows = [row("ours", 0), row("hyper and serde_json, by hand", 1), row("limit: hyper, not decoded", 2)];
    let head = [
        "reader",
        "jobs a second",
        "ours / it",
        "peak MiB, 10,000 jobs",
        "peak MiB, 100,000 jobs",
        "growth",
        "s, slow pages",
    ];
    Ok(format!(
        "A list of {} jobs as a stream, {PAGE} per page, compared with the same pages read by hand with hyper and serde_json, from one thread.\n\
         A server in another process has the pages in memory, made from pages of the sandbox. It counts the requests, and the ids that\n\
         were read are compared. Rates are the median of {rounds} rounds, peaks the maximum. The limit of the rate is hyper without\n\
         decoding the pages. In the last column there are {SLOW_PAGES} pages; the server takes {SLOW_MS} ms for each, and the reader as long to process\n\
         it. A reader that requests the next page ahead waits for the longer of both, which is the limit; other readers wait for the sum.\n\n{}{}",
        figure(MANY as f64),
        table(head, &rows),
        goals(&[
            Goal::more("jobs a second, to hyper and serde_json", rate(0), rate(1), LEAST_RATE)
                .with_limit(rate(2)),
            Goal::at_most("growth of the peak from 10,000 to 100,000 jobs", growth(0), MOST_GROWTH),
            Goal::less("s for slow pages, to the limit", time(0), least_time, MOST_OF_LIMIT)
                .with_limit(least_time),
        ])
    ))
}

/// The list, and the number of rounds.
#[derive(Debug, Clone, Copy)]
struct Reading {
    jobs: usize,
    pause: u64,
    rounds: usize,
}

/// Every reader runs in every round.
fn reports(
    programs: &Programs,
    server: &FixedServer,
    names: &[&str],
    reading: Reading,
) -> anyhow::Result<Vec<Vec<Report>>> {
    let mut reports = vec![Vec::new(); names.len()];
    for _ in 0..reading.rounds {
        for (name, reports) in names.iter().zip(&mut reports) {
            let mut command = Command::new(&programs.client);
            command.args(["list", name, server.base_url(), &PAGE.to_string(), &reading.pause.to_string()]);
            let report = run(&mut command)?;
            server.expect_seen(reading.jobs.div_ceil(PAGE), name)?;
            reports.push(report);
        }
    }
    let read = reports.iter().flatten().filter(|report| report.result.get("jobs").is_some());
    let results: Vec<_> = read.map(|report| &report.result).collect();
    let same = results.iter().all(|result| *result == results[0] && result["jobs"] == reading.jobs);
    same.then_some(reports).with_context(|| format!("not all have read the same {} jobs", reading.jobs))
}
