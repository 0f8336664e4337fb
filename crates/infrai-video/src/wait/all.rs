//! Waiting for many jobs at once, through pages of the list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt as _, stream};
use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;
use tokio::time::{Instant, sleep_until};

use super::error::Facts;
use super::poller::can_be_waited_out;
use super::{Finished, PollBackoff, WaitError, WaitErrorKind};
use crate::client::Client;
use crate::error::Error;
use crate::job::Job;
use crate::retry::RetryPolicy;
use crate::time::after;

/// How many jobs one page is asked to show.
const PAGE: u32 = 100;

/// How many `status` calls are under way at once, for jobs that no page showed.
const STATUS_CALLS: usize = 8;

impl Client {
    /// Waits for any number of jobs together. One look at a page of the list stands for up to 100 polls; `status` is asked
    /// only for what the pages do not show.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// # let first = client.generate("a city").await?.id().to_owned();
    /// # let second = client.generate("a forest").await?.id().to_owned();
    /// use futures_util::StreamExt as _;
    ///
    /// let mut results = client.wait_all([first, second]).results();
    /// while let Some((id, result)) = results.next().await {
    ///     match result {
    ///         Ok(finished) => println!("{id} is done: {:?}", finished.job().video_url),
    ///         Err(error) => println!("{error}"), // the other jobs are waited for all the same
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_all(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> WaitAll {
        WaitAll {
            client: self.clone(),
            ids: ids.into_iter().map(Into::into).collect(),
            max_wait: self.shared.max_wait,
            backoff: PollBackoff::default(),
            poll_errors: Duration::from_secs(5 * 60),
        }
    }
}

/// A wait for many jobs. Take [`results`](Self::results) to start it.
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until the results are asked for"]
pub struct WaitAll {
    client: Client,
    ids: Vec<String>,
    max_wait: Option<Duration>,
    backoff: PollBackoff,
    poll_errors: Duration,
}

impl WaitAll {
    /// The longest wait for all of them; the client's own default (30 minutes) if not set, `None` for no limit.
    pub fn with_max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// How far apart the looks at the list are.
    pub fn with_backoff(mut self, backoff: PollBackoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long polls may fail without a break before the wait ends; 5 minutes by default.
    pub fn with_poll_errors(mut self, longest: Duration) -> Self {
        self.poll_errors = longest;
        self
    }

    /// One result for each job, in the order in which the jobs become final. A job that fails leaves the others alone.
    ///
    /// Dropping the stream stops at once, and the jobs go on.
    pub fn results(self) -> Results {
        let pending = self.ids.iter().map(|id| (id.clone(), Pending::default())).collect();
        let watch = Watch {
            started: Instant::now(),
            looks: 0,
            pending,
            ready: VecDeque::new(),
            failing_since: None,
            retry_after: Duration::ZERO,
            settings: self,
        };
        Results { next: Some(Box::pin(watch.next())) }
    }
}

/// The result of one job of a [`WaitAll`], with the job's id.
type JobResult = (String, Result<Finished, WaitError>);

/// The results of a [`WaitAll`], in the order in which the jobs become final.
#[must_use = "a stream does nothing until it is polled"]
pub struct Results {
    next: Option<BoxFuture<'static, Option<(JobResult, Watch)>>>,
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

/// What is known of a job that is still waited for.
#[derive(Default)]
struct Pending {
    last: Option<VideoJob>,
    polls: u32,
    failing_since: Option<Instant>,
}

struct Watch {
    settings: WaitAll,
    started: Instant,
    looks: u32,
    pending: BTreeMap<String, Pending>,
    ready: VecDeque<JobResult>,
    failing_since: Option<Instant>,
    retry_after: Duration,
}

impl Watch {
    async fn next(mut self) -> Option<(JobResult, Self)> {
        loop {
            if let Some(result) = self.ready.pop_front() {
                return Some((result, self));
            }
            if self.pending.is_empty() {
                return None;
            }
            self.pause().await;
            let last_look = self.is_over();
            self.looks += 1;
            self.retry_after = Duration::ZERO;
            match self.look().await {
                Ok(()) => self.failing_since = None,
                Err(error) => self.tolerate(error),
            }
            if last_look {
                self.end_all(WaitErrorKind::TimedOut, None);
            }
        }
    }

    async fn pause(&self) {
        if self.looks == 0 {
            return;
        }
        let delay = self.settings.backoff.delay(self.started.elapsed(), self.settings.client.random_share());
        let due = after(delay.max(self.retry_after));
        sleep_until(self.deadline().map_or(due, |deadline| due.min(deadline))).await;
    }

