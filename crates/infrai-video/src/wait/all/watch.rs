//! The loop behind a wait for many jobs: pauses, looks at the pages, and what is known of each job.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Fuse};
use futures_util::{FutureExt as _, StreamExt as _};
use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pages::{Place, worth_reading};
use super::{JobResult, OnUpdate, WaitAll};
use crate::error::{Error, ErrorKind};
use crate::job::Job;
use crate::retry::RetryPolicy;
use crate::time::after;
use crate::transport::{TransportError, TransportErrorKind};
use crate::wait::error::Facts;
use crate::wait::failing::Failing;
use crate::wait::{Finished, GRACE, WaitError, WaitErrorKind};

/// How many jobs one page is asked to show.
const PAGE: u32 = 100;

/// How many `status` calls are under way at once, for jobs that no page showed.
const STATUS_CALLS: usize = 8;

/// What is known of a job that is still waited for.
struct Pending {
    added: Instant,
    last: Option<VideoJob>,
    polls: u32,
    /// Calls of `status` for it alone.
    failing: Failing,
    /// Looks at the pages.
    looks_failing: Failing,
    place: Place,
}

pub(super) struct Watch {
    settings: WaitAll,
    more: Fuse<BoxStream<'static, String>>,
    looks: u32,
    /// How many jobs the last look was at, for each request that it took.
    jobs_a_request: f64,
    pending: BTreeMap<String, Pending>,
    ready: VecDeque<JobResult>,
    /// Before this moment the service does not want to be asked.
    not_before: Instant,
}

impl Watch {
    pub(super) fn new(mut settings: WaitAll, more: BoxStream<'static, String>) -> Self {
        let ids = std::mem::take(&mut settings.ids);
        let mut watch = Self {
            settings,
            more: more.fuse(),
            looks: 0,
            jobs_a_request: 1.0,
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
            self.take_what_came();
            let last_look_at = self.waited_for(Duration::ZERO);
            self.looks += 1;
            let failed = self.look_until_the_deadline().await.err();
            match &failed {
                None => {
                    self.pending.values_mut().for_each(|pending| pending.looks_failing = Failing::default());
                }
                Some(error) => self.tolerate(error),
            }
            for id in last_look_at.into_iter().chain(self.waited_for(GRACE)) {
                self.end(&id, WaitErrorKind::TimedOut, failed.clone());
            }
        }
    }

    /// A look that is not over within the grace of the first deadline ends there.
    async fn look_until_the_deadline(&mut self) -> Result<(), Error> {
        let Some(end) = self.deadline().and_then(|deadline| deadline.checked_add(GRACE)) else {
            return self.look().await;
        };
        match timeout_at(end, self.look()).await {
            Ok(looked) => looked,
            Err(_) => Err(TransportError::new(
                TransportErrorKind::TimedOut,
                "no whole answer came before the deadline of the wait",
            )
            .into()),
        }
    }

    /// Waits for that job too, from now on. Says whether it was not waited for already.
    fn add(&mut self, id: String) -> bool {
        if self.pending.contains_key(&id) || self.ready.iter().any(|(ready, _)| *ready == id) {
            return false;
        }
        let fresh = Pending {
            added: Instant::now(),
            last: None,
            polls: 0,
            failing: Failing::default(),
            looks_failing: Failing::default(),
            place: Place::Unknown,
        };
        self.pending.insert(id, fresh);
        true
    }

    /// Adds the ids that are there without a wait, so that the next look is also at them.
    fn take_what_came(&mut self) {
        while let Some(Some(id)) = self.more.next().now_or_never() {
            self.add(id);
        }
    }

