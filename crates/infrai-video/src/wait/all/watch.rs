//! The loop of a wait for many jobs. A round reads pages of the list, and polls the jobs that they do not show.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Fuse, FuturesUnordered};
use futures_util::{FutureExt as _, StreamExt as _};
use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pages::{Place, pages_to_read};
use super::round::Round;
use super::{JobResult, OnUpdate, WaitAll};
use crate::clock::after;
use crate::error::{Error, ErrorKind, TransportError, TransportErrorKind};
use crate::ids::JobId;
use crate::operations::Job;
use crate::retry::RetryPolicy;
use crate::wait::error::Facts;
use crate::wait::poll_failures::PollFailures;
use crate::wait::{Finished, GRACE, WaitError, WaitErrorKind};

/// The requested page size.
const PAGE: u32 = 100;

/// The number of concurrent `status` calls, for jobs that no page shows.
const STATUS_CALLS: usize = 8;

/// A job that takes this many times as long as the others usually do is unusual.
const UNUSUAL: u32 = 3;

/// State of a job that is not final.
struct Pending {
    added: Instant,
    last: Option<VideoJob>,
    polls: u32,
    /// Failures of `status` for this job.
    failures: PollFailures,
    /// Failures of rounds.
    round_failures: PollFailures,
    place: Place,
    /// The time from its start to the last poll, in milliseconds; 0 before the first one.
    polled_after: u32,
}

impl Pending {
    fn set_polled(&mut self) {
        self.polled_after = u32::try_from(self.added.elapsed().as_millis()).unwrap_or(u32::MAX).max(1);
    }
}

pub(super) struct Watch {
    settings: WaitAll,
    more: Fuse<BoxStream<'static, JobId>>,
    round: Round,
    /// The number of jobs per request in the last complete round.
    jobs_per_request: f64,
    /// The duration of the last complete round.
    round_took: Duration,
    /// The number of requests in the last round.
    requests: usize,
    /// How long the jobs that succeeded took, as a moving average.
    usual: Option<Duration>,
    pending: BTreeMap<JobId, Pending>,
    ready: VecDeque<JobResult>,
    /// The end of the delay that the service requested.
    not_before: Instant,
    /// When the last result was returned.
    returned: Instant,
}

impl Watch {
    pub(super) fn new(mut settings: WaitAll, more: BoxStream<'static, JobId>) -> Self {
        let ids = std::mem::take(&mut settings.ids);
        let mut watch = Self {
            settings,
            more: more.fuse(),
            round: Round::default(),
            jobs_per_request: 1.0,
            round_took: Duration::ZERO,
            requests: 0,
            usual: None,
            pending: BTreeMap::new(),
            ready: VecDeque::new(),
            not_before: Instant::now(),
            returned: Instant::now(),
        };
        for id in ids {
            watch.add(id);
        }
        watch
    }

    pub(super) async fn next(mut self) -> Option<(JobResult, Self)> {
        self.round.exclude(self.returned.elapsed());
        loop {
            if let Some(result) = self.ready.pop_front() {
                self.returned = Instant::now();
                return Some((result, self));
            }
            if self.pending.is_empty() {
                let id = self.more.next().await?;
                self.add(id);
                continue;
            }
            self.pause().await;
            self.add_ready_ids();
            let started = Instant::now();
            let failed = self.round_with_new_ids().await.err();
            match &failed {
                None => self.forget_round_failures(),
                Some(error) => self.handle_round_failure(error),
            }
            if !self.round.has_more_results() {
                // These jobs had their last poll.
                for id in self.past_deadline(started, Duration::ZERO) {
                    self.fail(&id, WaitErrorKind::TimedOut, failed.clone());
                }
            }
            for id in self.past_deadline(Instant::now(), GRACE) {
                self.fail(&id, WaitErrorKind::TimedOut, failed.clone());
            }
        }
    }

