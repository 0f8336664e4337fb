use std::cell::RefCell;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use infrai_video::types::VideoJob;
use infrai_video::{ErrorKind, JobId, RetryPolicy};
use tokio::time::Instant;

use crate::app::App;
use crate::args::WaitArgs;
use crate::exit::Exit;
use crate::failure::{Failure, SANDBOX_ENDS};
use crate::follow::{GRACE, until_over};
use crate::interrupt::Signal;
use crate::progress::JobLine;
use crate::record::Record;
use crate::session::Session;
use crate::text::count;

/// How many jobs are asked about at the same time.
const AT_ONCE: usize = 64;

pub(super) async fn run(app: &App, args: &WaitArgs) -> Result<(), Failure> {
    let ids = app.ids(&args.ids)?;
    let session = app.session().await?;
    let mut signals = app.signals()?;
    let left = RefCell::new(ids.clone());
    let session = &session;
    // One line for each from the start, so that those whose turn has not come are counted too.
    let named = |id: &JobId| JobLine::new(&app.screen, (ids.len() > 1).then(|| id.as_str()));
    let lines: Vec<JobLine> = ids.iter().map(named).collect();
    let waits =
        stream::iter(ids.iter().zip(lines).enumerate())
            .map(|(index, (id, line))| async move {
                (index, id, Box::pin(one(app, args, session, id, line)).await)
            })
            .buffer_unordered(AT_ONCE);
    let all = waits.fold(Vec::new(), |mut failures, (index, id, ended)| {
        left.borrow_mut().retain(|other| other != id);
        if let Err(failure) = ended {
            failures.push((index, failure));
        }
        async { failures }
    });
    let mut failures = tokio::select! {
        failures = all => failures,
        signal = signals.next() => return Err(interrupted(app, &left.borrow(), signal)),
    };
    failures.sort_by_key(|(index, _)| *index);
    if ids.len() == 1 {
        return failures.pop().map_or(Ok(()), |(_, failure)| Err(failure));
    }
    let exit = Exit::of_all(failures.iter().map(|(_, failure)| failure.exit()));
    for (index, failure) in failures {
        app.screen.failure(&failure.about(ids[index].as_str()));
    }
    exit.map_or(Ok(()), |exit| Err(Failure::shown(exit)))
}

async fn one(
    app: &App,
    args: &WaitArgs,
    session: &Session,
    id: &JobId,
    line: JobLine,
) -> Result<(), Failure> {
    let since = Instant::now();
    let timeout = args.timeout.0.unwrap_or(Duration::MAX);
    // A wait gives a new job some time to become known. Here the job is an old one, and a wrong id should be told at once.
    let policy = RetryPolicy::default();
    let max_elapsed = policy.max_elapsed().min(timeout.saturating_add(GRACE));
    match session.client.status(id).with_retry_policy(policy.with_max_elapsed(max_elapsed)).await {
        Ok(job) if since.elapsed() >= timeout && !job.state.is_final() => {
            print(app, &job, false)?;
            return Err(app.still_running(id.as_str(), Some(&job), since.elapsed(), 1));
        }
        Err(error) if since.elapsed() >= timeout && error.kind() == ErrorKind::TimedOut => {
            return Err(app.still_running(id.as_str(), None, since.elapsed(), 1));
        }
        read => read.map_err(|error| app.failed_on(id.as_str(), &error))?,
    };
    let left = args.timeout.0.map(|timeout| timeout.saturating_sub(since.elapsed()));
    let wait = session.wait(&session.client.job(id.as_str())).with_max_wait(left);
    match until_over(wait, line, &mut Record::none()).await {
        Ok(job) => print(app, &job, true),
        Err(error) => {
            if let Some(job) = error.last_job() {
                print(app, job, false)?;
            }
            Err(app.not_waited_for(&error))
        }
    }
}

fn print(app: &App, job: &VideoJob, succeeded: bool) -> Result<(), Failure> {
    match (app.screen.json, app.screen.quiet) {
        (true, _) => app.screen.json(job),
        (_, true) if !succeeded => Ok(()),
        (_, true) => app.screen.line(&job.job_id),
        _ => app.screen.row(&[&job.job_id, job.state.as_str()]),
    }
}

fn interrupted(app: &App, left: &[JobId], signal: Signal) -> Failure {
    let ids: Vec<&str> = left.iter().map(JobId::as_str).collect();
    let next = match app.global.sandbox() {
        true => SANDBOX_ENDS.to_owned(),
        false => app.command(&format!("wait {}", ids.join(" "))),
    };
    Failure::new(
        signal.exit(),
        format!("{} not over yet; waiting can be taken up again", count(ids.len(), "job")),
    )
    .with_word("detached")
    .next(next)
}
