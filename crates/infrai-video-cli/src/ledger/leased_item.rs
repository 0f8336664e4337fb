//! An item that this process works on. Each step is stored before the next one begins.

use std::path::Path;
use std::sync::Arc;

use infrai_video::download::{Fetched, Saved};
use infrai_video::types::VideoJob;
use infrai_video::{Job, JobState, Response, Submission};

use super::charges::{self, JobFacts};
use super::{Item, Ledger, LedgerError, Stage};
use crate::plan;

/// An item on which this process holds a lease. If it is dropped without [`release`](Self::release), the lease stays until it
/// expires.
#[derive(Debug)]
pub(crate) struct LeasedItem {
    ledger: Arc<Ledger>,
    pub(crate) item: Item,
    facts: JobFacts,
}

impl LeasedItem {
    pub(crate) fn new(ledger: &Arc<Ledger>, item: Item) -> Self {
        Self { ledger: Arc::clone(ledger), item, facts: JobFacts::default() }
    }

    async fn store(&mut self, change: impl FnOnce(&mut Item)) -> Result<(), LedgerError> {
        change(&mut self.item);
        self.ledger.write(&self.item, &mut self.facts).await
    }

    /// Before the request is sent. From here on the service may have accepted it.
    pub(crate) async fn set_sent(
        &mut self,
        submission: Submission,
        account: Option<String>,
    ) -> Result<(), LedgerError> {
        self.store(|item| {
            item.key = submission.idempotency_key().as_str().to_owned();
            item.submission = Some(submission);
            item.account = account;
            item.stage = Stage::Sent;
            (item.error, item.error_code) = (None, None);
        })
        .await
    }

    /// The service certainly did nothing, and the request can be sent again.
    pub(crate) async fn set_planned(&mut self, why: &str) -> Result<(), LedgerError> {
        self.store(|item| {
            item.stage = Stage::Planned;
            item.submission = None;
            item.error = Some(why.to_owned());
        })
        .await
    }

    /// Plans a new request under a new idempotency key.
    pub(crate) async fn plan_new_attempt(&mut self) -> Result<(), LedgerError> {
        self.facts = JobFacts::default();
        self.store(|item| {
            item.attempt += 1;
            item.key = plan::idempotency_key(&item.id, item.attempt);
            item.stage = Stage::Planned;
            (item.submission, item.job_id, item.job_state) = (None, None, None);
            (item.error, item.error_code, item.cost_usd) = (None, None, None);
        })
        .await
    }

    /// Stores changes that the caller made to the item.
    pub(crate) async fn store_changes(&mut self) -> Result<(), LedgerError> {
        self.store(|_| ()).await
    }

    pub(crate) async fn set_accepted(&mut self, job: &Response<Job>) -> Result<(), LedgerError> {
        let is_same_job = self.item.job_id.as_deref() == Some(job.id().as_str());
        let known_cost = self.item.cost_usd.filter(|_| is_same_job);
        self.facts = JobFacts::of_acceptance(&self.item, job);
        self.store(|item| {
            item.stage = Stage::Accepted;
            item.job_id = Some(job.id().to_string());
            item.job_state = job.snapshot().map(|job| job.state.to_string());
            item.cost_usd = charges::reported_cost(job.metadata()).or(known_cost);
        })
        .await?;
        match job.snapshot() {
            // A job may be final at once. Only one without a clip changes the stage.
            Some(job) => self.set_job_state(job).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn set_job_state(&mut self, job: &VideoJob) -> Result<(), LedgerError> {
        let state = job.state.to_string();
        let stage = match &job.state {
            JobState::Cancelled => Stage::Cancelled,
            JobState::Succeeded if job.is_without_clip() => Stage::Failed,
            JobState::Succeeded => self.item.stage,
            state if state.is_final() => Stage::Failed,
            _ => self.item.stage,
        };
        self.facts.observe(&job.state);
        if self.item.job_state.as_deref() == Some(state.as_str()) && self.item.stage == stage {
            return Ok(());
        }
        self.store(|item| {
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

    /// The clip is downloaded, and is renamed to its final path next.
    pub(crate) async fn set_fetched(&mut self, clip: &Fetched) -> Result<(), LedgerError> {
        let machine = self.ledger.machine().to_owned();
        self.store(|item| {
            item.stage = Stage::Fetched;
            item.path = Some(absolute(clip.path()));
            item.bytes = i64::try_from(clip.bytes()).ok();
            item.sha256 = Some(clip.sha256().to_owned());
            item.machine = Some(machine);
        })
        .await
    }

    /// The clip is at its destination. This ends the lease.
    pub(crate) async fn set_saved(&mut self, clip: Option<&Saved>) -> Result<(), LedgerError> {
        let item = &mut self.item;
        item.stage = Stage::Saved;
        (item.error, item.error_code) = (None, None);
        if let Some(clip) = clip {
            item.path = Some(absolute(&clip.path));
            item.bytes = i64::try_from(clip.bytes).ok();
            item.sha256 = Some(clip.sha256.clone());
            item.machine = Some(self.ledger.machine().to_owned());
        }
        self.ledger.finish(item, &mut self.facts).await
    }

    /// The clip is saved at a path that the ledger did not know. This ends the lease.
    pub(crate) async fn set_saved_at(&mut self, path: &Path) -> Result<(), LedgerError> {
        self.item.path = Some(absolute(path));
        self.item.machine = Some(self.ledger.machine().to_owned());
        self.set_saved(None).await
    }

    /// Sets a stage with its reason and the error code of the service.
    pub(crate) async fn set_stage(
        &mut self,
        stage: Stage,
        why: &str,
        code: Option<&str>,
    ) -> Result<(), LedgerError> {
        self.store(|item| {
            item.stage = stage;
            item.error = Some(why.to_owned());
            item.error_code = code.map(str::to_owned);
        })
        .await
    }

    /// The job was deleted with its clip.
    pub(crate) async fn set_deleted(&mut self) -> Result<(), LedgerError> {
        let state = self.item.job_state.as_deref().map(JobState::from);
        if !state.is_some_and(|state| state.is_final()) {
            self.facts.set_deleted();
        }
        self.set_stage(Stage::Dropped, "deleted by its user", None).await
    }

    /// Stores why the item was not continued.
    pub(crate) async fn set_error(&mut self, why: &str) -> Result<(), LedgerError> {
        self.store(|item| item.error = Some(why.to_owned())).await
    }

    /// Ends the lease. Returns the item.
    pub(crate) async fn release(self) -> Item {
        // If this fails, the lease expires.
        let _unreachable = self.ledger.release(&self.item).await;
        self.item
    }
}

/// A path that is valid for processes in other directories.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
