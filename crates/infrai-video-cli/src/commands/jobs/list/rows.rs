//! A job as a line for programs, or as a row of the table.

use std::collections::HashMap;

use infrai_video::types::VideoJob;

use crate::commands::jobs::known_jobs::{Reader, age, cost, file};
use crate::ledger::{Item, KnownJob};
use crate::ui::{Step, Table};

const HEADINGS: [&str; 6] = ["JOB", "STATE", "AGE", "CLIP", "USD", "PROMPT"];
const AGE: usize = 2;
const CLIP: usize = 3;
const USD: usize = 4;
const PROMPT: usize = 5;
const LAST: usize = 6;

/// What a narrow terminal does not show.
const STEPS: [Step; 8] = [
    Step::narrow(PROMPT, 20),
    Step::narrow_paths(LAST, 16),
    Step::leave_out(USD),
    Step::narrow(PROMPT, 12),
    Step::narrow_paths(LAST, 12),
    Step::leave_out(CLIP),
    Step::leave_out(AGE),
    Step::leave_out(PROMPT),
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
            if job.error.is_some() { reason(job) } else { file() },
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
    let mut steps = STEPS.to_vec();
    if !has_reasons {
        // The reason of a failure stays as long as there is a table, the file goes first.
        steps.insert(2, Step::leave_out(LAST));
    }
    Table { headings, rows, steps }
}

/// Length and size as requested: `5 s 720p`.
fn clip(item: &Item) -> String {
    let Ok(request) = item.clip_request() else { return String::new() };
    let length = request.duration_seconds.map(|seconds| format!("{seconds} s"));
    length.into_iter().chain(request.resolution).collect::<Vec<_>>().join(" ")
}

fn reason(job: &VideoJob) -> String {
    job.error.as_ref().map(ToString::to_string).unwrap_or_default()
}
