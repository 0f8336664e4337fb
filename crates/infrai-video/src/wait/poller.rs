//! The wait loop for one job.

use std::time::Duration;

use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;
use tokio::time::{Instant, sleep_until};

use super::error::Facts;
use super::poll_failures::PollFailures;
use super::{JobUpdate, OnDrop, Step, Wait, WaitError, WaitErrorKind, one_attempt};
use crate::clock::after;
use crate::error::Error;
use crate::operations::Job;
use crate::text::one_line;

/// The wait loop, one step at a time: each step reads one state, and returns the poller for the next step.
pub(super) struct Poller {
    wait: Wait,
    started: Instant,
    polls: u32,
    last: Option<VideoJob>,
    request_id: Option<String>,
    failures: PollFailures,
    retry_after: Duration,
    warned_unknown: bool,
    cancel_on_drop: CancelOnDrop,
}

impl Poller {
    pub(super) fn new(wait: Wait) -> Self {
        let cancel_on_drop = CancelOnDrop(match wait.on_drop {
            OnDrop::Leave => None,
            OnDrop::Cancel => Some(wait.job.clone()),
        });
        Self {
            wait,
            started: Instant::now(),
            polls: 0,
            last: None,
            request_id: None,
            failures: PollFailures::default(),
            retry_after: Duration::ZERO,
            warned_unknown: false,
            cancel_on_drop,
        }
    }

    /// The next state: first the known one, then that of the next successful poll.
    pub(super) async fn next(mut self) -> Step {
        let is_first = self.polls == 0 && self.last.is_none();
        if let Some(known) = self.wait.job.snapshot().filter(|_| is_first) {
            let known = known.clone();
            return self.report(known);
        }
        loop {
            self.pause().await;
            self.polls += 1;
            let poll = self.wait.job.status().with_retry_policy(one_attempt(self.deadline())).await;
            match poll {
                Ok(response) => {
                    self.failures = PollFailures::default();
                    self.retry_after = self.limit_retry_after(response.retry_after());
                    self.request_id =
                        response.metadata().request_id.as_deref().map(one_line).or(self.request_id);
                    return self.report(response.into_inner());
                }
                Err(error) => self = self.tolerate(error)?,
            }
        }
    }

    /// Sleeps until the next poll, or the deadline. The first poll of a job whose state is unknown is due at once.
    async fn pause(&self) {
        if self.polls == 0 && self.last.is_none() {
            return;
        }
        let (backoff, jitter) = (&self.wait.backoff, self.wait.job.client().random_share());
        let due = match self.polls {
            // The first poll of a job that was submitted long ago is due already.
            0 => {
                let delay = backoff.first_delay(jitter);
                let due = |submitted: Instant| submitted.checked_add(delay).unwrap_or_else(|| after(delay));
                self.wait.job.submitted().map_or_else(Instant::now, due)
            }
            _ => after(backoff.delay(self.started.elapsed(), jitter).max(self.retry_after)),
        };
        sleep_until(self.deadline().map_or(due, |deadline| due.min(deadline))).await;
    }

    fn limit_retry_after(&self, retry_after: Option<Duration>) -> Duration {
        self.wait.job.client().shared.retry.limit_retry_after(retry_after)
    }

    fn deadline(&self) -> Option<Instant> {
        self.wait.max_wait.and_then(|max_wait| self.started.checked_add(max_wait))
    }

    fn is_past_deadline(&self) -> bool {
        self.deadline().is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn report(mut self, job: VideoJob) -> Step {
        let (state, first) = (job.state.clone(), self.polls == 0);
        tracing::debug!(job_id = self.wait.job.id().as_str(), %state, polls = self.polls, "job");
        let update = JobUpdate { job: job.clone(), elapsed: self.started.elapsed(), polls: self.polls };
        self.last = Some(job);
        match state {
            JobState::Succeeded if update.job.is_without_clip() => {
                Err(self.fail(WaitErrorKind::Failed, None))
            }
            JobState::Succeeded => {
                self.cancel_on_drop.disarm();
                Ok((update, None))
            }
            JobState::Failed => Err(self.fail(WaitErrorKind::Failed, None)),
            JobState::Cancelled => Err(self.fail(WaitErrorKind::Cancelled, None)),
            JobState::Unknown(_) if state.is_final() => Err(self.fail(WaitErrorKind::Failed, None)),
            JobState::Unknown(_) if !self.warned_unknown => {
                self.warned_unknown = true;
                tracing::warn!(job_id = self.wait.job.id().as_str(), %state, "unknown state; the wait continues");
                self.proceed(update, first)
            }
            _ => self.proceed(update, first),
        }
    }

    fn proceed(self, update: JobUpdate, first: bool) -> Step {
        if self.is_past_deadline() && !first {
            return Err(self.fail(WaitErrorKind::TimedOut, None));
        }
        Ok((update, Some(self)))
    }

    /// Handles a failed poll, which says nothing about the job. It ends the wait only if further polls cannot succeed, or have
    /// failed for too long.
    fn tolerate(mut self, error: Error) -> Result<Self, WaitError> {
        if let Some(kind) = self.failures.record(&error, self.wait.poll_failure_timeout) {
            return Err(self.fail(kind, Some(error)));
        }
        if self.is_past_deadline() {
            return Err(self.fail(WaitErrorKind::TimedOut, Some(error)));
        }
        tracing::debug!(job_id = self.wait.job.id().as_str(), polls = self.polls, %error, "the poll failed; the wait continues");
        self.retry_after = self.limit_retry_after(error.retry_after());
        Ok(self)
    }

    fn fail(mut self, kind: WaitErrorKind, poll_error: Option<Error>) -> WaitError {
        self.cancel_on_drop.disarm();
        WaitError::new(Facts {
            kind,
            job_id: self.wait.job.id().clone(),
            elapsed: self.started.elapsed(),
            polls: self.polls,
            request_id: self.request_id,
            last_job: self.last,
            poll_error,
        })
    }
}

/// Cancels the job if it is dropped while armed.
struct CancelOnDrop(Option<Job>);

impl CancelOnDrop {
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(job) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if let Err(error) = job.cancel().await {
                        tracing::warn!(job_id = job.id().as_str(), %error, "the job of a dropped wait could not be cancelled");
                    }
                });
            }
            Err(_) => {
                tracing::warn!(
                    job_id = job.id().as_str(),
                    "there is no runtime to cancel the job of a dropped wait"
                )
            }
        }
    }
}
