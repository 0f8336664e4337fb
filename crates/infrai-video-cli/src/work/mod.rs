//! Bringing items of the ledger to their end: sent once, waited for together, fetched and checked.

mod attempt;
mod heartbeat;
mod pool;
mod source;
mod watch;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use infrai_video::{ErrorKind, IdempotencyKey, JobState, Overwrite, Submission, WaitError, WaitErrorKind};

pub(crate) use self::attempt::{Outage, Setback};
pub(crate) use self::heartbeat::Heartbeat;
pub(crate) use self::pool::{Outcome, Settings};
pub(crate) use self::source::{Batch, Source};
use self::watch::Watch;
pub(crate) use self::watch::backoff;
use tokio::sync::Notify;

use crate::app::App;
use crate::board::{Meter, label};
use crate::exit::Exit;
use crate::failure::describe;
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
    /// Tells the API key in use from others.
    account: Option<String>,
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
            account: app.account(),
            accepted: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            progress: Notify::new(),
        }
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
        loop {
            meter.stage(&entry.item);
            match entry.item.stage {
                Stage::Planned => {
                    let submission = self.prepare(&entry.item)?;
                    entry.leaves(submission.clone(), self.account.clone()).await?;
                    self.submit(entry, &submission, Sent::Now).await?;
                }
                Stage::Sent => {
                    let submission = self.still_safe(&entry.item)?;
                    self.submit(entry, &submission, Sent::Before).await?;
                }
                Stage::Accepted => {
                    self.wait(entry, meter).await?;
                    self.fetch(entry, meter).await?;
                }
                Stage::Fetched if has_clip(&entry.item) => {
                    tidy(&entry.item);
                    entry.item.machine = Some(self.ledger.machine().to_owned());
                    entry.saved(None).await?;
                }
                Stage::Fetched => self.fetch(entry, meter).await?,
                Stage::Saved => return Ok(()),
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

    /// What may have been sent before is sent again only while that cannot make a second job.
    fn still_safe(&self, item: &Item) -> Result<Submission, Setback> {
        let Some(submission) = &item.submission else { return self.prepare(item) };
        if submission.is_expired() {
            return Err(Setback::Unsafe(
                "it may have been sent more than 24 hours ago, and the service remembers its key no longer",
            ));
        }
        if item.account.is_some() && item.account != self.account {
            return Err(Setback::Unsafe("it may have been sent with another API key than the one in use"));
        }
        Ok(submission.clone())
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
        if entry.item.job_state.as_deref() == Some(JobState::Succeeded.as_str()) {
            return Ok(());
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
    async fn fetch(&self, entry: &mut Entry, meter: &Meter) -> Result<(), Setback> {
        let id = entry.item.job_id.clone().unwrap_or_default();
        let Some(path) = entry.item.place.path(&id) else {
            return Ok(entry.saved(None).await?);
        };
        let overwrite = if entry.item.replace { Overwrite::Replace } else { Overwrite::Refuse };
        let download = self.session.client.job(&id).download();
        let download = download.with_overwrite(overwrite).with_progress(meter.reporter());
        let not_saved = |error: infrai_video::Error| Setback::NotSaved(describe(&error));
        let fetched = match download.fetch_to(&path).await {
            Ok(fetched) => fetched,
            Err(error) => {
                entry.troubled(&format!("the clip is not saved: {}", describe(&error))).await?;
                return Err(not_saved(error));
            }
        };
        entry.fetched(&fetched).await?;
        let saved = fetched.save().await.map_err(not_saved)?;
        Ok(entry.saved(Some(&saved)).await?)
    }
}

/// When a request left for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Now,
    Before,
}

/// Whether the clip is there that was about to get its name when a process was stopped, maybe on another machine with the
/// same disk.
fn has_clip(item: &Item) -> bool {
    let (Some(path), Some(sha256)) = (&item.path, &item.sha256) else { return false };
    hash(Path::new(path)).is_ok_and(|found| found == *sha256)
}

/// Removes what that process had no time for.
fn tidy(item: &Item) {
    let Some(path) = &item.path else { return };
    for ending in [".part", ".part.json"] {
        let _not_there = std::fs::remove_file(PathBuf::from(format!("{path}{ending}")));
    }
}

fn hash(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;

    use sha2::{Digest as _, Sha256};

    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}
