//! Waiting for a job to become final.

mod all;
mod error;
mod finished;
mod poll_backoff;
mod poll_failures;
mod poller;

use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};
use infrai_video_client::types::VideoJob;
use tokio::time::Instant;

pub use all::{Results, WaitAll};
pub(crate) use error::without_clip;
pub use error::{WaitError, WaitErrorKind};
pub use finished::Finished;
pub use poll_backoff::PollBackoff;
use poller::Poller;

use crate::operations::Job;
use crate::retry::RetryPolicy;

/// The time after the deadline of a wait in which its last poll must finish.
const GRACE: Duration = Duration::from_secs(5);

/// How long consecutive polls may fail.
const POLL_FAILURE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The policy of a poll: one attempt, which ends with the grace period of the deadline.
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

/// A wait for one job. Await it for the finished job, or use [`updates`](Self::updates) for each state.
///
/// Any process can wait for any job by its id. Dropping a wait stops it at once; the job continues unless
/// [`OnDrop::Cancel`] is set.
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
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait {
    job: Job,
    max_wait: Option<Duration>,
    backoff: PollBackoff,
    poll_failure_timeout: Duration,
    on_drop: OnDrop,
}

impl Job {
    /// Waits until the job is final.
    pub fn wait(&self) -> Wait {
        Wait::new(self)
    }
}

impl Wait {
    fn new(job: &Job) -> Self {
        Self {
            job: job.clone(),
            max_wait: job.client().shared.max_wait,
            backoff: job.client().poll_backoff(PollBackoff::default()),
            poll_failure_timeout: POLL_FAILURE_TIMEOUT,
            on_drop: OnDrop::Leave,
        }
    }

    /// The time limit; the client's default (30 minutes) if not set, `None` for no limit.
    ///
    /// The last poll starts at the deadline, and is aborted 5 seconds later.
    pub fn with_max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// The polling interval; [`PollBackoff::default`] if not set, or [`PollBackoff::local`] if the base URL is on loopback.
    pub fn with_backoff(mut self, backoff: PollBackoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long consecutive polls may fail before the wait ends; 5 minutes by default. The job continues meanwhile.
    pub fn with_poll_failure_timeout(mut self, timeout: Duration) -> Self {
        self.poll_failure_timeout = timeout;
        self
    }

    /// What happens to the job if the wait is dropped before the job is final.
    pub fn with_on_drop(mut self, on_drop: OnDrop) -> Self {
        self.on_drop = on_drop;
        self
    }

    /// A stream of states. It ends after the state `succeeded`, or with an error.
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
                        let id = job.id().clone();
                        return Ok(Finished::new(Job::new(job.client(), id, Some(update.job))));
                    }
                }
            }
        })
    }
}

/// What happens to the job of a dropped wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnDrop {
    /// The job continues, and is charged as usual.
    #[default]
    Leave,
    /// The job is cancelled in the background. A job that finished meanwhile keeps its clip.
    ///
    /// The request needs a runtime that continues after the drop. A program that is about to exit should await
    /// [`Job::cancel`] instead, and read the job's state.
    Cancel,
}

/// A job's state during a wait.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobUpdate {
    /// The job.
    pub job: VideoJob,
    /// The duration of the wait so far.
    pub elapsed: Duration,
    /// The number of polls so far.
    pub polls: u32,
}

type Step = Result<(JobUpdate, Option<Poller>), WaitError>;

/// A stream of a job's states. It ends after `succeeded`, or with an error. Also a [`Stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Updates {
    next: Option<BoxFuture<'static, Step>>,
}

impl Updates {
    /// The next state; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<JobUpdate, WaitError>> {
        StreamExt::next(self).await
    }
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
