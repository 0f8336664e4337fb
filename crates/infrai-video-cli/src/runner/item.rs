//! The steps of one item: submit, wait, download.

mod restore;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use infrai_video::download::Download;
use infrai_video::wait::{WaitError, WaitErrorKind};
use infrai_video::{Error, ErrorKind, IdempotencyKey, JobId, JobState, Submission};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use self::restore::Restored;
use super::clip_file::{self, is_clip};
use super::job_watcher::{JobEvent, JobWatcher};
use super::output_path::overwrite;
use super::wait_and_download::link_timeout;
use crate::args::{AfterSaveArgs, credentials};
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Outage, Setback, describe};
use crate::ledger::{Item, LeasedItem, Ledger, LedgerError, Stage};
use crate::spending::{Admission, Budget};
use crate::text::usd;
use crate::ui::ItemProgress;

/// Maximum number of downloads at the same time. They use memory, disk and open files here, unlike jobs, which use the service.
const DOWNLOADS: usize = 64;

/// Finishes items of the ledger.
pub(crate) struct Runner<'a> {
    pub(super) ctx: &'a Context,
    pub(super) session: &'a Session,
    pub(super) ledger: Arc<Ledger>,
    watcher: JobWatcher,
    max_wait: Option<Duration>,
    /// The fingerprint of the API key in use.
    account: Option<String>,
    if_job_gone: IfJobGone,
    pub(super) budget: Budget,
    pub(super) after_save: Option<&'a AfterSaveArgs>,
    accepted: AtomicU64,
    polled: AtomicU64,
    advanced: Notify,
    downloads: Semaphore,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        ctx: &'a Context,
        session: &'a Session,
        ledger: &Arc<Ledger>,
        max_wait: Option<Duration>,
    ) -> Self {
        Self {
            ctx,
            session,
            ledger: Arc::clone(ledger),
            watcher: JobWatcher::start(&session.client, max_wait),
            max_wait,
            account: credentials::api_key_fingerprint(),
            if_job_gone: IfJobGone::Leave,
            budget: Budget::default(),
            after_save: None,
            accepted: AtomicU64::new(0),
            polled: AtomicU64::new(0),
            advanced: Notify::new(),
            downloads: Semaphore::new(DOWNLOADS),
        }
    }

    pub(crate) fn with_if_job_gone(mut self, if_job_gone: IfJobGone) -> Self {
        self.if_job_gone = if_job_gone;
        self
    }

    pub(crate) fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// What this run may spend.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn with_after_save(mut self, after_save: &'a AfterSaveArgs) -> Self {
        self.after_save = Some(after_save);
        self
    }

    /// The number of accepted requests and of polled states so far.
    pub(super) fn successes(&self) -> (u64, u64) {
        (self.accepted.load(Ordering::Relaxed), self.polled.load(Ordering::Relaxed))
    }

    /// Waits until [`successes`](Self::successes) changes.
    pub(super) async fn advanced(&self) {
        self.advanced.notified().await;
    }

    /// Does what is left to do for an item. Each step is stored in the ledger before the next one begins.
    pub(super) async fn finish(
        &self,
        leased: &mut LeasedItem,
        progress: &ItemProgress,
    ) -> Result<Placed, Setback> {
        let since = Instant::now();
        loop {
            progress.update(&leased.item);
            match leased.item.stage {
                // The source of the items has asked before, but not for a job that is gone.
                Stage::Planned if self.budget.reserve(&leased.item) != Admission::Granted => {
                    return Err(Setback::OverBudget);
                }
                Stage::Planned => {
                    self.session.client.sync_time().await;
                    let submission = self.prepare(&leased.item)?;
                    leased.set_sent(submission.clone(), self.account.clone()).await?;
                    self.submit(leased, &submission, Sending::First).await?;
                }
                Stage::Sent if leased.item.job_id.is_none() => {
                    let submission = self.stored_submission(&leased.item)?;
                    self.submit(leased, &submission, Sending::Again).await?;
                }
                Stage::Sent | Stage::Accepted => {
                    self.wait(leased, progress).await?;
                    return self.fetch(leased, progress, since).await.map(|()| Placed::Now);
                }
                Stage::Fetched if has_final_name(&leased.item) => {
                    remove_part_files(&leased.item);
                    leased.item.machine = Some(self.ledger.machine().to_owned());
                    leased.set_saved(None).await?;
                    return Ok(Placed::Now);
                }
                Stage::Fetched => {
                    return self.fetch(leased, progress, since).await.map(|()| Placed::Now);
                }
                Stage::Saved | Stage::Missing => match self.restore(leased, progress).await? {
                    Restored::InPlace => return Ok(Placed::Before),
                    Restored::Written => return Ok(Placed::Now),
                    Restored::PlannedAgain => {}
                },
                Stage::Failed | Stage::Cancelled | Stage::Refused | Stage::Dropped => {
                    return Err(Setback::NoClip);
                }
            }
        }
    }

    /// The request of a planned item under its key.
    fn prepare(&self, item: &Item) -> Result<Submission, Setback> {
        let damaged = |error: String| Setback::Stuck {
            exit: Exit::Refused,
            why: format!("the ledger has an invalid request: {error}"),
        };
        let request = item.clip_request().map_err(|error| damaged(error.to_string()))?;
        let key: IdempotencyKey = item.key.parse().map_err(|error: Error| damaged(describe(&error)))?;
        let generate = request.to_generate(&self.session.client).with_idempotency_key(key);
        generate.prepare().map_err(|error| damaged(describe(&error)))
    }

    /// The request of an item that may have been sent before. It is sent again only with the same API key. The SDK checks the age of
    /// its idempotency key.
    fn stored_submission(&self, item: &Item) -> Result<Submission, Setback> {
        let Some(submission) = &item.submission else { return self.prepare(item) };
        if self.is_of_other_api_key(item) {
            let why = "it may have been sent with another API key than the current one";
            return Err(Setback::UnsafeToRetry(why.to_owned()));
        }
        Ok(submission.clone())
    }

    /// Whether an item was begun with another API key. Both may belong to the same account.
    fn is_of_other_api_key(&self, item: &Item) -> bool {
        item.account.is_some() && item.account != self.account
    }

    async fn submit(
        &self,
        leased: &mut LeasedItem,
        submission: &Submission,
        sending: Sending,
    ) -> Result<(), Setback> {
        self.budget.count(&leased.item);
        match self.session.client.submit(submission).await {
            Ok(job) => {
                self.accepted.fetch_add(1, Ordering::Relaxed);
                self.advanced.notify_one();
                let recorded = leased.set_accepted(&job).await;
                self.budget.set_charged(&leased.item);
                recorded?;
                self.report_submission(&leased.item);
                Ok(())
            }
            Err(error) => {
                let setback = Setback::of_call(&error);
                let certain = !error.is_outcome_unknown() && error.kind() != ErrorKind::AcceptedEarlier;
                match &setback {
                    // Only if nothing was sent before, it is certain that there is no job.
                    Setback::Paused { .. } | Setback::Stopped { .. }
                        if certain && sending == Sending::First =>
                    {
                        leased.set_planned(&describe(&error)).await?;
                    }
                    Setback::NoClip => {
                        leased.set_stage(Stage::Refused, &describe(&error), error.code()).await?;
                    }
                    _ => leased.set_error(&describe(&error)).await?,
                }
                Err(setback)
            }
        }
    }

    /// Prints the job where no changing line shows the item.
    fn report_submission(&self, item: &Item) {
        if !self.ctx.output.is_live {
            let cost = item.cost_usd.map(|cost| format!(", {} USD", usd(cost))).unwrap_or_default();
            let id = item.job_id.as_deref().unwrap_or_default();
            self.ctx.output.status("submitted", &format!("{}  job {id}{cost}", item.label()));
        }
    }

    async fn wait(&self, leased: &mut LeasedItem, progress: &ItemProgress) -> Result<(), Setback> {
        let Some(id) = leased.item.job_id.clone() else {
            return Err(Setback::Stuck {
                exit: Exit::Other,
                why: "the ledger has no id of its job".to_owned(),
            });
        };
        if id.parse::<JobId>().is_err() {
            let why = format!(
                "job {id:?} is paid, but cannot be accessed: its id cannot be part of a path; infrai-video list shows it"
            );
            return Err(Setback::Stuck { exit: Exit::Other, why });
        }
        if leased.item.job_state.as_deref().map(JobState::from) == Some(JobState::Succeeded) {
            return Ok(());
        }
        if self.is_of_other_api_key(&leased.item)
            && let Err(error) = self.session.client.status(&id).await
            && error.kind() == ErrorKind::NotFound
        {
            return Err(Setback::OtherApiKey);
        }
        let mut events = self.watcher.watch(&id);
        loop {
            match events.next().await {
                JobEvent::State(job) => {
                    self.polled.fetch_add(1, Ordering::Relaxed);
                    self.advanced.notify_one();
                    leased.set_job_state(&job).await?;
                    progress.update(&leased.item);
                }
                JobEvent::Finished(Ok(())) => return Ok(()),
                JobEvent::Finished(Err(error)) => return Err(wait_failed(leased, &error).await?),
            }
        }
    }

    /// Downloads the clip of a job that has succeeded.
    async fn fetch(
        &self,
        leased: &mut LeasedItem,
        progress: &ItemProgress,
        since: Instant,
    ) -> Result<(), Setback> {
        let id = leased.item.job_id.clone().unwrap_or_default();
        let Some(path) = leased.item.destination.path(&id) else {
            return Ok(leased.set_saved(None).await?);
        };
        let _permit = self.downloads.acquire().await;
        let exists = !leased.item.replace && path.symlink_metadata().is_ok();
        // A clip that was downloaded before has another checksum, or this item would be saved.
        if exists && (leased.item.stage == Stage::Fetched || !path.is_file()) {
            return Err(file_exists(leased, &path).await?);
        }
        // Whether an existing file is the clip can only be decided once the clip is downloaded.
        let overwrite = overwrite(leased.item.replace || exists);
        let download = self.session.client.job(&id).download();
        let download = download.with_overwrite(overwrite).with_progress(progress.download_callback());
        let download = download.with_link_timeout(link_timeout(self.max_wait, since));
        let not_saved = |error: Error| Setback::NotSaved(describe(&error));
        let fetched = match download.fetch_to(&path).await {
            Ok(fetched) => fetched,
            Err(error) if error.kind() == ErrorKind::JobFailed => {
                leased.set_stage(Stage::Failed, error.message(), error.code()).await?;
                return Err(Setback::NoClip);
            }
            Err(error) if error.kind() == ErrorKind::NotFound && self.is_of_other_api_key(&leased.item) => {
                return Err(Setback::OtherApiKey);
            }
            Err(error) => {
                leased.set_error(&format!("the clip was not saved: {}", describe(&error))).await?;
                return Err(not_saved(error));
            }
        };
        if exists {
            let (existing, sha256) = (path.clone(), fetched.sha256().to_owned());
            let is_same = blocking(move || Ok(clip_file::hash(&existing)? == sha256)).await;
            if !is_same.unwrap_or(false) {
                return Err(file_exists(leased, &path).await?);
            }
        }
        leased.set_fetched(&fetched).await?;
        let saved = fetched.save().await.map_err(not_saved)?;
        Ok(leased.set_saved(Some(&saved)).await?)
    }
}

