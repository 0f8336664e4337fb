//! A process that uses the SDK, and continues with the records of earlier processes.

use std::path::Path;

use futures_util::future::join_all;
use infrai_video::wait::{Finished, WaitError, WaitErrorKind};
use infrai_video::{Client, Error, ErrorKind, JobState, Submission};
use infrai_video_sandbox::SandboxRouter;
use tokio::time::{Duration, Instant};

use crate::life::Life;
use crate::stage::{Item, Outcome, Refused, Stage};
use crate::support::KEY;

pub(crate) struct Process<'a> {
    client: Client,
    together: bool,
    stage: &'a mut Stage,
}

impl<'a> Process<'a> {
    pub(crate) fn new(seed: u64, generation: u32, life: &Life, stage: &'a mut Stage) -> Self {
        // Each process mints different keys.
        let client = stage.client(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(generation)), life);
        Self { client, together: (seed + u64::from(generation)) % 3 == 0, stage }
    }

    /// Processes every clip as far as possible.
    ///
    /// Jobs are started concurrently. Their clips are fetched one after the other: a seed does not determine the order of file
    /// work on several threads.
    pub(crate) async fn run(self) {
        let Self { client, together, stage } = self;
        let Stage { sandbox, items, directory, violations } = stage;
        let mut unfinished: Vec<&mut Item> = items.iter_mut().filter(|item| item.outcome.is_none()).collect();
        let started = join_all(unfinished.iter_mut().map(|item| start(&client, sandbox, item))).await;
        violations.extend(started.into_iter().flatten());
        unfinished.retain(|item| item.outcome.is_none() && item.job_id.is_some());
        if together {
            let ids: Vec<_> = unfinished.iter().filter_map(|item| item.job_id.clone()).collect();
            let mut results = client.wait_all(ids).results();
            while let Some((id, result)) = results.next().await {
                if let Some(item) = unfinished.iter_mut().find(|item| item.job_id.as_deref() == Some(&*id)) {
                    finish(item, result, directory, violations).await;
                }
            }
        } else {
            for item in unfinished {
                let Some(id) = &item.job_id else { continue };
                let started = Instant::now();
                let result = client.job(id).wait().await;
                check_duration(started, Duration::from_secs(30 * 60 + 60), "wait", violations);
                finish(item, result, directory, violations).await;
            }
        }
        for item in items {
            if let Some(id) = item.to_delete() {
                let job = sandbox.jobs().into_iter().find(|job| job.job_id == id);
                item.last_state = job.map(|job| job.state).or(item.last_state);
                delete(&client, item, violations).await;
            }
        }
    }
}

/// Starts the clip's job. Returns violations of invariants.
async fn start(client: &Client, sandbox: &SandboxRouter, item: &mut Item) -> Vec<String> {
    let mut violations = Vec::new();
    if item.curious {
        let started = Instant::now();
        let checked = client.generate(&item.prompt).duration_seconds(1.0).preflight().await;
        check_duration(started, Duration::from_secs(120), "check", &mut violations);
        let failed = checked.is_err();
        check_result(checked, &mut violations);
        // Without the service's clock, the submission is postponed.
        if failed && item.submission.is_none() {
            return violations;
        }
    }
    let stored = item.submission.get_or_insert_with(|| {
        let generate = client.generate(&item.prompt).duration_seconds(1.0);
        let submission = generate.prepare().expect("the request is valid");
        item.prepared = Some(sandbox.clock().now());
        serde_json::to_string(&submission).expect("a submission has a JSON form")
    });
    if item.job_id.is_none() {
        let submission: Submission = serde_json::from_str(stored).expect("what was stored can be read");
        submit(client, sandbox, &submission, item, &mut violations).await;
    }
    let Some(id) = &item.job_id else { return violations };
    if item.curious {
        let started = Instant::now();
        check_result(client.get(id).await, &mut violations);
        check_duration(started, Duration::from_secs(120), "get", &mut violations);
    }
    if let Some(days) = item.keep_days.take() {
        let started = Instant::now();
        check_result(client.set_retention(id, days.try_into().expect("1 to 90 days")).await, &mut violations);
        check_duration(started, Duration::from_secs(120), "set_retention", &mut violations);
    }
    if let Some(after) = item.cancel_after {
        tokio::time::sleep(after).await;
        item.cancel_after = None;
        let started = Instant::now();
        check_result(client.cancel(id).await, &mut violations);
        check_duration(started, Duration::from_secs(120), "cancel", &mut violations);
    }
    violations
}

