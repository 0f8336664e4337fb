//! The loop of a wait for many jobs. A round reads pages of the list, and polls the jobs that they do not show.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Fuse};
use futures_util::{FutureExt as _, StreamExt as _};
use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pages::{Place, pages_to_read};
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
}

pub(super) struct Watch {
    settings: WaitAll,
    more: Fuse<BoxStream<'static, JobId>>,
    rounds: u32,
    /// The number of jobs per request in the last round.
    jobs_per_request: f64,
    pending: BTreeMap<JobId, Pending>,
    ready: VecDeque<JobResult>,
    /// The end of the delay that the service requested.
    not_before: Instant,
}

impl Watch {
    pub(super) fn new(mut settings: WaitAll, more: BoxStream<'static, JobId>) -> Self {
        let ids = std::mem::take(&mut settings.ids);
        let mut watch = Self {
            settings,
            more: more.fuse(),
            rounds: 0,
            jobs_per_request: 1.0,
            pending: BTreeMap::new(),
            ready: VecDeque::new(),
            not_before: Instant::now(),
        };
        for id in ids {
            watch.add(id);
        }
        watch
    }

    pub(super) async fn next(mut self) -> Option<(JobResult, Self)> {
        loop {
            if let Some(result) = self.ready.pop_front() {
                return Some((result, self));
            }
            if self.pending.is_empty() {
                let id = self.more.next().await?;
                self.add(id);
                continue;
            }
            self.pause().await;
            self.add_ready_ids();
            let last_round_of = self.past_deadline(Duration::ZERO);
            self.rounds += 1;
            let failed = self.round_with_new_ids().await.err();
            match &failed {
                None => {
                    self.pending
                        .values_mut()
                        .for_each(|pending| pending.round_failures = PollFailures::default());
                }
                Some(error) => self.handle_round_failure(error),
            }
            for id in last_round_of.into_iter().chain(self.past_deadline(GRACE)) {
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
        if self.rounds == 0 {
            return;
        }
        let youngest = self.pending.values().map(|pending| pending.added).max();
        let mut due = self.due(youngest.map_or(Duration::ZERO, |added| added.elapsed()));
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
        after(self.settings.backoff.delay(elapsed.div_f64(speedup), self.settings.client.random_share()))
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

    /// The jobs whose deadlines were at least `grace` ago.
    fn past_deadline(&self, grace: Duration) -> Vec<JobId> {
        let Some(limit) = self.settings.max_wait.and_then(|max_wait| max_wait.checked_add(grace)) else {
            return Vec::new();
        };
        let over = self.pending.iter().filter(|(_, pending)| pending.added.elapsed() >= limit);
        over.map(|(id, _)| id.clone()).collect()
    }

    /// Reads the state of every pending job: from pages, which show the newest jobs first, then one by one.
    async fn round(&mut self) -> Result<(), Error> {
        let mut unseen: BTreeSet<JobId> = self.pending.keys().cloned().collect();
        let jobs = unseen.len();
        let pages = self.read_pages(&mut unseen).await?;
        self.jobs_per_request = jobs as f64 / (pages + unseen.len()).max(1) as f64;
        let client = self.settings.client.clone();
        let calls = unseen.into_iter().map(|id| {
            let status = client.status(&id).with_retry_policy(RetryPolicy::never());
            async move { (id, status.await) }
        });
        let mut responses = stream::iter(calls).buffer_unordered(STATUS_CALLS);
        while let Some((id, response)) = responses.next().await {
            match response {
                Ok(job) => self.update(id, job.into_inner()),
                Err(error) => self.handle_poll_failure(&id, error),
            }
        }
        Ok(())
    }

    /// Reads pages as long as they save requests. Returns their number.
    async fn read_pages(&mut self, unseen: &mut BTreeSet<JobId>) -> Result<usize, Error> {
        if unseen.len() <= 1 {
            return Ok(0);
        }
        let max = pages_to_read(self.pending.values().map(|pending| pending.place), PAGE as usize);
        let mut cursor = None;
        let mut read = 0;
        while read < max {
            let list = self.settings.client.list().limit(PAGE);
            let page = match list.page(cursor).with_retry_policy(RetryPolicy::never()).await {
                Ok(page) => page.into_inner(),
                // Only `list` is rejected: `status` still works.
                Err(error) if !error.is_retryable() && error.kind() != ErrorKind::Authentication => {
                    tracing::debug!(%error, "the jobs cannot be listed; reading each job's status");
                    return Ok(read);
                }
                Err(error) => return Err(error),
            };
            read += 1;
            for job in page.items.unwrap_or_default() {
                let id = JobId(job.job_id.clone());
                // A list may omit links, so only `status` can tell that there is none.
                if !job.is_without_clip() && unseen.remove(&id) {
                    if let Some(pending) = self.pending.get_mut(&id) {
                        pending.place = Place::Page(read);
                    }
                    self.update(id, job);
                }
            }
            cursor = page.next_cursor.filter(|cursor| !cursor.is_empty());
            if unseen.is_empty() || cursor.is_none() {
                break;
            }
        }
        if read > 0 {
            for id in unseen.iter() {
                if let Some(pending) = self.pending.get_mut(id) {
                    pending.place = pending.place.not_on(read, cursor.is_none());
                }
            }
        }
        Ok(read)
    }

    fn update(&mut self, id: JobId, job: VideoJob) {
        let (state, without_clip) = (job.state.clone(), job.is_without_clip());
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.polls += 1;
        pending.failures = PollFailures::default();
        if let Some(OnUpdate(call)) = &self.settings.on_update {
            call(&job);
        }
        pending.last = Some(job);
        match state {
            JobState::Succeeded if without_clip => self.fail(&id, WaitErrorKind::Failed, None),
            JobState::Succeeded => {
                let snapshot = self.pending.remove(&id).and_then(|pending| pending.last);
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
        if let Some(kind) = pending.failures.record(&error, self.settings.poll_failure_timeout) {
            self.fail(id, kind, Some(error));
        }
    }

    /// Handles a failed round, which says nothing about the jobs. For a job that was added since, the failures begin with this
    /// round.
    fn handle_round_failure(&mut self, error: &Error) {
        self.respect_retry_after(error);
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
