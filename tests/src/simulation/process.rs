//! One life of a program that uses the SDK: it goes on with whatever an earlier life stored.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fastrand::Rng;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use infrai_video::{Client, Error, ErrorKind, Finished, JobState, Submission, WaitError, WaitErrorKind};
use infrai_video_sandbox::{JobState as ServerState, SandboxRouter};
use tokio::time::{Duration, Instant};

use super::Stage;
use super::life::{LONGEST_JUMPS, Life};

/// One clip that somebody wants, and what is stored of it. The fields are the disk: they survive a crash.
pub(super) struct Item {
    pub(super) prompt: String,
    pub(super) path: PathBuf,
    pub(super) submission: Option<String>,
    pub(super) job_id: Option<String>,
    pub(super) outcome: Option<Outcome>,
    /// Whether the job is to be deleted once it has come to its end.
    pub(super) tidy: bool,
    pub(super) deleted: bool,
    /// What the sandbox said of the job before it was deleted: a witness for the verdict.
    pub(super) last_state: Option<ServerState>,
    /// What was refused last because of the age of its idempotency key: then nobody knows whether there is a job.
    pub(super) refused: Option<Refused>,
    /// How many times it was sent although it had been refused for its age: each may start a job of its own.
    pub(super) again: usize,
    cancel_after: Option<Duration>,
    curious: bool,
    insists: bool,
    keep_days: Option<u32>,
    /// When it was prepared, by the service's clock.
    prepared: Option<SystemTime>,
}

/// A submission that was not sent because of the age of its idempotency key, by the service's clock.
pub(super) struct Refused {
    /// Since it was prepared.
    pub(super) age: Duration,
    /// How far its own date is ahead of the service's clock at that moment, in seconds.
    pub(super) ahead: i64,
}

/// How it ended for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Saved,
    Failed,
    Cancelled,
    NoCredit,
}

impl Item {
    /// An account without money for two jobs never insists: a job that it cannot pay would look like one that never was.
    pub(super) fn new(number: usize, poor: bool, random: &mut Rng) -> Self {
        let fails = random.u8(..10) == 0;
        let cancel_after = (random.u8(..6) == 0).then(|| Duration::from_millis(random.u64(0..60_000)));
        let prompt = format!("scene {number} of {}{}", random.u32(..), if fails { " [fail]" } else { "" });
        Self {
            prompt,
            path: PathBuf::from(format!("clip-{number}.mp4")),
            submission: None,
            job_id: None,
            outcome: None,
            tidy: random.u8(..4) == 0,
            deleted: false,
            last_state: None,
            refused: None,
            again: 0,
            cancel_after,
            curious: random.bool(),
            insists: !poor && random.u8(..4) == 0,
            keep_days: random.bool().then(|| random.u32(LONGEST_JUMPS..=90)),
            prepared: None,
        }
    }

    /// The id of a job that has come to its end and is still to be deleted.
    fn to_delete(&self) -> Option<&str> {
        let is_left = self.tidy && !self.deleted && self.outcome.is_some();
        self.job_id.as_deref().filter(|_| is_left)
    }
}

pub(super) struct Process<'a> {
    client: Client,
    together: bool,
    stage: &'a mut Stage,
}

