//! Errors of waits.

use std::fmt;
use std::time::Duration;

use infrai_video_client::JobState;
use infrai_video_client::types::VideoJob;

use crate::error::{Error, ErrorKind, write_report};
use crate::ids::JobId;

/// The kind of a [`WaitError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitErrorKind {
    /// The time limit was reached. The job continues; wait again with its id.
    TimedOut,
    /// The job failed, or succeeded without a clip. The service's reason is in [`WaitError::last_job`].
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// The polls failed for too long. Only the job's last state is known.
    Unreachable,
    /// The service rejected the polls, for instance because of the API key or an unknown job.
    Refused,
}

/// The error of a wait that ended without a finished job, and the next step.
pub struct WaitError(Box<Facts>);

pub(super) struct Facts {
    pub(super) kind: WaitErrorKind,
    pub(super) job_id: JobId,
    pub(super) last_job: Option<VideoJob>,
    pub(super) elapsed: Duration,
    pub(super) polls: u32,
    pub(super) request_id: Option<String>,
    pub(super) poll_error: Option<Error>,
}

impl WaitError {
    pub(super) fn new(facts: Facts) -> Self {
        Self(Box::new(facts))
    }

    /// The kind of the error.
    pub fn kind(&self) -> WaitErrorKind {
        self.0.kind
    }

    /// The job's id, to wait again.
    pub fn job_id(&self) -> &JobId {
        &self.0.job_id
    }

    /// The job in the last response, if there was one.
    pub fn last_job(&self) -> Option<&VideoJob> {
        self.0.last_job.as_ref()
    }

    /// The duration of the wait.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The number of polls.
    pub fn polls(&self) -> u32 {
        self.0.polls
    }

    /// The service's identifier of the last successful poll.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The error of the last poll, if it failed. It says nothing about the job.
    pub fn poll_error(&self) -> Option<&Error> {
        self.0.poll_error.as_ref()
    }

    fn what_happened(&self) -> String {
        let reason = self.last_job().and_then(|job| job.error.as_ref());
        match (self.kind(), reason) {
            (WaitErrorKind::TimedOut, _) => match self.last_job() {
                Some(VideoJob { state: JobState::Unknown(state), .. }) => {
                    format!("is still {state:?}, a state that this version does not know")
                }
                Some(job) => format!("is still {}", job.state),
                None => "could not be read yet".to_owned(),
            },
            (WaitErrorKind::Failed, Some(reason)) => match self.last_job() {
                Some(job) if job.is_without_clip() => format!("succeeded without a clip: {reason}"),
                _ => format!("failed: {reason}"),
            },
            (WaitErrorKind::Failed, None) => "failed without a reason".to_owned(),
            (WaitErrorKind::Cancelled, _) => "was cancelled".to_owned(),
            (WaitErrorKind::Unreachable | WaitErrorKind::Refused, _) => match self.poll_error() {
                Some(error) => format!("could not be read: {}", error.message()),
                None => "could not be read".to_owned(),
            },
        }
    }

    fn next_step(&self) -> String {
        match (self.kind(), self.poll_error()) {
            (WaitErrorKind::TimedOut | WaitErrorKind::Unreachable, _) => {
                let goes_on = "the job goes on: wait again with its id; nothing is charged again";
                match self.last_job() {
                    Some(VideoJob { state: JobState::Unknown(_), .. }) => {
                        format!("{goes_on}; if the state means that it is finished, download its clip")
                    }
                    _ => goes_on.to_owned(),
                }
            }
            (WaitErrorKind::Failed, _) => ErrorKind::JobFailed.next_step().to_owned(),
            (WaitErrorKind::Cancelled, _) => ErrorKind::JobCancelled.next_step().to_owned(),
            (WaitErrorKind::Refused, Some(error)) => error.next_step(),
            (WaitErrorKind::Refused, None) => "check the job id".to_owned(),
        }
    }
}

/// The error for a job that succeeded without a clip, outside of a wait.
pub(crate) fn without_clip(job: VideoJob) -> Error {
    Error::from(WaitError::new(Facts {
        kind: WaitErrorKind::Failed,
        job_id: JobId(job.job_id.clone()),
        last_job: Some(job),
        elapsed: Duration::ZERO,
        polls: 1,
        request_id: None,
        poll_error: None,
    }))
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let polls = if self.polls() == 1 { "1 poll".to_owned() } else { format!("{} polls", self.polls()) };
        let seconds = self.elapsed().as_secs_f64();
        write!(f, "job {} {} (after {seconds:.0} s, {polls}", self.job_id(), self.what_happened())?;
        if let Some(request_id) = self.request_id() {
            write!(f, ", request {request_id}")?;
        }
        f.write_str(")")?;
        write!(f, "; {}", self.next_step())
    }
}

impl fmt::Debug for WaitError {
    /// The line of `Display` with its causes; all fields with `{:#?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return write_report(f, self, "");
        }
        f.debug_struct("WaitError")
            .field("kind", &self.kind())
            .field("job_id", &self.job_id().as_str())
            .field("state", &self.last_job().map(|job| &job.state))
            .field("error", &self.last_job().and_then(|job| job.error.as_ref()))
            .field("elapsed", &self.elapsed())
            .field("polls", &self.polls())
            .field("request_id", &self.request_id())
            .field("poll_error", &self.poll_error())
            .finish()
    }
}

impl std::error::Error for WaitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.poll_error.as_ref().map(|error| error as _)
    }
}

impl From<WaitError> for Error {
    /// For programs with one error type. The last job is in the source, a [`WaitError`].
    fn from(error: WaitError) -> Self {
        let kind = match (error.kind(), error.poll_error()) {
            (WaitErrorKind::TimedOut, _) => ErrorKind::StillRunning,
            (WaitErrorKind::Failed, _) => ErrorKind::JobFailed,
            (WaitErrorKind::Cancelled, _) => ErrorKind::JobCancelled,
            (WaitErrorKind::Unreachable, _) => ErrorKind::Unreachable,
            (WaitErrorKind::Refused, Some(refusal)) => refusal.kind(),
            (WaitErrorKind::Refused, None) => ErrorKind::Rejected,
        };
        let message = format!("job {} {}", error.job_id(), error.what_happened());
        let retryable = matches!(error.kind(), WaitErrorKind::TimedOut | WaitErrorKind::Unreachable);
        let facts = error.poll_error().cloned().unwrap_or_else(|| Self::new(kind, String::new()));
        facts
            .turned_into(kind, message)
            .with_hint(error.next_step())
            .with_retryable(retryable)
            .with_outcome_unknown(false)
            .with_source(error)
    }
}
