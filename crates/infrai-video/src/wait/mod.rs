//! Waiting for a job to become final.

mod all;
mod error;
mod failing;
mod poller;

use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::future::BoxFuture;
use infrai_video_client::types::VideoJob;
use tokio::time::Instant;

pub use all::{Results, WaitAll};
pub(crate) use error::without_clip;
pub use error::{WaitError, WaitErrorKind};
use poller::Poller;

use crate::download::Download;
use crate::job::Job;
use crate::retry::RetryPolicy;

/// How long after the deadline of a wait a poll may still take.
const GRACE: Duration = Duration::from_secs(5);

/// A poll is one attempt, which ends with the grace of the deadline.
fn one_attempt(deadline: Option<Instant>) -> RetryPolicy {
    let policy = RetryPolicy::never();
    match deadline.and_then(|deadline| deadline.checked_add(GRACE)) {
        Some(end) => {
            let left = end.saturating_duration_since(Instant::now());
            let max_elapsed = policy.max_elapsed().min(left);
            policy.with_max_elapsed(max_elapsed)
        }
        None => policy,
    }
}

/// A wait for one job. Await it for the finished job, or take [`updates`](Self::updates) to see each state.
///
/// Any process can wait for any job: only the id is needed. Dropping a wait stops it at once; the job goes on unless
/// [`OnDrop::Cancel`] was chosen.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
/// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
/// # let id = client.generate("a city").duration_seconds(0.5).await?.id().to_owned();
/// let finished = client.job(id).wait().await?;
/// println!("{:?}", finished.job().video_url);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until the wait is awaited"]
pub struct Wait {
    pub(crate) job: Job,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) backoff: PollBackoff,
    pub(crate) poll_errors: Duration,
    pub(crate) on_drop: OnDrop,
}

impl Wait {
    pub(crate) fn new(job: &Job) -> Self {
        Self {
            job: job.clone(),
            max_wait: job.client().shared.max_wait,
            backoff: PollBackoff::default(),
            poll_errors: Duration::from_secs(5 * 60),
            on_drop: OnDrop::Leave,
        }
    }

    /// The longest wait; the client's own default (30 minutes) if not set, `None` for no limit.
    ///
    /// The last poll starts at this deadline. A poll that is not answered within 5 seconds after the deadline ends, so that a wait
    /// outlasts its deadline by at most 5 seconds.
    pub fn with_max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// How far apart the polls are.
    pub fn with_backoff(mut self, backoff: PollBackoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long polls may fail without a break before the wait ends; 5 minutes by default. The job goes on meanwhile.
    pub fn with_poll_errors(mut self, longest: Duration) -> Self {
        self.poll_errors = longest;
        self
    }

    /// What becomes of the job where the wait is dropped before the job is final.
    pub fn with_on_drop(mut self, on_drop: OnDrop) -> Self {
        self.on_drop = on_drop;
        self
    }

    /// Each state as it is read. The stream ends after the state `succeeded`, or with an error.
    pub fn updates(self) -> Updates {
        let poller = Poller::new(self);
        Updates { next: Some(Box::pin(poller.next())) }
    }
}

impl IntoFuture for Wait {
    type Output = Result<Finished, WaitError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let job = self.job.clone();
            let mut poller = Poller::new(self);
            loop {
                let (update, next) = poller.next().await?;
                match next {
                    Some(next) => poller = next,
                    None => {
                        return Ok(Finished {
                            job: Job::new(job.client(), job.id().to_owned(), Some(update.job)),
                        });
                    }
                }
            }
        })
    }
}

/// How far apart the polls of a wait are: a part of the time already waited, between two bounds, less up to a tenth. An
/// old job is looked at less often than a young one.
///
/// The default suits clips that take minutes. Where they take seconds, as in a sandbox, look more often:
///
/// ```
/// use std::time::Duration;
/// use infrai_video::PollBackoff;
///
/// let backoff = PollBackoff::between(Duration::from_millis(200), Duration::from_secs(2));
/// # let client = infrai_video::Client::new("ifr_pk_proj_docs")?;
/// let wait = client.job("vj_01kaq3v8zn5w4x7r2m9t6h0c1d").wait().with_backoff(backoff);
/// # Ok::<(), infrai_video::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PollBackoff {
    first: Duration,
    min: Duration,
    max: Duration,
    share: f64,
}