    fn believed(&self, error: &Error) -> Duration {
        self.settings.client.shared.retry.believed(error.retry_after())
    }

    fn deadline(&self) -> Option<Instant> {
        self.settings.max_wait.and_then(|max_wait| self.started.checked_add(max_wait))
    }

    fn is_over(&self) -> bool {
        self.deadline().is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Looks at every pending job once: on the pages first, which show the newest jobs first, then one by one.
    async fn look(&mut self) -> Result<(), Error> {
        let mut unseen: BTreeSet<String> = self.pending.keys().cloned().collect();
        self.look_at_pages(&mut unseen).await?;
        let client = self.settings.client.clone();
        let calls = unseen.into_iter().map(|id| {
            let status = client.status(id.as_str()).with_retry_policy(RetryPolicy::never());
            async move { (id, status.await) }
        });
        let mut answers = stream::iter(calls).buffer_unordered(STATUS_CALLS);
        while let Some((id, answer)) = answers.next().await {
            match answer {
                Ok(job) => self.see(id, job.into_inner()),
                Err(error) => self.tolerate_one(&id, error),
            }
        }
        Ok(())
    }

    /// Reads as many pages as the pending jobs could fill, and as many again for jobs that nobody waits for.
    async fn look_at_pages(&mut self, unseen: &mut BTreeSet<String>) -> Result<(), Error> {
        if unseen.len() <= 1 {
            return Ok(());
        }
        let most = 2 * unseen.len().div_ceil(PAGE as usize);
        let mut cursor = None;
        for _ in 0..most {
            let list = self.settings.client.list().limit(PAGE);
            let page = list.page(cursor).with_retry_policy(RetryPolicy::never()).await?.into_inner();
            for job in page.items.unwrap_or_default() {
                if unseen.remove(&job.job_id) {
                    self.see(job.job_id.clone(), job);
                }
            }
            cursor = page.next_cursor.filter(|cursor| !cursor.is_empty());
            if unseen.is_empty() || cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn see(&mut self, id: String, job: VideoJob) {
        let state = job.state.clone();
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.polls += 1;
        pending.failing_since = None;
        pending.last = Some(job);
        match state {
            JobState::Succeeded => {
                let snapshot = self.pending.remove(&id).and_then(|pending| pending.last);
                let job = Job::new(&self.settings.client, id.clone(), snapshot);
                self.ready.push_back((id, Ok(Finished { job })));
            }
            JobState::Cancelled => self.end(&id, WaitErrorKind::Cancelled, None),
            state if state.is_final() => self.end(&id, WaitErrorKind::Failed, None),
            _ => {}
        }
    }

    /// A `status` call that failed says nothing about its job, and nothing at all about the others.
    fn tolerate_one(&mut self, id: &str, error: Error) {
        let (asked, longest) = (self.believed(&error), self.settings.poll_errors);
        let Some(pending) = self.pending.get_mut(id) else { return };
        let failing_for = pending.failing_since.get_or_insert_with(Instant::now).elapsed();
        if !can_be_waited_out(&error, failing_for) {
            return self.end(id, WaitErrorKind::Refused, Some(error));
        }
        if failing_for >= longest {
            return self.end(id, WaitErrorKind::Unreachable, Some(error));
        }
        self.retry_after = self.retry_after.max(asked);
    }

    /// A look that failed says nothing about the jobs.
    fn tolerate(&mut self, error: Error) {
        self.retry_after = self.believed(&error);
        let failing_for = self.failing_since.get_or_insert_with(Instant::now).elapsed();
        if !can_be_waited_out(&error, failing_for) {
            return self.end_all(WaitErrorKind::Refused, Some(error));
        }
        if failing_for >= self.settings.poll_errors {
            return self.end_all(WaitErrorKind::Unreachable, Some(error));
        }
        tracing::debug!(pending = self.pending.len(), %error, "a look at the jobs failed; waiting goes on");
    }

    fn end_all(&mut self, kind: WaitErrorKind, error: Option<Error>) {
        for id in self.pending.keys().cloned().collect::<Vec<_>>() {
            self.end(&id, kind, error.clone());
        }
    }

    fn end(&mut self, id: &str, kind: WaitErrorKind, poll_error: Option<Error>) {
        let Some(pending) = self.pending.remove(id) else { return };
        let error = WaitError::new(Facts {
            kind,
            job_id: id.to_owned(),
            last_job: pending.last,
            elapsed: self.started.elapsed(),
            polls: pending.polls,
            request_id: None,
            poll_error,
        });
        self.ready.push_back((id.to_owned(), Err(error)));
    }
}
