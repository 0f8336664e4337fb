use std::time::Duration;

use infrai_video::types::VideoJob;
use infrai_video::{Error, ErrorKind, Job, RetryPolicy, WaitError, WaitErrorKind};
use tokio::time::Instant;

use crate::app::App;
use crate::args::OnInterrupt;
use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::follow::until_over;
use crate::interrupt::{Signal, Signals};
use crate::progress::JobLine;
use crate::question::Answer;
use crate::record::Record;
use crate::session::Session;

/// How long a job may take to be over once it was cancelled.
const CANCEL_WAIT: Duration = Duration::from_secs(60);

/// What becomes of a wait that was interrupted.
pub(super) enum Left {
    /// The command ends, and shows the job as it was last read.
    Gone(Failure, Option<VideoJob>),
    /// The job had succeeded before it could be cancelled: its clip is there, and paid.
    Finished(VideoJob),
}

/// Leaves a wait that was interrupted: the job goes on unless it is to be cancelled. A second signal leaves at once.
pub(super) async fn leave(
    app: &App,
    session: &Session,
    job: &Job,
    wish: OnInterrupt,
    record: &mut Record,
    signal: Signal,
    signals: &mut Signals,
) -> Left {
    let cancels = match wish {
        // Whoever closes a terminal has not asked for the job to end.
        _ if signal == Signal::HangUp => false,
        OnInterrupt::Cancel => true,
        OnInterrupt::Detach => false,
        OnInterrupt::Ask if signal == Signal::Interrupt && app.screen.can_ask => {
            let question = format!("job {} still runs and is still billed: [d]etach or [c]ancel?", job.id());
            match app.screen.question(&question, signals).await {
                Answer::Given(answer) => answer.starts_with('c'),
                Answer::Interrupted(again) => return Left::Gone(detached(app, job, record, again), None),
            }
        }
        OnInterrupt::Ask => false,
    };
    if !cancels {
        return Left::Gone(detached(app, job, record, signal), None);
    }
    app.screen.say("cancelling", &format!("job {}", job.id()));
    tokio::select! {
        left = Box::pin(cancel(app, session, job, record, signal)) => left,
        again = signals.next() => {
            let message = format!("job {} was asked to end; whether it did was not seen", job.id());
            Left::Gone(Failure::new(again.exit(), message).instead(app.about_job("status", job.id())), None)
        }
    }
}

fn detached(app: &App, job: &Job, record: &Record, signal: Signal) -> Failure {
    let message = match app.global.sandbox() {
        true => format!("job {} ends with this command", job.id()),
        false => format!("job {} goes on and is billed", job.id()),
    };
    let next = match app.global.sandbox() {
        true => app.about_job("wait", job.id()),
        false => vec![record.go_on(app, job.id())],
    };
    Failure::new(signal.exit(), message).with_word("detached").instead(next)
}

/// Cancels the job, and looks what became of it: it may have been quicker, and a cancel may take its time.
async fn cancel(app: &App, session: &Session, job: &Job, record: &mut Record, signal: Signal) -> Left {
    let since = Instant::now();
    let policy = RetryPolicy::default().with_max_elapsed(CANCEL_WAIT);
    if let Err(error) = job.cancel().with_retry_policy(policy).await
        && !may_be_over(&error)
    {
        let message = format!("job {} goes on: it could not be cancelled: {}", job.id(), describe(&error));
        return Left::Gone(
            Failure::new(signal.exit(), message).instead(app.about_job("cancel", job.id())),
            None,
        );
    }
    let left = CANCEL_WAIT.saturating_sub(since.elapsed());
    let wait = session.wait(job).with_max_wait(left).with_poll_errors(CANCEL_WAIT);
    match until_over(wait, JobLine::new(&app.screen, None), record).await {
        Ok(finished) => {
            let message = format!("job {} had succeeded before it could be cancelled", job.id());
            app.screen.say("note", &message);
            Left::Finished(finished)
        }
        Err(error) => Left::Gone(ended(app, &error), error.last_job().cloned()),
    }
}

/// Whether a job may be over though its cancel failed.
fn may_be_over(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict || error.is_outcome_unknown()
}

fn ended(app: &App, error: &WaitError) -> Failure {
    let id = error.job_id();
    match error.kind() {
        WaitErrorKind::Cancelled => Failure::new(Exit::Cancelled, format!("job {id}"))
            .with_word("cancelled")
            .next(format!("{}  (if the clip is still wanted)", app.command("generate PROMPT"))),
        WaitErrorKind::TimedOut => {
            let state = error.last_job().map_or_else(|| "not over".to_owned(), |job| job.state.to_string());
            let message = format!("job {id} was asked to end and is still {state}; it may still be billed");
            Failure::new(Exit::StillRunning, message).instead(app.about_job("status", id))
        }
        _ => app.not_waited_for(error),
    }
}
