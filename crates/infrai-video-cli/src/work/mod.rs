//! Bringing items of the ledger to their end: sent once, waited for together, fetched and checked.

mod attempt;
mod clip;
mod heartbeat;
mod pool;
mod restore;
mod source;
mod watch;
mod words;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use infrai_video::{
    Download, ErrorKind, IdempotencyKey, JobId, JobState, Overwrite, Submission, WaitError, WaitErrorKind,
};

pub(crate) use self::attempt::{Outage, Setback};
pub(crate) use self::clip::{ClipCheck, Found, is_clip};
pub(crate) use self::heartbeat::Heartbeat;
pub(crate) use self::pool::{Outcome, Settings};
pub(crate) use self::source::{Batch, Source};
use self::watch::Watch;
pub(crate) use self::watch::backoff;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::restore::Restored;
use crate::app::App;
use crate::board::{Meter, label};
use crate::exit::Exit;
use crate::failure::describe;
use crate::follow::link_timeout;
use crate::ledger::{Entry, Item, Ledger, LedgerError, Stage};
use crate::session::Session;
use crate::text::usd;
use crate::wish::Wish;

/// What bringing items to their end takes.
pub(crate) struct Work<'a> {
    pub(crate) app: &'a App,
    pub(crate) session: &'a Session,
    pub(crate) ledger: Arc<Ledger>,
    watch: Watch,
    max_wait: Option<Duration>,
    /// Tells the API key in use from others.
    account: Option<String>,
    /// What becomes of an item whose clip is gone together with its job.
    if_gone: IfGone,
    accepted: AtomicU64,
    heard: AtomicU64,
    progress: Notify,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        app: &'a App,
        session: &'a Session,
        ledger: &Arc<Ledger>,
        max_wait: Option<Duration>,
    ) -> Self {
        let watch = Watch::start(&session.client, max_wait);
        Self {
            app,
            session,
            ledger: Arc::clone(ledger),
            watch,
            max_wait,
            account: app.account(),
            if_gone: IfGone::Leave,
            accepted: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            progress: Notify::new(),
        }
    }

    /// What becomes of an item whose clip is gone together with its job.
    pub(crate) fn if_gone(mut self, if_gone: IfGone) -> Self {
        self.if_gone = if_gone;
        self
    }

    /// How many requests were accepted, and how many states were read.
    fn marks(&self) -> (u64, u64) {
        (self.accepted.load(Ordering::Relaxed), self.heard.load(Ordering::Relaxed))
    }

    /// Waits until one of them is more.
    async fn progress(&self) {
        self.progress.notified().await;
    }

    /// Does what is left to do for an item. Each step is in the ledger before the next is begun.
    pub(crate) async fn finish(&self, entry: &mut Entry, meter: &Meter) -> Result<(), Setback> {
        let since = Instant::now();
        loop {
            meter.stage(&entry.item);
            match entry.item.stage {
                Stage::Planned => {
                    self.session.client.sync_time().await;
                    let submission = self.prepare(&entry.item)?;
                    entry.leaves(submission.clone(), self.account.clone()).await?;
                    self.submit(entry, &submission, Sent::Now).await?;
                }
                Stage::Sent if entry.item.job_id.is_none() => {
                    let submission = self.still_safe(&entry.item)?;
                    self.submit(entry, &submission, Sent::Before).await?;
                }
                Stage::Sent | Stage::Accepted => {
                    self.wait(entry, meter).await?;
                    return self.fetch(entry, meter, since).await;
                }
                Stage::Fetched if clip_got_its_name(&entry.item) => {
                    tidy(&entry.item);
                    entry.item.machine = Some(self.ledger.machine().to_owned());
                    return Ok(entry.saved(None).await?);
                }
                Stage::Fetched => return self.fetch(entry, meter, since).await,
                Stage::Saved | Stage::Missing => match self.restore(entry, meter).await? {
                    Restored::Here => return Ok(()),
                    Restored::AskedAnew => {}
                },
                Stage::Failed | Stage::Cancelled | Stage::Refused | Stage::Dropped => {
                    return Err(Setback::Ended);
                }
            }
        }
    }

    /// The request of a planned item under its key.
    fn prepare(&self, item: &Item) -> Result<Submission, Setback> {
        let damaged = |error: String| Setback::Stuck {
            exit: Exit::Refused,
            why: format!("what the ledger holds is no request: {error}"),
        };
        let wish: Wish = serde_json::from_str(&item.request).map_err(|error| damaged(error.to_string()))?;
        let key: IdempotencyKey =
            item.key.parse().map_err(|error: infrai_video::Error| damaged(describe(&error)))?;
        let request = wish.request(&self.session.client).with_idempotency_key(key);
        request.prepare().map_err(|error| damaged(describe(&error)))
    }

    /// What may have been sent before is sent again only to the same account. Whether its key is too old, the SDK finds out.
    fn still_safe(&self, item: &Item) -> Result<Submission, Setback> {
        let Some(submission) = &item.submission else { return self.prepare(item) };
        if self.is_of_another_key(item) {
            let why = "it may have been sent with another API key than the one in use";
            return Err(Setback::Unsafe(why.to_owned()));
        }
        Ok(submission.clone())
    }

    /// Whether an item was begun with another API key than the one in use. Both may be of one account.
    fn is_of_another_key(&self, item: &Item) -> bool {
        item.account.is_some() && item.account != self.account
    }

    async fn submit(&self, entry: &mut Entry, submission: &Submission, sent: Sent) -> Result<(), Setback> {
        match self.session.client.submit(submission).await {
            Ok(job) => {
                self.accepted.fetch_add(1, Ordering::Relaxed);
                self.progress.notify_one();
                entry.accepted(&job).await?;
                self.tell(&entry.item);
                Ok(())
            }
            Err(error) => {
                let setback = Setback::of(&error);
                let certain = !error.is_outcome_unknown() && error.kind() != ErrorKind::AcceptedEarlier;
                match &setback {
                    // Only who has sent nothing before can be certain that there is no job.
                    Setback::Paused { .. } | Setback::Stopped { .. } if certain && sent == Sent::Now => {
                        entry.is_planned_again(&describe(&error)).await?;
                    }
                    Setback::Ended => entry.ended(Stage::Refused, &describe(&error), error.code()).await?,
                    _ => entry.troubled(&describe(&error)).await?,
                }
                Err(setback)
            }
        }
    }

    /// Names the job before it is waited for, where no changing line shows the item.
    fn tell(&self, item: &Item) {
        if !self.app.screen.live {
            let cost = item.cost_usd.map(|cost| format!(", {} USD", usd(cost))).unwrap_or_default();
            let id = item.job_id.as_deref().unwrap_or_default();
            self.app.screen.say("submitted", &format!("{}  job {id}{cost}", label(item)));
        }
    }

    async fn wait(&self, entry: &mut Entry, meter: &Meter) -> Result<(), Setback> {
        let Some(id) = entry.item.job_id.clone() else {
            return Err(Setback::Stuck {
                exit: Exit::Other,
                why: "the ledger has no id of its job".to_owned(),
            });
        };
        if id.parse::<JobId>().is_err() {
            let why = format!(
                "job {id:?} is paid, but no request can name it: its id cannot be part of a path; `list` shows it"
            );
            return Err(Setback::Stuck { exit: Exit::Other, why });
        }
        if entry.item.job_state.as_deref().map(JobState::from) == Some(JobState::Succeeded) {
            return Ok(());
        }
        if self.is_of_another_key(&entry.item)
            && let Err(error) = self.session.client.status(&id).await
            && error.kind() == ErrorKind::NotFound
        {
            return Err(Setback::OtherKey);
        }
        let mut updates = self.watch.job(&id);
        loop {
            match updates.next().await {
                watch::News::State(job) => {
                    self.heard.fetch_add(1, Ordering::Relaxed);
                    self.progress.notify_one();
                    entry.read(&job).await?;
                    meter.stage(&entry.item);
                }
                watch::News::Over(Ok(())) => return Ok(()),
                watch::News::Over(Err(error)) => return Err(self.not_over(entry, &error).await?),
            }
        }
    }

    /// Why a wait ended without a clip.
    async fn not_over(&self, entry: &mut Entry, error: &WaitError) -> Result<Setback, LedgerError> {
        if let Some(job) = error.last_job() {
            entry.read(job).await?;
        }
        let setback = match error.kind() {
            WaitErrorKind::Failed | WaitErrorKind::Cancelled => Setback::Ended,
            WaitErrorKind::TimedOut => Setback::StillRunning,
            WaitErrorKind::Unreachable => Setback::Paused {
                outage: Outage::Unreachable,
                why: error.poll_error().map_or_else(|| "no answer".to_owned(), describe),
            },
            _ => match error.poll_error() {
                Some(error) if error.kind() == ErrorKind::NotFound => {
                    entry.ended(Stage::Failed, "the service does not know the job", error.code()).await?;
                    Setback::Ended
                }
                Some(error) => match Setback::of(error) {
                    // The call came to its end, and not the job.
                    Setback::Ended => Setback::Stuck { exit: Exit::from(error), why: describe(error) },
                    setback => setback,
                },
                None => Setback::StillRunning,
            },
        };
        Ok(setback)
    }

    /// Brings the clip of a job that has succeeded to its place.
    async fn fetch(&self, entry: &mut Entry, meter: &Meter, since: Instant) -> Result<(), Setback> {
        let id = entry.item.job_id.clone().unwrap_or_default();
        let Some(path) = entry.item.place.path(&id) else {
            return Ok(entry.saved(None).await?);
        };
        let is_taken = !entry.item.replace && path.symlink_metadata().is_ok();
        // Of a clip that was fetched before, the ledger knows that it is another.
        if is_taken && (entry.item.stage == Stage::Fetched || !path.is_file()) {
            return Err(self.taken(entry, &path).await?);
        }
        // Only who has the clip can tell whether it is what lies there.
        let overwrite = if entry.item.replace || is_taken { Overwrite::Replace } else { Overwrite::Refuse };
        let download = self.session.client.job(&id).download();
        let download = download.with_overwrite(overwrite).with_progress(meter.reporter());
        let download = download.with_link_timeout(link_timeout(self.max_wait, since));
        let not_saved = |error: infrai_video::Error| Setback::NotSaved(describe(&error));
        let fetched = match download.fetch_to(&path).await {
            Ok(fetched) => fetched,
            Err(error) if error.kind() == ErrorKind::JobFailed => {
                entry.ended(Stage::Failed, error.message(), error.code()).await?;
                return Err(Setback::Ended);
            }
            Err(error) if error.kind() == ErrorKind::NotFound && self.is_of_another_key(&entry.item) => {
                return Err(Setback::OtherKey);
            }
            Err(error) => {
                entry.troubled(&format!("the clip is not saved: {}", describe(&error))).await?;
                return Err(not_saved(error));
            }
        };
        if is_taken {
            let (there, sha256) = (path.clone(), fetched.sha256().to_owned());
            let is_same = blocking(move || Ok(clip::hash(&there)? == sha256)).await;
            if !is_same.unwrap_or(false) {
                return Err(self.taken(entry, &path).await?);
            }
        }
        entry.fetched(&fetched).await?;
        let saved = fetched.save().await.map_err(not_saved)?;
        Ok(entry.saved(Some(&saved)).await?)
    }

    /// Another file lies where the clip should go.
    async fn taken(&self, entry: &mut Entry, path: &Path) -> Result<Setback, LedgerError> {
        let why = format!("{} is there already, and is not this clip", path.display());
        entry.troubled(&format!("the clip is not saved: {why}")).await?;
        Ok(Setback::Taken(why))
    }
}

/// What becomes of an item whose clip is gone together with its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfGone {
    /// It stays as it is.
    Leave,
    /// It is asked for anew, which is charged.
    AskAnew,
}

/// When a request left for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Now,
    Before,
}

/// Whether a clip got its name before a process was stopped that was about to give it, maybe on another machine with the same
/// disk.
fn clip_got_its_name(item: &Item) -> bool {
    item.path.as_ref().is_some_and(|path| is_clip(item, path.as_ref()))
}

/// Removes what that process had no time for.
fn tidy(item: &Item) {
    let Some(path) = &item.path else { return };
    let part = Download::part_path(path);
    for path in [part.with_added_extension("json"), part] {
        let _not_there = std::fs::remove_file(path);
    }
}

/// Runs what would hold up the other items.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(act).await.map_err(std::io::Error::other).flatten()
}