    async fn pause(&mut self) {
        if self.looks == 0 {
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

    /// When to look again at a job that has been waited for so long.
    fn due(&self, waited: Duration) -> Instant {
        // Where jobs end at an even rate, pauses that go with the root of the requests for a job are late the least.
        let haste = self.jobs_a_request.max(1.0).sqrt();
        after(self.settings.backoff.delay(waited.div_f64(haste), self.settings.client.random_share()))
    }

    fn ask_later(&mut self, error: &Error) {
        let asked = self.settings.client.shared.retry.believed(error.retry_after());
        self.not_before = self.not_before.max(after(asked));
    }

    /// When the time of the first job is over.
    fn deadline(&self) -> Option<Instant> {
        let first = self.pending.values().map(|pending| pending.added).min()?;
        first.checked_add(self.settings.max_wait?)
    }

    /// The jobs whose time was over so long ago.
    fn waited_for(&self, grace: Duration) -> Vec<String> {
        let Some(longest) = self.settings.max_wait.and_then(|max_wait| max_wait.checked_add(grace)) else {
            return Vec::new();
        };
        let over = self.pending.iter().filter(|(_, pending)| pending.added.elapsed() >= longest);
        over.map(|(id, _)| id.clone()).collect()
    }

    /// Looks at every pending job once: on the pages first, which show the newest jobs first, then one by one.
    async fn look(&mut self) -> Result<(), Error> {
        let mut unseen: BTreeSet<String> = self.pending.keys().cloned().collect();
        let jobs = unseen.len();
        let pages = self.look_at_pages(&mut unseen).await?;
        self.jobs_a_request = jobs as f64 / (pages + unseen.len()).max(1) as f64;
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

    /// Reads the pages that are worth it, and says how many there were.
    async fn look_at_pages(&mut self, unseen: &mut BTreeSet<String>) -> Result<usize, Error> {
        if unseen.len() <= 1 {
            return Ok(0);
        }
        let most = worth_reading(self.pending.values().map(|pending| pending.place), PAGE as usize);
        let mut cursor = None;
        let mut read = 0;
        while read < most {
            let list = self.settings.client.list().limit(PAGE);
            let page = match list.page(cursor).with_retry_policy(RetryPolicy::never()).await {
                Ok(page) => page.into_inner(),
                // Only `list` is refused. `status` still tells the state of each job.
                Err(error) if !error.is_retryable() && error.kind() != ErrorKind::Authentication => {
                    tracing::debug!(%error, "the jobs cannot be listed; reading each job's status");
                    return Ok(read);
                }
                Err(error) => return Err(error),
            };
            read += 1;
            for job in page.items.unwrap_or_default() {
                // A list may leave links out, so only `status` can say that there is none.
                if !job.is_without_clip() && unseen.remove(&job.job_id) {
                    if let Some(pending) = self.pending.get_mut(&job.job_id) {
                        pending.place = Place::Page(read);
                    }
                    self.see(job.job_id.clone(), job);
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

    fn see(&mut self, id: String, job: VideoJob) {
        let (state, without_clip) = (job.state.clone(), job.is_without_clip());
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.polls += 1;
        pending.failing = Failing::default();
        if let Some(OnUpdate(tell)) = &self.settings.on_update {
            tell(&job);
        }
        pending.last = Some(job);
        match state {
            JobState::Succeeded if without_clip => self.end(&id, WaitErrorKind::Failed, None),
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
        self.ask_later(&error);
        let Some(pending) = self.pending.get_mut(id) else { return };
        if let Some(kind) = pending.failing.verdict(&error, self.settings.poll_errors) {
            self.end(id, kind, Some(error));
        }
    }

    /// A look that failed says nothing about the jobs. For a job that came since the looks began to fail, they fail only
    /// since then.
    fn tolerate(&mut self, error: &Error) {
        self.ask_later(error);
        let longest = self.settings.poll_errors;
        let over = self.pending.iter_mut().filter_map(|(id, pending)| {
            pending.looks_failing.verdict(error, longest).map(|kind| (id.clone(), kind))
        });
        for (id, kind) in over.collect::<Vec<_>>() {
            self.end(&id, kind, Some(error.clone()));
        }
        tracing::debug!(pending = self.pending.len(), %error, "a look at the jobs failed");
    }

    fn end(&mut self, id: &str, kind: WaitErrorKind, poll_error: Option<Error>) {
        let Some(pending) = self.pending.remove(id) else { return };
        let error = WaitError::new(Facts {
            kind,
            job_id: id.to_owned(),
            last_job: pending.last,
            elapsed: pending.added.elapsed(),
            polls: pending.polls,
            request_id: None,
            poll_error,
        });
        self.ready.push_back((id.to_owned(), Err(error)));
    }
}
