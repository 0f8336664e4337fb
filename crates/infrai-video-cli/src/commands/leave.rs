use infrai_video::{Job, JobState};

use crate::app::App;
use crate::args::OnInterrupt;
use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::interrupt::{Signal, Signals};

/// Leaves a wait that was interrupted: the job goes on unless it is to be cancelled. A second signal leaves at once.
pub(super) async fn leave(
    app: &App,
    job: &Job,
    wish: OnInterrupt,
    signal: Signal,
    signals: &mut Signals,
) -> Failure {
    let cancel = match wish {
        OnInterrupt::Cancel => true,
        OnInterrupt::Detach => false,
        OnInterrupt::Ask if signal == Signal::Interrupt && app.screen.can_ask => {
            let question = format!("job {} still runs and is still billed: [d]etach or [c]ancel?", job.id());
            let screen = app.screen.clone();
            let answer = tokio::task::spawn_blocking(move || screen.ask(&question));
            tokio::select! {
                answer = answer => matches!(answer, Ok(Ok(answer)) if answer.starts_with('c')),
                again = signals.next() => {
                    app.screen.end_line();
                    return detached(app, job, again);
                }
            }
        }
        OnInterrupt::Ask => false,
    };
    if !cancel {
        return detached(app, job, signal);
    }
    tokio::select! {
        failure = cancelled(app, job, signal) => failure,
        again = signals.next() => detached(app, job, again),
    }
}

fn detached(app: &App, job: &Job, signal: Signal) -> Failure {
    let message = match app.global.sandbox() {
        true => format!("job {} ends with this command", job.id()),
        false => format!("job {} goes on and is billed", job.id()),
    };
    Failure::new(signal.exit(), message).with_word("detached").instead(app.about_job("wait", job.id()))
}

async fn cancelled(app: &App, job: &Job, signal: Signal) -> Failure {
    let id = job.id();
    if let Err(error) = job.cancel().await {
        let message = format!("job {id} could not be cancelled: {}", describe(&error));
        return Failure::new(signal.exit(), message).instead(app.about_job("status", id));
    }
    // The job may have been quicker.
    match job.status().await {
        Ok(read) if read.state == JobState::Succeeded => {
            Failure::new(signal.exit(), format!("job {id} had succeeded before it could be cancelled"))
                .instead(app.about_job("download", id))
        }
        _ => Failure::new(Exit::Cancelled, format!("job {id}"))
            .with_word("cancelled")
            .next(format!("{}  (if the clip is still wanted)", app.command("generate PROMPT"))),
    }
}