impl Default for PollBackoff {
    /// First after 8 seconds, then every 5; from ten minutes on it is 0.85 % of the time waited, up to 15 seconds.
    fn default() -> Self {
        Self::between(Duration::from_secs(5), Duration::from_secs(15))
            .with_share(0.0085)
            .with_first(Duration::from_secs(8))
    }
}

impl PollBackoff {
    /// A tenth of the time waited, from `min` to `max`.
    pub fn between(min: Duration, max: Duration) -> Self {
        Self { first: min, min, max: max.max(min), share: 0.1 }
    }

    /// Always the same delay.
    pub fn fixed(delay: Duration) -> Self {
        Self::between(delay, delay)
    }

    /// The part of the time already waited that the next delay takes, from 0 to 1.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.1 };
        self
    }

    /// The delay from the submission of a job to its first poll; the shortest one unless it is set. A job that is known by its id
    /// alone is polled at once. A wait for many jobs has no use for it.
    #[must_use]
    pub fn with_first(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    pub(crate) fn first_delay(&self, jitter: f64) -> Duration {
        self.jittered(self.first, jitter)
    }

    pub(crate) fn delay(&self, waited: Duration, jitter: f64) -> Duration {
        self.jittered(waited.mul_f64(self.share).clamp(self.min, self.max), jitter)
    }

    /// `jitter` from 0 to 1 takes up to a tenth off, so that waits started together drift apart. A fixed delay stays as it is.
    fn jittered(&self, delay: Duration, jitter: f64) -> Duration {
        if self.min == self.max { delay } else { delay.mul_f64(1.0 - 0.1 * jitter) }
    }
}

/// What becomes of a job whose wait is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnDrop {
    /// It goes on, and is charged as usual.
    #[default]
    Leave,
    /// The service is asked to cancel it, in the background. A job that finished meanwhile stays, with its clip.
    ///
    /// The request needs a runtime that goes on after the drop. A program that is about to end should await
    /// [`Job::cancel`] instead, and look at the state it leaves.
    Cancel,
}

/// A job's state, as it was read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobUpdate {
    /// The job.
    pub job: VideoJob,
    /// How long the wait has taken so far.
    pub elapsed: Duration,
    /// How many times the service was asked so far.
    pub polls: u32,
}

type Step = Result<(JobUpdate, Option<Poller>), WaitError>;

/// Each state of a job as it is read: a stream that ends after `succeeded`, or with an error.
#[must_use = "a stream does nothing until it is polled"]
pub struct Updates {
    next: Option<BoxFuture<'static, Step>>,
}

impl Stream for Updates {
    type Item = Result<JobUpdate, WaitError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let step = std::task::ready!(next.as_mut().poll(context));
        let item = step.map(|(update, poller)| {
            self.next = poller.map(|poller| Box::pin(poller.next()) as _);
            update
        });
        if item.is_err() {
            self.next = None;
        }
        Poll::Ready(Some(item))
    }
}

impl std::fmt::Debug for Updates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updates").field("ended", &self.next.is_none()).finish()
    }
}

/// A job that has succeeded.
#[derive(Debug, Clone)]
pub struct Finished {
    job: Job,
}

impl Finished {
    /// The job as it was read last.
    pub fn job(&self) -> &VideoJob {
        self.job.snapshot().expect("a finished job was read")
    }

    /// The job's id.
    pub fn id(&self) -> &str {
        self.job.id()
    }

    /// The handle, for everything else.
    pub fn handle(&self) -> &Job {
        &self.job
    }

    /// Downloads the clip.
    pub fn download(&self) -> Download {
        self.job.download()
    }
}
