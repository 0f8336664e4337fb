//! What happens to the job when a signal interrupts the wait.

use std::time::Duration;

use infrai_video::retry::RetryPolicy;
use infrai_video::types::VideoJob;
use infrai_video::wait::{WaitError, WaitErrorKind};
use infrai_video::{Error, ErrorKind, Job};
use tokio::time::Instant;

use crate::args::OnInterrupt;
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Failure, Invocation, advice, describe};
use crate::runner::{self, Recorder};
use crate::signals::{Signal, Signals};
use crate::ui::{JobProgress, Reply, ask};

/// How long a job may take to finish after its cancellation.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(60);

/// The question after Ctrl-C. The line `submitted` has named the job.
const QUESTION: &str = "Stop waiting? [k]eep it running (default) or [c]ancel:";

/// The result of an interrupted wait.
pub(super) enum Interrupted {
    /// The command exits, with the job as it was last polled.
    Exit(Failure, Option<VideoJob>),
    /// The job had succeeded before it could be cancelled. Its clip exists and is charged.
    Succeeded(VideoJob),
}

/// A wait that a signal has interrupted.
pub(super) struct InterruptedWait<'a> {
    pub(super) ctx: &'a Context,
    pub(super) session: &'a Session,
    pub(super) job: &'a Job,
    pub(super) signal: Signal,
}

impl InterruptedWait<'_> {
    /// Detaches from the job or cancels it. A second signal exits at once.
    pub(super) async fn cancel_or_detach(
        self,
        on_interrupt: OnInterrupt,
        recorder: &mut Recorder,
        signals: &mut Signals,
    ) -> Interrupted {
        let (output, id) = (&self.ctx.output, self.job.id());
        let cancels = match on_interrupt {
            // Closing the terminal is not a request to cancel the job.
            _ if self.signal == Signal::HangUp => false,
            OnInterrupt::Cancel => true,
            OnInterrupt::Detach => false,
            OnInterrupt::Ask if self.signal == Signal::Interrupt && output.is_interactive => {
                match self.wants_to_cancel(signals).await {
                    Ok(cancels) => cancels,
                    Err(signal) => return self.detach(recorder, signal),
                }
            }
            OnInterrupt::Ask => false,
        };
        if !cancels {
            return self.detach(recorder, self.signal);
        }
        output.status("cancelling", &format!("job {id}"));
        tokio::select! {
            result = Box::pin(self.cancel(recorder)) => result,
            signal = signals.next() => {
                let message = format!("cancellation of job {id} was requested but not confirmed");
                let next = advice::on_job(&self.ctx.invocation, "status", id);
                Interrupted::Exit(Failure::new(signal.exit(), message).with_next(next), None)
            }
        }
    }

    /// Asks until the reply is one of the offered ones. A signal arrives instead of a reply if the terminal is closed.
    async fn wants_to_cancel(&self, signals: &mut Signals) -> Result<bool, Signal> {
        let mut question = QUESTION;
        loop {
            match ask(&self.ctx.output, question, signals).await {
                Reply::Text(reply) => match reply.as_str() {
                    "" | "k" | "keep" => return Ok(false),
                    "c" | "cancel" => return Ok(true),
                    _ => question = "Please type k to keep it running or c to cancel it:",
                },
                Reply::Interrupted(signal) => return Err(signal),
            }
        }
    }

    fn detach(&self, recorder: &Recorder, signal: Signal) -> Interrupted {
        let (id, invocation) = (self.job.id(), &self.ctx.invocation);
        let (message, next) = match invocation.uses_sandbox() {
            true => (format!("job {id} ends with this command"), advice::SANDBOX_ENDS.to_owned()),
            false => (format!("job {id} keeps running and is billed"), recorder.continuation(invocation, id)),
        };
        let failure = Failure::new(signal.exit(), message).with_label("detached").next(next);
        Interrupted::Exit(failure, None)
    }

    /// Cancels the job and waits until it finishes. It may succeed before the cancellation, or take some time to be cancelled.
    async fn cancel(&self, recorder: &mut Recorder) -> Interrupted {
        let (job, invocation, since) = (self.job, &self.ctx.invocation, Instant::now());
        let policy = RetryPolicy::default().with_max_elapsed(CANCEL_TIMEOUT);
        if let Err(error) = job.cancel().with_retry_policy(policy).await
            && !may_be_finished(&error)
        {
            let message =
                format!("job {} could not be cancelled and keeps running: {}", job.id(), describe(&error));
            let next = advice::on_job(invocation, "cancel", job.id());
            return Interrupted::Exit(Failure::new(self.signal.exit(), message).with_next(next), None);
        }
        let left = CANCEL_TIMEOUT.saturating_sub(since.elapsed());
        let wait = self.session.wait(job).with_max_wait(left).with_poll_failure_timeout(CANCEL_TIMEOUT);
        match runner::wait(wait, JobProgress::new(&self.ctx.output, None, None), recorder).await {
            Ok(succeeded) => {
                let message = format!("job {} had succeeded before it could be cancelled", job.id());
                self.ctx.output.status("note", &message);
                Interrupted::Succeeded(succeeded)
            }
            Err(error) => Interrupted::Exit(not_succeeded(invocation, &error), error.last_job().cloned()),
        }
    }
}

/// Whether a job may be finished although its cancellation failed.
fn may_be_finished(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict || error.is_outcome_unknown()
}

fn not_succeeded(invocation: &Invocation, error: &WaitError) -> Failure {
    let id = error.job_id();
    match error.kind() {
        WaitErrorKind::Cancelled => Failure::cancelled(invocation, id),
        WaitErrorKind::TimedOut => {
            let state = error.last_job().map_or_else(|| "running".to_owned(), |job| job.state.to_string());
            let message = format!(
                "cancellation of job {id} was requested, and it is still {state}; it may still be billed"
            );
            Failure::new(Exit::StillRunning, message).with_next(advice::on_job(invocation, "status", id))
        }
        _ => Failure::of_wait(invocation, error),
    }
}