    /// Runs a round. The wait for an id that arrives meanwhile begins when it arrives.
    async fn round_with_new_ids(&mut self) -> Result<(), Error> {
        let mut more = std::mem::replace(&mut self.more, stream::empty().boxed().fuse());
        let mut arrived = Vec::new();
        let result = {
            let mut round = pin!(self.round_until_deadline());
            loop {
                tokio::select! {
                    biased;
                    result = &mut round => break result,
                    Some(id) = more.next() => arrived.push((id, Instant::now())),
                }
            }
        };
        self.more = more;
        for (id, added) in arrived {
            self.add_at(id, added);
        }
        result
    }

    /// A round is aborted at the end of the first deadline's grace period.
    async fn round_until_deadline(&mut self) -> Result<(), Error> {
        let Some(end) = self.deadline().and_then(|deadline| deadline.checked_add(GRACE)) else {
            return self.round().await;
        };
        match timeout_at(end, self.round()).await {
            Ok(result) => result,
            Err(_) => Err(TransportError::new(
                TransportErrorKind::TimedOut,
                "no complete response was received before the deadline of the wait",
            )
            .into()),
        }
    }

    /// Adds a job. Returns whether it is new.
    fn add(&mut self, id: JobId) -> bool {
        self.add_at(id, Instant::now())
    }

    fn add_at(&mut self, id: JobId, added: Instant) -> bool {
        if self.pending.contains_key(&id) || self.ready.iter().any(|(ready, _)| *ready == id) {
            return false;
        }
        let pending = Pending {
            added,
            last: None,
            polls: 0,
            failures: PollFailures::default(),
            round_failures: PollFailures::default(),
            place: Place::Unknown,
            polled_after: 0,
        };
        self.pending.insert(id, pending);
        true
    }

    /// Adds the ids that are ready, so that the next round includes them.
    fn add_ready_ids(&mut self) {
        while let Some(Some(id)) = self.more.next().now_or_never() {
            self.add(id);
        }
    }

    async fn pause(&mut self) {
        if self.round.is_new() || self.round.has_more_results() {
            return;
        }
        let mut due = if !self.round.continues() {
            let youngest = self.pending.values().map(|pending| pending.added).max();
            self.due(youngest.map_or(Duration::ZERO, |added| added.elapsed()))
        } else if self.not_before > Instant::now() {
            self.not_before
        } else {
            self.due(Duration::ZERO)
        };
        let deadline = self.deadline();
        loop {
            let next = due.max(self.not_before);
            let next = deadline.map_or(next, |deadline| next.min(deadline));
            tokio::select! {
                biased;
                () = sleep_until(next) => return,
                Some(id) = self.more.next() => if self.add(id) {
                    due = due.min(self.due(Duration::ZERO));
                },
            }
        }
    }

    /// The next round for a job with this elapsed time.
    fn due(&self, elapsed: Duration) -> Instant {
        // If jobs end at a constant rate, intervals proportional to the square root of the requests per job have the least delay.
        let speedup = self.jobs_per_request.max(1.0).sqrt();
        let backoff = self.settings.backoff;
        let backoff = backoff.learned(self.usual, self.requests).unwrap_or(backoff);
        let jitter = self.settings.client.random_share();
        after(backoff.delay_between_rounds(elapsed, speedup, self.round_took, jitter))
    }

    /// The jobs to poll in a round. A job that takes much longer than usual is only polled as its own elapsed time requires, if the
    /// others shorten the interval.
    fn jobs_to_poll(&self) -> BTreeSet<JobId> {
        let learned = self.settings.backoff.learned(self.usual, self.requests).zip(self.usual);
        let is_due = |pending: &Pending| {
            let Some((backoff, usual)) = learned.filter(|_| pending.polled_after > 0) else { return true };
            let age = Duration::from_millis(pending.polled_after.into());
            // With the jitter that shortens the interval most.
            age < usual * UNUSUAL || pending.added.elapsed() >= age + backoff.delay(age, 1.0)
        };
        self.pending.iter().filter(|(_, pending)| is_due(pending)).map(|(id, _)| id.clone()).collect()
    }

