use std::time::Duration;

use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;
use tokio::time::{Instant, sleep_until};

use super::error::Facts;
use super::failing::Failing;
use super::{JobUpdate, OnDrop, Step, Wait, WaitError, WaitErrorKind, one_attempt};
use crate::error::Error;
use crate::text::one_line;
use crate::time::after;

/// The wait loop, one step at a time: each step reads one state, and hands over what is needed for the next.
pub(super) struct Poller {
    wait: Wait,
    started: Instant,
    polls: u32,
    last: Option<VideoJob>,
    request_id: Option<String>,
    failing: Failing,
    retry_after: Duration,
    said_unknown: bool,
    leave: CancelOnDrop,
}

impl Poller {
    pub(super) fn new(wait: Wait) -> Self {
        let leave = CancelOnDrop(match wait.on_drop {
            OnDrop::Leave => None,
            OnDrop::Cancel => Some(wait.job.clone()),
        });
        Self {
            wait,
            started: Instant::now(),
            polls: 0,
            last: None,
            request_id: None,
            failing: Failing::default(),
            retry_after: Duration::ZERO,
            said_unknown: false,
            leave,
        }
    }

    /// The next state: the one already known at first, then one poll after another until one is answered.
    pub(super) async fn next(mut self) -> Step {
        if self.polls == 0
            && self.last.is_none()
            && let Some(known) = self.wait.job.snapshot()
        {
            let known = known.clone();
            return self.report(known);
        }
        loop {
            self.pause().await;
            self.polls += 1;
            let poll = self.wait.job.status().with_retry_policy(one_attempt(self.deadline())).await;
            match poll {
                Ok(response) => {
                    self.failing = Failing::default();
                    self.retry_after = self.believed(response.retry_after());
                    self.request_id =
                        response.metadata().request_id.as_deref().map(one_line).or(self.request_id);
                    return self.report(response.into_inner());
                }
                Err(error) => self = self.tolerate(error)?,
            }
        }
    }

    /// Sleeps until the next poll is due, and no longer than the deadline. The first poll of an unknown job is due at once.
    async fn pause(&self) {
        if self.polls == 0 && self.last.is_none() {
            return;
        }
        let (backoff, jitter) = (&self.wait.backoff, self.wait.job.client().random_share());
        let due = match self.polls {
            // A job that was submitted long ago, or waited for before, is due already.
            0 => {
                let delay = backoff.first_delay(jitter);
                let due = |submitted: Instant| submitted.checked_add(delay).unwrap_or_else(|| after(delay));
                self.wait.job.submitted().map_or_else(Instant::now, due)
            }
            _ => after(backoff.delay(self.started.elapsed(), jitter).max(self.retry_after)),
        };
        sleep_until(self.deadline().map_or(due, |deadline| due.min(deadline))).await;
    }

    fn believed(&self, retry_after: Option<Duration>) -> Duration {
        self.wait.job.client().shared.retry.believed(retry_after)
    }

    fn deadline(&self) -> Option<Instant> {
        self.wait.max_wait.and_then(|max_wait| self.started.checked_add(max_wait))
    }

    fn is_over(&self) -> bool {
        self.deadline().is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn report(mut self, job: VideoJob) -> Step {
        let (state, first) = (job.state.clone(), self.polls == 0);
        tracing::debug!(job_id = self.wait.job.id(), %state, polls = self.polls, "job");
        let update = JobUpdate { job: job.clone(), elapsed: self.started.elapsed(), polls: self.polls };
        self.last = Some(job);
        match state {
            JobState::Succeeded if update.job.is_without_clip() => Err(self.end(WaitErrorKind::Failed, None)),
            JobState::Succeeded => {
                self.leave.disarm();
                Ok((update, None))
            }
            JobState::Failed => Err(self.end(WaitErrorKind::Failed, None)),
            JobState::Cancelled => Err(self.end(WaitErrorKind::Cancelled, None)),
            JobState::Unknown(_) if state.is_final() => Err(self.end(WaitErrorKind::Failed, None)),
            JobState::Unknown(_) if !self.said_unknown => {
                self.said_unknown = true;
                tracing::warn!(job_id = self.wait.job.id(), %state, "the state is not known; waiting goes on");
                self.go_on(update, first)
            }
            _ => self.go_on(update, first),
        }
    }

    fn go_on(self, update: JobUpdate, first: bool) -> Step {
        if self.is_over() && !first {
            return Err(self.end(WaitErrorKind::TimedOut, None));
        }
        Ok((update, Some(self)))
    }

    /// A failed poll says nothing about the job. It ends the wait only where asking again cannot help, or did not for long.
    fn tolerate(mut self, error: Error) -> Result<Self, WaitError> {
        if let Some(kind) = self.failing.verdict(&error, self.wait.poll_errors) {
            return Err(self.end(kind, Some(error)));
        }
        if self.is_over() {
            return Err(self.end(WaitErrorKind::TimedOut, Some(error)));
        }
        tracing::debug!(job_id = self.wait.job.id(), polls = self.polls, %error, "the poll failed; waiting goes on");
        self.retry_after = self.believed(error.retry_after());
        Ok(self)
    }

    fn end(mut self, kind: WaitErrorKind, poll_error: Option<Error>) -> WaitError {
        self.leave.disarm();
        WaitError::new(Facts {
            kind,
            job_id: self.wait.job.id().to_owned(),
            elapsed: self.started.elapsed(),
            polls: self.polls,
            request_id: self.request_id,
            last_job: self.last,
            poll_error,
        })
    }
}

/// Asks the service to cancel the job if it is dropped while armed.
struct CancelOnDrop(Option<crate::job::Job>);

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
                        tracing::warn!(job_id = job.id(), %error, "the job of a dropped wait could not be cancelled");
                    }
                });
            }
            Err(_) => {
                tracing::warn!(job_id = job.id(), "no runtime is left to cancel the job of a dropped wait")
            }
        }
    }
}
