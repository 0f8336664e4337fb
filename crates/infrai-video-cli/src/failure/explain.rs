//! From errors to failures: the message, the exit code, and what to do next.

use std::time::Duration;

use infrai_video::types::VideoJob;
use infrai_video::wait::{WaitError, WaitErrorKind};
use infrai_video::{Error, JobState};

use super::{
    Facts, Failure, Invocation, Outage, Setback, advice, describe, describe_with_ticks, job_outcome,
};
use crate::exit_code::Exit;
use crate::ledger::{Item, LedgerError, Location, blames_the_request};
use crate::text::{clock, count};

impl Failure {
    /// A failed call.
    pub(crate) fn of_call(invocation: &Invocation, error: &Error) -> Self {
        let exit = Exit::from(error);
        Self::new(exit, invocation.with_options_named(describe_with_ticks(error)))
            .with_facts(Facts::from(error))
            .with_next(advice::after_call(invocation, exit, error))
    }

    /// A failed call about one job.
    pub(crate) fn of_job_call(invocation: &Invocation, job_id: &str, error: &Error) -> Self {
        let failure = Self::of_call(invocation, error).with_facts(Facts::of_job(job_id));
        match failure.exit {
            Exit::Other if error.status().is_some() => {
                failure.with_next(advice::on_job(invocation, "status", job_id))
            }
            _ => failure,
        }
    }

    /// A wait that ended without a clip.
    pub(crate) fn of_wait(invocation: &Invocation, error: &WaitError) -> Self {
        let (exit, id, job) = (Exit::from(error), error.job_id(), error.last_job());
        let failure = match error.kind() {
            WaitErrorKind::TimedOut => {
                Self::still_running(invocation, id, job, error.elapsed(), error.polls())
            }
            WaitErrorKind::Failed => {
                let reason = job.map_or_else(|| "failed".to_owned(), job_outcome);
                let code = job.and_then(|job| job.error.as_ref()?.code.as_deref());
                let next = match code {
                    Some(code) if !blames_the_request(code) => advice::generate_again(invocation),
                    _ => format!("change the request, and run {} again", invocation.command("generate")),
                };
                Self::new(exit, format!("job {id} {reason}")).next(next)
            }
            WaitErrorKind::Cancelled => {
                Self::new(exit, format!("job {id} was cancelled")).next(advice::generate_again(invocation))
            }
            WaitErrorKind::Unreachable => {
                let reason = error.poll_error().map(|error| format!(": {}", describe(error)));
                let reason = reason.unwrap_or_default();
                Self::new(exit, format!("job {id} could not be read for too long{reason}; it keeps running"))
                    .with_next(advice::on_job(invocation, "wait", id))
            }
            _ => match error.poll_error() {
                Some(error) => Self::of_job_call(invocation, id, error),
                None => Self::new(exit, format!("job {id} could not be read"))
                    .with_next(advice::on_job(invocation, "status", id)),
            },
        };
        let facts = error.poll_error().map(Facts::from).unwrap_or_default();
        failure.with_facts(Facts::of_job(id).or(facts))
    }

    /// A job that had not finished at the deadline of a wait.
    pub(crate) fn still_running(
        invocation: &Invocation,
        id: &str,
        job: Option<&VideoJob>,
        elapsed: Duration,
        polls: u32,
    ) -> Self {
        let unknown = job.filter(|job| matches!(job.state, JobState::Unknown(_)));
        let state = match (job, unknown) {
            (None, _) => "running".to_owned(),
            (Some(job), None) => job.state.to_string(),
            (_, Some(job)) => format!("{:?} (a state unknown to this version)", job.state.as_str()),
        };
        let (elapsed, polls) = (clock(elapsed), count(polls as usize, "poll"));
        let message = format!(
            "job {id} is still {state} after {elapsed} and {polls}; it keeps running and is charged once"
        );
        let download = advice::if_state_is_unknown(invocation, job);
        Self::new(Exit::StillRunning, message)
            .with_next([advice::on_job(invocation, "wait", id), download].concat())
            .with_facts(Facts::of_job(id))
    }

    /// A job that was cancelled as the user requested.
    pub(crate) fn cancelled(invocation: &Invocation, id: &str) -> Self {
        Self::new(Exit::Cancelled, format!("job {id}"))
            .with_label("cancelled")
            .next(advice::generate_again(invocation))
    }

    /// An item of the ledger that was not finished.
    pub(crate) fn of_setback(invocation: &Invocation, item: &Item, setback: &Setback) -> Self {
        let job = item.job_id.as_deref().map_or_else(Facts::default, Facts::of_job);
        Self::new(setback.exit(item), format!("{}: {}", item.label(), setback.why(item)))
            .with_facts(job.or(Facts::of_stored_key(&item.key)))
            .with_next(advice::after_setback(invocation, item, setback))
    }

    /// An outage that lasted longer than the run may wait.
    pub(crate) fn of_outage(invocation: &Invocation, outage: Outage, why: &str) -> Self {
        Self::new(outage.exit(), format!("{why}; --max-pause allows no longer wait"))
            .with_next(advice::after_outage(invocation, outage))
    }

    /// A rejected API key, or settings with which no connection can be made. Both stop all items.
    pub(crate) fn of_stop(invocation: &Invocation, exit: Exit, why: &str) -> Self {
        Self::new(exit, why).with_next(advice::after_stop(invocation, exit))
    }

    /// A ledger that cannot be read or written.
    pub(crate) fn of_ledger(invocation: &Invocation, location: &Location, error: &LedgerError) -> Self {
        let explained = error.explained(location);
        let error = explained.as_ref().unwrap_or(error);
        let message = match error {
            // The path is shown once.
            LedgerError::Path(path, error) if location.file() == Some(path.as_path()) => {
                format!("the ledger {location} cannot be used: {error}")
            }
            error => format!("the ledger {location} cannot be used: {error}"),
        };
        Self::new(Exit::Other, message).with_next(advice::after_ledger_error(invocation, location, error))
    }
}