    fn learn(&mut self, took: Duration) {
        self.usual = Some(self.usual.map_or(took, |usual| (usual * 7 + took) / 8));
    }

    fn respect_retry_after(&mut self, error: &Error) {
        let delay = self.settings.client.shared.retry.limit_retry_after(error.retry_after());
        self.not_before = self.not_before.max(after(delay));
    }

    /// The first deadline of a job.
    fn deadline(&self) -> Option<Instant> {
        let first = self.pending.values().map(|pending| pending.added).min()?;
        first.checked_add(self.settings.max_wait?)
    }

    /// The jobs whose deadlines were at least `grace` before `now`.
    fn past_deadline(&self, now: Instant, grace: Duration) -> Vec<JobId> {
        let Some(limit) = self.settings.max_wait.and_then(|max_wait| max_wait.checked_add(grace)) else {
            return Vec::new();
        };
        let over = self.pending.iter().filter(|(_, pending)| now.duration_since(pending.added) >= limit);
        over.map(|(id, _)| id.clone()).collect()
    }

    /// Reads the state of the pending jobs that are due: from pages, which show the newest jobs first, then one by one. Returns early with the
    /// first results, and is called again for the rest.
    ///
    /// An interrupted round is continued if it has made progress: if it began again each time, a low rate limit would never let it
    /// reach the jobs at its end.
    async fn round(&mut self) -> Result<(), Error> {
        if !self.round.continues() {
            let jobs = self.jobs_to_poll();
            let places = jobs.iter().filter_map(|id| self.pending.get(id)).map(|pending| pending.place);
            let pages = if jobs.len() > 1 { pages_to_read(places, PAGE as usize) } else { 0 };
            self.round = Round::new(jobs, pages);
        }
        self.round.resume();
        self.read_pages().await?;
        if self.ready.is_empty() {
            self.poll_unseen().await;
        }
        if let Some((jobs_per_request, took)) = self.round.completed() {
            (self.jobs_per_request, self.round_took) = (jobs_per_request, took);
            self.requests = self.round.requests;
        }
        Ok(())
    }

