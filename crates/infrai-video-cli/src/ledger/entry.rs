//! An item that this process works on: each step is written down before the next one is begun.

use std::path::Path;
use std::sync::Arc;

use infrai_video::types::VideoJob;
use infrai_video::{Fetched, Job, JobState, Response, Saved, Submission};

use super::{Item, Ledger, LedgerError, Stage};
use crate::plan;

/// An item with the ledger that it is in. Dropped without [`release`](Self::release), it stays this process's.
#[derive(Debug)]
pub(crate) struct Entry {
    ledger: Arc<Ledger>,
    pub(crate) item: Item,
}

impl Entry {
    pub(crate) fn new(ledger: &Arc<Ledger>, item: Item) -> Self {
        Self { ledger: Arc::clone(ledger), item }
    }

    async fn write(&mut self, change: impl FnOnce(&mut Item)) -> Result<(), LedgerError> {
        change(&mut self.item);
        self.ledger.write(&self.item).await
    }

    /// The request is about to leave. From here on it may have been carried out.
    pub(crate) async fn leaves(
        &mut self,
        submission: Submission,
        account: Option<String>,
    ) -> Result<(), LedgerError> {
        self.write(|item| {
            item.key = submission.idempotency_key().as_str().to_owned();
            item.submission = Some(submission);
            item.account = account;
            item.stage = Stage::Sent;
            (item.error, item.error_code) = (None, None);
        })
        .await
    }

    /// The service is certain that it did nothing, and may be asked again.
    pub(crate) async fn is_planned_again(&mut self, why: &str) -> Result<(), LedgerError> {
        self.write(|item| {
            item.stage = Stage::Planned;
            item.submission = None;
            item.error = Some(why.to_owned());
        })
        .await
    }

    /// It is asked for anew, under another key.
    pub(crate) async fn is_asked_anew(&mut self) -> Result<(), LedgerError> {
        self.write(|item| {
            item.attempt += 1;
            item.key = plan::key(&item.id, item.attempt);
            item.stage = Stage::Planned;
            (item.submission, item.job_id, item.job_state) = (None, None, None);
            (item.error, item.error_code, item.cost_usd) = (None, None, None);
        })
        .await
    }

    /// What was changed of it by hand is written down.
    pub(crate) async fn stays(&mut self) -> Result<(), LedgerError> {
        self.write(|_| ()).await
    }

    /// There is a job.
    pub(crate) async fn accepted(&mut self, job: &Response<Job>) -> Result<(), LedgerError> {
        let cost = job.metadata().cost_usd;
        self.write(|item| {
            item.stage = Stage::Accepted;
            item.job_id = Some(job.id().to_owned());
            item.job_state = job.snapshot().map(|job| job.state.to_string());
            item.cost_usd = cost.or(item.cost_usd);
        })
        .await?;
        match job.snapshot() {
            // A job may be over at once. Only one that is over without a clip changes the stage.
            Some(job) => self.read(job).await,
            None => Ok(()),
        }
    }

    /// A state of the job was read.
    pub(crate) async fn read(&mut self, job: &VideoJob) -> Result<(), LedgerError> {
        let state = job.state.to_string();
        let stage = match &job.state {
            JobState::Cancelled => Stage::Cancelled,
            JobState::Succeeded if job.is_without_clip() => Stage::Failed,
            JobState::Succeeded => self.item.stage,
            state if state.is_final() => Stage::Failed,
            _ => self.item.stage,
        };
        if self.item.job_state.as_deref() == Some(state.as_str()) && self.item.stage == stage {
            return Ok(());
        }
        self.write(|item| {
            item.job_state = Some(state);
            item.stage = stage;
            if let Some(error) = &job.error {
                let without = if job.is_without_clip() { "succeeded without a clip: " } else { "" };
                item.error = Some(format!("{without}{error}"));
                item.error_code = error.code.clone();
            }
        })
        .await
    }

    /// The clip is here, and gets its name next.
    pub(crate) async fn fetched(&mut self, clip: &Fetched) -> Result<(), LedgerError> {
        let machine = self.ledger.machine().to_owned();
        self.write(|item| {
            item.stage = Stage::Fetched;
            item.path = Some(absolute(clip.path()));
            item.bytes = i64::try_from(clip.bytes()).ok();
            item.sha256 = Some(clip.sha256().to_owned());
            item.machine = Some(machine);
        })
        .await
    }

    /// The clip is where it should be, or went where it was asked for. The item is nobody's any more.
    pub(crate) async fn saved(&mut self, clip: Option<&Saved>) -> Result<(), LedgerError> {
        let item = &mut self.item;
        item.stage = Stage::Saved;
        (item.error, item.error_code) = (None, None);
        if let Some(clip) = clip {
            item.path = Some(absolute(&clip.path));
            item.bytes = i64::try_from(clip.bytes).ok();
            item.sha256 = Some(clip.sha256.clone());
            item.machine = Some(self.ledger.machine().to_owned());
        }
        self.ledger.finish(item).await
    }

    /// The clip is whole, under a path that the ledger did not know.
    pub(crate) async fn moved(&mut self, path: &Path) -> Result<(), LedgerError> {
        self.item.path = Some(absolute(path));
        self.item.machine = Some(self.ledger.machine().to_owned());
        self.saved(None).await
    }

    /// Nothing more comes of it.
    pub(crate) async fn ended(
        &mut self,
        stage: Stage,
        why: &str,
        code: Option<&str>,
    ) -> Result<(), LedgerError> {
        self.write(|item| {
            item.stage = stage;
            item.error = Some(why.to_owned());
            item.error_code = code.map(str::to_owned);
        })
        .await
    }

    /// Why it is not further, for whoever looks.
    pub(crate) async fn troubled(&mut self, why: &str) -> Result<(), LedgerError> {
        self.write(|item| item.error = Some(why.to_owned())).await
    }

    /// Gives it back, for whoever comes next. What is known of it stays here.
    pub(crate) async fn release(self) -> Item {
        // Where it cannot be given back, its lease runs out.
        let _unreachable = self.ledger.release(&self.item).await;
        self.item
    }
}

/// A path that means the same to a process in another directory.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