/// Why a wait ended without a clip.
async fn wait_failed(leased: &mut LeasedItem, error: &WaitError) -> Result<Setback, LedgerError> {
    if let Some(job) = error.last_job() {
        leased.set_job_state(job).await?;
    }
    let setback = match error.kind() {
        WaitErrorKind::Failed | WaitErrorKind::Cancelled => Setback::NoClip,
        WaitErrorKind::TimedOut => Setback::StillRunning,
        WaitErrorKind::Unreachable => Setback::Paused {
            outage: Outage::Unreachable,
            why: error.poll_error().map_or_else(|| "no response".to_owned(), describe),
        },
        _ => match error.poll_error() {
            Some(error) if error.kind() == ErrorKind::NotFound => {
                leased.set_stage(Stage::Failed, "the service does not know the job", error.code()).await?;
                Setback::NoClip
            }
            Some(error) => match Setback::of_call(error) {
                // The call failed, not the job.
                Setback::NoClip => Setback::Stuck { exit: Exit::from(error), why: describe(error) },
                setback => setback,
            },
            None => Setback::StillRunning,
        },
    };
    Ok(setback)
}

/// Another file has the name of the clip.
async fn file_exists(leased: &mut LeasedItem, path: &Path) -> Result<Setback, LedgerError> {
    let why = format!("{} already exists, and is not this clip", path.display());
    leased.set_error(&format!("the clip was not saved: {why}")).await?;
    Ok(Setback::FileExists(why))
}

/// When a clip came to its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// In this run.
    Now,
    /// It was there already.
    Before,
}

/// What happens to an item whose clip and whose job no longer exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfJobGone {
    /// It stays as it is.
    Leave,
    /// It is requested again, which is charged.
    RequestAgain,
}

/// Whether a request may have been sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    First,
    Again,
}

/// Whether a process was killed after it had renamed the clip, maybe on another machine with the same disk.
fn has_final_name(item: &Item) -> bool {
    item.path.as_ref().is_some_and(|path| is_clip(item, path.as_ref()))
}

/// Removes the part files that a killed process left.
fn remove_part_files(item: &Item) {
    let Some(path) = &item.path else { return };
    let part = Download::part_path(path);
    for path in [part.with_added_extension("json"), part] {
        let _missing = std::fs::remove_file(path);
    }
}

/// Runs blocking file operations without delaying other items.
async fn blocking<T: Send + 'static>(
    operation: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(operation).await.map_err(std::io::Error::other).flatten()
}
