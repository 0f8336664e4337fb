//! Waiting for many jobs at once, through pages of the list.

mod pages;
mod round;
mod watch;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use infrai_video_client::types::VideoJob;

use super::{Finished, POLL_FAILURE_TIMEOUT, PollBackoff, WaitError};
use crate::client::Client;
use crate::ids::JobId;
use watch::Watch;

impl Client {
    /// Waits for any number of jobs. One page of the list replaces up to 100 polls; `status` is only called for jobs that the
    /// pages do not show.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// # let first = client.generate("a city").await?.id().to_owned();
    /// # let second = client.generate("a forest").await?.id().to_owned();
    /// let mut results = client.wait_all([first, second]).results();
    /// while let Some((id, result)) = results.next().await {
    ///     match result {
    ///         Ok(finished) => println!("{id} is done: {:?}", finished.job().video_url),
    ///         Err(error) => println!("{error}"), // the wait for the other jobs continues
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_all(&self, ids: impl IntoIterator<Item = impl AsRef<str>>) -> WaitAll {
        WaitAll {
            client: self.clone(),
            ids: ids.into_iter().map(to_id).collect(),
            max_wait: self.shared.max_wait,
            backoff: self.poll_backoff(
                PollBackoff::between(Duration::from_secs(2), Duration::from_secs(30)).with_share(0.06),
            ),
            poll_failure_timeout: POLL_FAILURE_TIMEOUT,
            on_update: None,
        }
    }
}

/// An invalid id is reported in its result, when it is polled.
fn to_id(id: impl AsRef<str>) -> JobId {
    JobId(id.as_ref().to_owned())
}

/// A wait for many jobs. Start it with [`results`](Self::results), or with [`results_with`](Self::results_with) if more jobs are
/// still to be submitted.
#[derive(Debug, Clone)]
#[must_use = "a wait does nothing until its results are polled"]
pub struct WaitAll {
    client: Client,
    ids: Vec<JobId>,
    max_wait: Option<Duration>,
    backoff: PollBackoff,
    poll_failure_timeout: Duration,
    on_update: Option<OnUpdate>,
}

/// A callback for each job that was read.
#[derive(Clone)]
struct OnUpdate(Arc<dyn Fn(&VideoJob) + Send + Sync>);

impl fmt::Debug for OnUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnUpdate")
    }
}

impl WaitAll {
    /// The time limit for each job; the client's default (30 minutes) if not set, `None` for no limit. It counts from the start of
    /// the wait, or from the time when the job is added. A request is aborted 5 seconds after the deadline of a job, which ends
    /// the wait for that job.
    pub fn with_max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// The interval between rounds. By default it is 6 % of the elapsed time, from 2 to 30 seconds, or
    /// [`PollBackoff::local`] if the base URL is on loopback. The elapsed time is that of the job
    /// that was added last. If a round reads many jobs with each request, the next one is due sooner: the
    /// [share](PollBackoff::with_share) is divided by the square root of that number. If a round takes longer than the minimum, as
    /// that of 10,000 jobs does, the interval grows in the same proportion, up to the undivided share of the elapsed time.
    pub fn with_backoff(mut self, backoff: PollBackoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long consecutive polls may fail before the wait ends; 5 minutes by default.
    pub fn with_poll_failure_timeout(mut self, timeout: Duration) -> Self {
        self.poll_failure_timeout = timeout;
        self
    }

    /// Sets a callback for each job that is read, even if its state has not changed.
    pub fn with_on_update(mut self, on_update: impl Fn(&VideoJob) + Send + Sync + 'static) -> Self {
        self.on_update = Some(OnUpdate(Arc::new(on_update)));
        self
    }

    /// One result for each job, in the order in which the jobs become final. A failed job does not affect the others.
    ///
    /// Dropping the stream stops the wait at once; the jobs continue.
    pub fn results(self) -> Results {
        self.results_with(stream::empty::<JobId>())
    }

    /// Like [`results`](Self::results), for a batch that is still being submitted: `more` yields the ids of further jobs. An id of a
    /// pending job is ignored; an id whose result was returned starts a new wait.
    ///
    /// The results end when `more` has ended and no job is pending. While no job is pending, nothing is sent. All jobs share the
    /// pages of a round. After a new id the next round is due within the minimum of the [backoff](Self::with_backoff), but not
    /// before the end of a delay that the service requested.
    ///
    /// `more` is only polled while the results are polled, so that a bounded channel applies backpressure.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// # let before = client.generate("a river").await?.id().to_owned();
    /// use futures_util::{StreamExt as _, stream};
    ///
    /// let prompts = ["a city", "a forest"];
    /// let more = stream::iter(prompts).filter_map({
    ///     let client = client.clone();
    ///     move |prompt| {
    ///         let submit = client.generate(prompt).submit();
    ///         async move { submit.await.ok().map(|job| job.id().to_owned()) } // a program would report the error
    ///     }
    /// });
    /// let results: Vec<_> = client.wait_all([before]).results_with(more).collect().await;
    /// assert_eq!(results.len(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn results_with(
        self,
        more: impl Stream<Item = impl AsRef<str> + 'static> + Send + 'static,
    ) -> Results {
        let watch = Watch::new(self, more.map(to_id).boxed());
        Results { next: Some(Box::pin(watch.next())) }
    }
}

/// The result of one job of a [`WaitAll`], with the job's id.
type JobResult = (JobId, Result<Finished, WaitError>);

/// The results of a [`WaitAll`], in the order in which the jobs become final. Also a [`Stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Results {
    next: Option<BoxFuture<'static, Option<(JobResult, Watch)>>>,
}

impl Results {
    /// The result of the next job that becomes final; `None` after that of the last one.
    pub async fn next(&mut self) -> Option<(JobId, Result<Finished, WaitError>)> {
        StreamExt::next(self).await
    }
}

impl Stream for Results {
    type Item = JobResult;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let step = std::task::ready!(next.as_mut().poll(context));
        let (result, next) = step.map(|(result, watch)| (result, Box::pin(watch.next()) as _)).unzip();
        self.next = next;
        Poll::Ready(result)
    }
}

impl std::fmt::Debug for Results {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Results").field("ended", &self.next.is_none()).finish()
    }
}