    /// Reads pages as long as they save requests.
    async fn read_pages(&mut self) -> Result<(), Error> {
        while let Some(cursor) = self.round.next_page() {
            let list = self.settings.client.list().limit(PAGE);
            let page = match list.page(cursor).with_retry_policy(RetryPolicy::never()).await {
                Ok(page) => page.into_inner(),
                // Only `list` is rejected: `status` still works.
                Err(error) if !error.is_retryable() && error.kind() != ErrorKind::Authentication => {
                    tracing::debug!(%error, "the jobs cannot be listed; reading each job's status");
                    self.round.pages = self.round.pages_read;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.round.count_page(page.next_cursor);
            let mut found = 0;
            for job in page.items.unwrap_or_default() {
                let id = JobId(job.job_id.clone());
                // A list may omit links, so only `status` can tell that there is none.
                if !job.is_without_clip() && self.round.unseen.remove(&id) {
                    if let Some(pending) = self.pending.get_mut(&id) {
                        found += usize::from(pending.place == Place::Unknown);
                        pending.place = Place::Page(self.round.pages_read);
                    }
                    self.update(id, job);
                }
            }
            // There are more jobs between the new ones than expected. The next page is likely to show as many.
            if found > 1 {
                self.round.pages = self.round.pages.max(self.round.pages_read + 1);
            }
            if self.round.next_page().is_some() {
                if !self.ready.is_empty() {
                    return Ok(());
                }
            } else {
                for id in &self.round.unseen {
                    if let Some(pending) = self.pending.get_mut(id) {
                        pending.place = pending.place.not_on(self.round.pages_read, self.round.is_last_page);
                    }
                }
            }
        }
        Ok(())
    }

    /// Polls the jobs that no page has shown. A 429 ends the calls: the rest follows after the delay that the service requests.
    async fn poll_unseen(&mut self) {
        let client = self.settings.client.clone();
        let mut ids = self.round.unseen.clone().into_iter();
        let mut calls = FuturesUnordered::new();
        loop {
            while !self.round.is_interrupted && self.ready.is_empty() && calls.len() < STATUS_CALLS {
                let Some(id) = ids.next() else { break };
                let status = client.status(&id).with_retry_policy(RetryPolicy::never());
                calls.push(async move { (id, status.await) });
            }
            let Some((id, response)) = calls.next().await else { return };
            match response {
                Ok(job) => {
                    self.round.count_poll(&id);
                    self.update(id, job.into_inner());
                }
                Err(error) => {
                    match error.kind() {
                        ErrorKind::RateLimited => (self.round.is_interrupted, self.usual) = (true, None),
                        _ => self.round.count_poll(&id),
                    }
                    self.handle_poll_failure(&id, error);
                }
            }
        }
    }

    fn update(&mut self, id: JobId, job: VideoJob) {
        let (state, without_clip) = (job.state.clone(), job.is_without_clip());
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.polls += 1;
        pending.set_polled();
        pending.failures = PollFailures::default();
        if let Some(OnUpdate(call)) = &self.settings.on_update {
            call(&job);
        }
        pending.last = Some(job);
        match state {
            JobState::Succeeded if without_clip => self.fail(&id, WaitErrorKind::Failed, None),
            JobState::Succeeded => {
                let pending = self.pending.remove(&id);
                if let Some(took) = pending.as_ref().map(|pending| pending.added.elapsed()) {
                    self.learn(took);
                }
                let snapshot = pending.and_then(|pending| pending.last);
                let job = Job::new(&self.settings.client, id.clone(), snapshot);
                self.ready.push_back((id, Ok(Finished::new(job))));
            }
            JobState::Cancelled => self.fail(&id, WaitErrorKind::Cancelled, None),
            state if state.is_final() => self.fail(&id, WaitErrorKind::Failed, None),
            _ => {}
        }
    }

    /// Handles a failed `status` call, which says nothing about its job or about the others.
    fn handle_poll_failure(&mut self, id: &JobId, error: Error) {
        self.respect_retry_after(&error);
        let Some(pending) = self.pending.get_mut(id) else { return };
        pending.set_polled();
        if let Some(kind) = pending.failures.record(&error, self.settings.poll_failure_timeout) {
            self.fail(id, kind, Some(error));
        }
    }

    fn forget_round_failures(&mut self) {
        self.pending.values_mut().for_each(|pending| pending.round_failures = PollFailures::default());
    }

    /// Handles a failed round, which says nothing about the jobs. For a job that was added since, and after progress, the failures
    /// begin with this round.
    fn handle_round_failure(&mut self, error: &Error) {
        self.respect_retry_after(error);
        self.usual = None;
        self.round.is_interrupted = true;
        if self.round.continues() {
            self.forget_round_failures();
        }
        let limit = self.settings.poll_failure_timeout;
        let over = self.pending.iter_mut().filter_map(|(id, pending)| {
            pending.round_failures.record(error, limit).map(|kind| (id.clone(), kind))
        });
        for (id, kind) in over.collect::<Vec<_>>() {
            self.fail(&id, kind, Some(error.clone()));
        }
        tracing::debug!(pending = self.pending.len(), %error, "the round failed; the wait continues");
    }

    fn fail(&mut self, id: &JobId, kind: WaitErrorKind, poll_error: Option<Error>) {
        let Some(pending) = self.pending.remove(id) else { return };
        self.round.unseen.remove(id);
        let error = WaitError::new(Facts {
            kind,
            job_id: id.clone(),
            last_job: pending.last,
            elapsed: pending.added.elapsed(),
            polls: pending.polls,
            request_id: None,
            poll_error,
        });
        self.ready.push_back((id.clone(), Err(error)));
    }
}
