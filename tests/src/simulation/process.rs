//! One life of a program that uses the SDK: it goes on with whatever an earlier life stored.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use infrai_video::{Client, Error, ErrorKind, Finished, JobState, Submission, WaitError, WaitErrorKind};
use infrai_video_sandbox::JobState as ServerState;
use tokio::time::{Duration, Instant};

use super::Stage;

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
    cancel_after: Option<Duration>,
    curious: bool,
    keep_days: Option<u32>,
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
    pub(super) fn new(number: usize, random: &mut Rng) -> Self {
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
            cancel_after,
            curious: random.bool(),
            keep_days: random.bool().then(|| random.u32(1..=90)),
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
    pub(super) fn new(seed: u64, generation: u32, stage: &'a mut Stage) -> Self {
        // Each life mints keys of its own, as a real process would.
        let client = stage.client(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(generation)));
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
        let started = join_all(unfinished.iter_mut().map(|item| start(&client, item))).await;
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
async fn start(client: &Client, item: &mut Item) -> Vec<String> {
    let mut complaints = Vec::new();
    let stored = match &item.submission {
        Some(stored) => stored.clone(),
        None => {
            let generate = client.generate(&item.prompt).duration_seconds(1.0);
            let submission = generate.prepare().expect("the request is valid");
            let stored = serde_json::to_string(&submission).expect("a submission has a JSON form");
            item.submission = Some(stored.clone());
            stored
        }
    };
    if item.curious {
        let started = Instant::now();
        note(client.generate(&item.prompt).duration_seconds(1.0).check().await, &mut complaints);
        in_time(started, Duration::from_secs(120), "check", &mut complaints);
    }
    if item.job_id.is_none() {
        let submission: Submission = serde_json::from_str(&stored).expect("what was stored can be read");
        let started = Instant::now();
        let submitted = client.submit(&submission).await;
        in_time(started, Duration::from_secs(120), "submit", &mut complaints);
        match submitted {
            Ok(job) => item.job_id = Some(job.id().to_owned()),
            Err(error) => {
                if error.kind() == ErrorKind::InsufficientCredit {
                    item.outcome = Some(Outcome::NoCredit);
                }
                look_at(&error, &mut complaints);
            }
        }
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