/// Sends a submission. If it is rejected because of its age and the item insists, sends it once more.
async fn submit(
    client: &Client,
    sandbox: &SandboxRouter,
    submission: &Submission,
    item: &mut Item,
    violations: &mut Vec<String>,
) {
    let started = Instant::now();
    let mut submitted = client.submit(submission).await;
    check_duration(started, Duration::from_secs(120), "submit", violations);
    if submitted.as_ref().is_err_and(|error| error.kind() == ErrorKind::Expired) {
        item.refused = Some(Refused::now(sandbox, submission, item.prepared));
        if item.insists {
            item.again += 1;
            submitted = client.submit(submission).with_any_age().await;
        }
    }
    let error = match submitted {
        Ok(job) => {
            item.job_id = Some(job.id().to_string());
            return;
        }
        Err(error) => error,
    };
    if error.kind() == ErrorKind::InsufficientCredit {
        item.outcome = Some(Outcome::NoCredit);
    }
    let is_unclear = error.is_outcome_unknown() || error.kind() == ErrorKind::Expired;
    if is_unclear && error.idempotency_key() != Some(submission.idempotency_key()) {
        violations.push(format!("an unknown outcome does not name its idempotency key: {error}"));
    }
    check_error(&error, violations);
}

/// Deletes the job. An earlier process may have done so without a response.
async fn delete(client: &Client, item: &mut Item, violations: &mut Vec<String>) {
    let Some(id) = &item.job_id else { return };
    let started = Instant::now();
    let deleted = client.delete(id).await;
    check_duration(started, Duration::from_secs(120), "delete", violations);
    item.deleted = deleted.is_ok();
    check_result(deleted, violations);
}

/// Checks the error of a call whose result is not used.
fn check_result<T>(result: Result<T, Error>, violations: &mut Vec<String>) {
    if let Err(error) = result {
        check_error(&error, violations);
    }
}

/// Handles the result of a wait: downloads the clip, or records the outcome.
async fn finish(
    item: &mut Item,
    result: Result<Finished, WaitError>,
    directory: &Path,
    violations: &mut Vec<String>,
) {
    let finished = match result {
        Ok(finished) => finished,
        Err(error) => {
            match error.kind() {
                WaitErrorKind::Failed => item.outcome = Some(Outcome::Failed),
                WaitErrorKind::Cancelled => item.outcome = Some(Outcome::Cancelled),
                _ => {}
            }
            check_error(&error.into(), violations);
            return;
        }
    };
    if finished.job().state != JobState::Succeeded {
        violations.push(format!("a wait succeeded with the state {}", finished.job().state));
    }
    match finished.download().to_path(directory.join(&item.path)).await {
        Ok(_) => item.outcome = Some(Outcome::Saved),
        // The process crashed between the rename of the clip and the record.
        Err(error) if error.kind() == ErrorKind::Storage && directory.join(&item.path).exists() => {
            item.outcome = Some(Outcome::Saved);
        }
        Err(error) => check_error(&error, violations),
    }
}

/// Checks that an error is one line with a next step and without secrets.
fn check_error(error: &Error, violations: &mut Vec<String>) {
    let (line, report) = (error.to_string(), format!("{error:?}"));
    if error.next_step().is_empty() {
        violations.push(format!("an error has no next step: {line}"));
    }
    if line.contains('\n') {
        violations.push(format!("an error is more than one line: {line}"));
    }
    if line.contains(KEY) || report.contains(KEY) || report.contains("signature=") {
        violations.push("an error shows a secret".to_owned());
    }
}

fn check_duration(started: Instant, limit: Duration, what: &str, violations: &mut Vec<String>) {
    if started.elapsed() > limit + Duration::from_millis(10) {
        violations.push(format!("{what} took {:?}, and may take {limit:?}", started.elapsed()));
    }
}
