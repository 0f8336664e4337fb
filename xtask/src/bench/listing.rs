//! Reading a long list: the SDK's stream beside hyper and serde_json by hand.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::fixed::{Answers, FixedServer, PAGE, Programs, Samples};
use super::report::{Report, median, met, most, run};
use super::table::{figure, table};
use super::{Length, tell};

const MANY: usize = 100_000;
const FEW: usize = 10_000;

/// A page of the slow list takes so many milliseconds, and so does the work on it.
const SLOW_MS: u64 = 20;
const SLOW_PAGES: usize = 50;

const LEAST_RATE: f64 = 0.9;
const MOST_GROWTH: f64 = 1.1;
/// How much longer than the longer of both, waiting and work, the slow list may take. Their sum would be 2.
const MOST_OF_LIMIT: f64 = 1.25;

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "a long list, beside hyper and serde_json");
    let programs = Programs::build(root)?;
    let samples = Samples::take(root)?;
    let rounds = if length == Length::Full { 7 } else { 3 };
    let read = |names: &[&str], jobs: usize, pause: u64, rounds: usize| {
        let answers = Answers { jobs, page_ms: pause, ..Answers::default() };
        let server = FixedServer::start(&programs.server, &samples, answers)?;
        reports(&programs, &server, names, Reading { jobs, pause, rounds })
    };
    let many = read(&["sdk", "hyper", "hyper-bytes"], MANY, 0, rounds)?;
    let few = read(&["sdk", "hyper"], FEW, 0, rounds)?;
    let slow = read(&["sdk", "hyper"], SLOW_PAGES * PAGE, SLOW_MS, 1)?;

    let rate = |at: usize| MANY as f64 / median(many[at].iter().map(|report| report.wall_s));
    let peak = |reports: &[Report]| most(reports.iter().filter_map(|report| report.peak_kib)) / 1024.0;
    let growth = |at: usize| peak(&many[at]) / peak(&few[at]);
    let time = |at: usize| median(slow[at].iter().map(|report| report.wall_s));
    let least_time = SLOW_PAGES as f64 * SLOW_MS as f64 / 1000.0;
    for (name, reports) in ["ours", "hyper and serde_json", "undecoded"].iter().zip(&many) {
        let times: Vec<_> = reports.iter().map(|report| figure(report.wall_s)).collect();
        tell(out, &format!("{name}: {} s", times.join(" ")));
    }

    let none = || "–".to_owned();
    let memory = |what: String, reports: &[Vec<Report>]| {
        let (ours, theirs) = (peak(&reports[0]), peak(&reports[1]));
        [what, figure(ours), figure(theirs), none(), figure(ours / theirs), none(), none()]
    };
    let rows = [
        [
            "jobs a second".to_owned(),
            figure(rate(0)),
            figure(rate(1)),
            figure(rate(2)),
            figure(rate(0) / rate(1)),
            format!("≥ {LEAST_RATE}"),
            met(rate(0) / rate(1) >= LEAST_RATE),
        ],
        memory("peak MiB, 10,000 jobs".to_owned(), &few),
        memory("peak MiB, 100,000 jobs".to_owned(), &many),
        [
            "growth of the peak".to_owned(),
            figure(growth(0)),
            figure(growth(1)),
            "1".to_owned(),
            figure(growth(0)),
            format!("≤ {MOST_GROWTH} (flat)"),
            met(growth(0) <= MOST_GROWTH),
        ],
        [
            format!("s, {SLOW_PAGES} pages of {SLOW_MS} ms with {SLOW_MS} ms of work"),
            figure(time(0)),
            figure(time(1)),
            figure(least_time),
            figure(time(0) / least_time),
            format!("≤ {MOST_OF_LIMIT} (a page ahead)"),
            met(time(0) / least_time <= MOST_OF_LIMIT),
        ],
    ];
    Ok(format!(
        "## A long list\n\nAll of {MANY} jobs as a stream, {PAGE} a page, beside the same pages read by hand with hyper and serde_json, from one thread.\n\
         A server in another process has the pages ready in memory, made from the sandbox's own; it counts the requests, and the ids that\n\
         were read are compared. Rates are the median of {rounds} rounds, peaks the most of them. The limit of the rate is the same pages\n\
         by hyper and not decoded. In the last row the server takes {SLOW_MS} ms for a page and its reader as long to use it: who asks ahead waits\n\
         for the longer of both, who does not for their sum. The ratio of the first three rows is to the other reader, that of the last\n\
         two to the limit.\n\n{}Again: `cargo xtask bench --only listing`\n\n",
        table(["", "ours", "hyper, serde_json", "limit", "ratio", "goal", "met"], &rows)
    ))
}

/// What is read, and how often.
#[derive(Debug, Clone, Copy)]
struct Reading {
    jobs: usize,
    pause: u64,
    rounds: usize,
}

/// All take turns in every round.
fn reports(
    programs: &Programs,
    server: &FixedServer,
    names: &[&str],
    reading: Reading,
) -> Result<Vec<Vec<Report>>, String> {
    let mut reports = vec![Vec::new(); names.len()];
    for _ in 0..reading.rounds {
        for (name, reports) in names.iter().zip(&mut reports) {
            let mut command = Command::new(&programs.contestant);
            command.args(["list", name, &server.base_url, &PAGE.to_string(), &reading.pause.to_string()]);
            let report = run(&mut command)?;
            server.expect_seen(reading.jobs.div_ceil(PAGE), name)?;
            reports.push(report);
        }
    }
    let read = reports.iter().flatten().filter(|report| report.answer.get("jobs").is_some());
    let answers: Vec<_> = read.map(|report| &report.answer).collect();
    let same = answers.iter().all(|answer| *answer == answers[0] && answer["jobs"] == reading.jobs);
    same.then_some(reports).ok_or_else(|| format!("not all have read the same {} jobs", reading.jobs))
}