impl<'a> Process<'a> {
    pub(super) fn new(seed: u64, generation: u32, life: &Life, stage: &'a mut Stage) -> Self {
        // Each life mints keys of its own, as a real process would.
        let client = stage.client(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(generation)), life);
        Self { client, together: (seed + u64::from(generation)).is_multiple_of(3), stage }
    }

    /// Does what can be done for every clip, until nothing more can.
    ///
    /// Jobs are started side by side. Their clips are fetched one after the other: file work is done by threads, and which
    /// of two is done first no seed can decide.
    pub(super) async fn run(self) {
        let Self { client, together, stage } = self;
        let Stage { sandbox, items, directory, complaints } = stage;
        let mut unfinished: Vec<&mut Item> = items.iter_mut().filter(|item| item.outcome.is_none()).collect();
        let started = join_all(unfinished.iter_mut().map(|item| start(&client, sandbox, item))).await;
        complaints.extend(started.into_iter().flatten());
        unfinished.retain(|item| item.outcome.is_none() && item.job_id.is_some());
        if together {
            let ids: Vec<_> = unfinished.iter().filter_map(|item| item.job_id.clone()).collect();
            let mut results = client.wait_all(ids).results();
            while let Some((id, result)) = results.next().await {
                if let Some(item) = unfinished.iter_mut().find(|item| item.job_id.as_ref() == Some(&id)) {
                    finish(item, result, directory, complaints).await;
                }
            }
        } else {
            for item in unfinished {
                let Some(id) = &item.job_id else { continue };
                let started = Instant::now();
                let result = client.job(id).wait().await;
                in_time(started, Duration::from_secs(30 * 60 + 60), "wait", complaints);
                finish(item, result, directory, complaints).await;
            }
        }
        for item in items {
            if let Some(id) = item.to_delete() {
                let job = sandbox.jobs().into_iter().find(|job| job.job_id == id);
                item.last_state = job.map(|job| job.state).or(item.last_state);
                delete(&client, item, complaints).await;
            }
        }
    }
}

/// Sees to it that the clip has a job. Gives what was wrong with the SDK's own behaviour.
async fn start(client: &Client, sandbox: &SandboxRouter, item: &mut Item) -> Vec<String> {
    let mut complaints = Vec::new();
    if item.curious {
        let started = Instant::now();
        let checked = client.generate(&item.prompt).duration_seconds(1.0).check().await;
        in_time(started, Duration::from_secs(120), "check", &mut complaints);
        let failed = checked.is_err();
        note(checked, &mut complaints);
        // Whoever has not seen the service's clock waits with the submission.
        if failed && item.submission.is_none() {
            return complaints;
        }
    }
    let stored = item.submission.get_or_insert_with(|| {
        let generate = client.generate(&item.prompt).duration_seconds(1.0);
        let submission = generate.prepare().expect("the request is valid");
        item.prepared = Some(sandbox.clock().now().into());
        serde_json::to_string(&submission).expect("a submission has a JSON form")
    });
    if item.job_id.is_none() {
        let submission: Submission = serde_json::from_str(stored).expect("what was stored can be read");
        submit(client, sandbox, &submission, item, &mut complaints).await;
    }
    let Some(id) = &item.job_id else { return complaints };
    if item.curious {
        let started = Instant::now();
        note(client.get(id).await, &mut complaints);
        in_time(started, Duration::from_secs(120), "get", &mut complaints);
    }
    if let Some(days) = item.keep_days.take() {
        let started = Instant::now();
        note(client.set_retention(id, days.try_into().expect("1 to 90 days")).await, &mut complaints);
        in_time(started, Duration::from_secs(120), "set_retention", &mut complaints);
    }
    if let Some(after) = item.cancel_after {
        tokio::time::sleep(after).await;
        item.cancel_after = None;
        let started = Instant::now();
        note(client.cancel(id).await, &mut complaints);
        in_time(started, Duration::from_secs(120), "cancel", &mut complaints);
    }
    complaints
}

/// Sends a submission, and once more where it is refused for its age and somebody insists.
async fn submit(
    client: &Client,
    sandbox: &SandboxRouter,
    submission: &Submission,
    item: &mut Item,
    complaints: &mut Vec<String>,
) {
    let started = Instant::now();
    let mut submitted = client.submit(submission).await;
    in_time(started, Duration::from_secs(120), "submit", complaints);
    if submitted.as_ref().is_err_and(|error| error.kind() == ErrorKind::Expired) {
        item.refused = Some(Refused::now(sandbox, submission, item.prepared));
        if item.insists {
            item.again += 1;
            submitted = client.submit(submission).with_any_age().await;
        }
    }
    let error = match submitted {
        Ok(job) => {
            item.job_id = Some(job.id().to_owned());
            return;
        }
        Err(error) => error,
    };
    if error.kind() == ErrorKind::InsufficientCredit {
        item.outcome = Some(Outcome::NoCredit);
    }
    let is_unclear = error.is_outcome_unknown() || error.kind() == ErrorKind::Expired;
    if is_unclear && error.idempotency_key() != Some(submission.idempotency_key()) {
        complaints.push(format!("an unknown outcome does not name its idempotency key: {error}"));
    }
    look_at(&error, complaints);
}

