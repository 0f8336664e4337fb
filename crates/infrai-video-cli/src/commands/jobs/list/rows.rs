//! A job as a line for programs, or as a row of the table.

use std::collections::HashMap;

use anstyle::{AnsiColor, Style};
use infrai_video::types::VideoJob;

use crate::commands::jobs::known_jobs::{Reader, age, cost, file};
use crate::ledger::{Item, KnownJob};
use crate::ui::{Step, Table};

const HEADINGS: [&str; 6] = ["JOB", "STATE", "AGE", "CLIP", "USD", "PROMPT"];
const STATE: usize = 1;
const AGE: usize = 2;
const CLIP: usize = 3;
const USD: usize = 4;
const PROMPT: usize = 5;
const LAST: usize = 6;

/// A shorter prompt does not tell jobs apart.
const MIN_PROMPT: usize = 24;

/// What a narrow terminal does not show.
const STEPS: [Step; 5] = [
    Step::leave_out(USD),
    Step::leave_out(CLIP),
    Step::leave_out(LAST),
    Step::below(PROMPT),
    Step::leave_out(AGE),
];

/// The columns of a line for programs. Scripts rely on their order: new ones are added at the end.
pub(super) fn line(job: &VideoJob, known: Option<&KnownJob>) -> [String; 9] {
    let item = known.map(|known| &known.item);
    let request = item.and_then(|item| item.clip_request().ok());
    let request = request.as_ref();
    let seconds = request.and_then(|request| request.duration_seconds).map(|seconds| seconds.to_string());
    [
        job.job_id.clone(),
        job.state.to_string(),
        reason(job),
        known.map(|known| age(known, Reader::Program)).unwrap_or_default(),
        seconds.unwrap_or_default(),
        request.and_then(|request| request.resolution.clone()).unwrap_or_default(),
        item.and_then(|item| cost(item, &job.state)).unwrap_or_default(),
        item.and_then(|item| file(item, Reader::Program)).unwrap_or_default(),
        request.map(|request| request.prompt.clone()).unwrap_or_default(),
    ]
}

/// A table for people. Its last column is the file of a clip or the reason of a failure.
pub(super) fn table(jobs: &[VideoJob], known: &HashMap<String, KnownJob>) -> Table {
    let row = |job: &VideoJob| {
        let known = known.get(&job.job_id);
        let item = known.map(|known| &known.item);
        let text = |fact: Option<String>| fact.unwrap_or_default();
        let file = || text(item.and_then(|item| file(item, Reader::Person)));
        vec![
            job.job_id.clone(),
            job.state.to_string(),
            text(known.map(|known| age(known, Reader::Person))),
            text(item.map(clip)),
            text(item.and_then(|item| cost(item, &job.state))),
            text(item.map(Item::prompt)),
            if job.error.is_some() { reason_by_code(job) } else { file() },
        ]
    };
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    let cells = || jobs.iter().zip(&rows).filter(|(_, row)| !row[LAST].is_empty());
    let has_reasons = cells().any(|(job, _)| job.error.is_some());
    let last = match cells().any(|(job, _)| job.error.is_none()) {
        true if has_reasons => "FILE OR REASON",
        false if has_reasons => "REASON",
        _ => "FILE",
    };
    let headings = HEADINGS.into_iter().chain([last]).collect();
    // A reason is cut to its code. It stays longer than a file.
    let codes = jobs.iter().filter_map(|job| job.error.as_ref()?.code.as_deref());
    let least = codes.map(|code| code.len() + "...".len()).max().unwrap_or_default().clamp(16, 32);
    let mut steps = vec![Step::narrow(PROMPT, MIN_PROMPT), Step::narrow_paths(LAST, least)];
    if !has_reasons {
        steps.push(Step::leave_out(LAST));
    }
    steps.extend(STEPS);
    Table { headings, rows, steps, style: Some((STATE, style)) }
}

/// Length and size as requested: `5 s 720p`.
fn clip(item: &Item) -> String {
    let Ok(request) = item.clip_request() else { return String::new() };
    let length = request.duration_seconds.map(|seconds| format!("{seconds} s"));
    length.into_iter().chain(request.resolution).collect::<Vec<_>>().join(" ")
}

/// The reason of a failure, its code first.
fn reason_by_code(job: &VideoJob) -> String {
    let error = job.error.as_ref().filter(|error| !error.message.is_empty());
    match error.and_then(|error| Some((error.code.as_ref()?, &error.message))) {
        Some((code, message)) => format!("{code}: {message}"),
        None => reason(job),
    }
}

fn style(state: &str) -> Style {
    match state {
        "succeeded" => AnsiColor::Green.on_default(),
        "failed" => AnsiColor::Red.on_default(),
        "cancelled" => AnsiColor::BrightBlack.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}

fn reason(job: &VideoJob) -> String {
    job.error.as_ref().map(ToString::to_string).unwrap_or_default()
}