impl Refused {
    fn now(sandbox: &SandboxRouter, submission: &Submission, prepared: Option<SystemTime>) -> Self {
        let now = SystemTime::from(sandbox.clock().now());
        let prepared = prepared.unwrap_or(now);
        let age = now.duration_since(prepared).unwrap_or_default();
        let ahead = match SystemTime::from(submission.prepared_at()).duration_since(prepared) {
            Ok(ahead) => ahead.as_secs() as i64,
            Err(behind) => -(behind.duration().as_secs() as i64),
        };
        Self { age, ahead }
    }

    /// Whether the service's clock says that the key may be forgotten, or that it was made in the future.
    pub(super) fn is_right(&self) -> bool {
        const TOLERANCE: i64 = 600;
        let by_the_service = self.age.as_secs() as i64 - self.ahead;
        by_the_service >= 24 * 3600 - TOLERANCE || by_the_service <= 0
    }
}

/// Deletes the job if it is to be deleted, which an earlier life may have done without hearing of it.
async fn delete(client: &Client, item: &mut Item, complaints: &mut Vec<String>) {
    let Some(id) = &item.job_id else { return };
    let started = Instant::now();
    let deleted = client.delete(id).await;
    in_time(started, Duration::from_secs(120), "delete", complaints);
    item.deleted = deleted.is_ok();
    note(deleted, complaints);
}

/// A call whose result matters to nobody here; its error must be as every error is.
fn note<T>(result: Result<T, Error>, complaints: &mut Vec<String>) {
    if let Err(error) = result {
        look_at(&error, complaints);
    }
}

/// What a wait brought: a clip to fetch, an end, or something for the next life.
async fn finish(
    item: &mut Item,
    result: Result<Finished, WaitError>,
    directory: &Path,
    complaints: &mut Vec<String>,
) {
    let finished = match result {
        Ok(finished) => finished,
        Err(error) => {
            match error.kind() {
                WaitErrorKind::Failed => item.outcome = Some(Outcome::Failed),
                WaitErrorKind::Cancelled => item.outcome = Some(Outcome::Cancelled),
                _ => {}
            }
            look_at(&error.into(), complaints);
            return;
        }
    };
    if finished.job().state != JobState::Succeeded {
        complaints.push(format!("a wait ended well with the state {}", finished.job().state));
    }
    match finished.download().to_path(directory.join(&item.path)).await {
        Ok(_) => item.outcome = Some(Outcome::Saved),
        // The crash came between the clip's last step and the note of it.
        Err(error) if error.kind() == ErrorKind::Storage && directory.join(&item.path).exists() => {
            item.outcome = Some(Outcome::Saved);
        }
        Err(error) => look_at(&error, complaints),
    }
}

/// What every error must be: one line, with a next step, and without secrets.
fn look_at(error: &Error, complaints: &mut Vec<String>) {
    let (line, report) = (error.to_string(), format!("{error:?}"));
    if error.next_step().is_empty() {
        complaints.push(format!("an error has no next step: {line}"));
    }
    if line.contains('\n') {
        complaints.push(format!("an error is more than one line: {line}"));
    }
    if line.contains(crate::KEY) || report.contains(crate::KEY) || report.contains("signature=") {
        complaints.push("an error shows a secret".to_owned());
    }
}

fn in_time(started: Instant, limit: Duration, what: &str, complaints: &mut Vec<String>) {
    if started.elapsed() > limit + Duration::from_millis(10) {
        complaints.push(format!("{what} took {:?}, and may take {limit:?}", started.elapsed()));
    }
}
