use std::cell::RefCell;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use infrai_video::retry::RetryPolicy;
use infrai_video::types::VideoJob;
use infrai_video::{ErrorKind, JobId};
use tokio::time::Instant;

use super::job_ids;
use crate::args::WaitArgs;
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Failure, advice};
use crate::runner::{self, GRACE, LedgerSession, Recorder};
use crate::signals::Signal;
use crate::text::count;
use crate::ui::JobProgress;

/// Maximum number of jobs that are polled at the same time.
const CONCURRENCY: usize = 64;

pub(crate) async fn run(ctx: &Context, args: &WaitArgs) -> Result<(), Failure> {
    let ids = job_ids(ctx, &args.ids)?;
    let session = ctx.connect().await?;
    let ledger = LedgerSession::open(ctx).await;
    let result = Wait { ctx, args, session: &session, ledger: &ledger }.run(&ids).await;
    ledger.close().await;
    result
}

/// One run of `wait`.
struct Wait<'a> {
    ctx: &'a Context,
    args: &'a WaitArgs,
    session: &'a Session,
    ledger: &'a LedgerSession,
}

impl Wait<'_> {
    async fn run(&self, ids: &[JobId]) -> Result<(), Failure> {
        let ctx = self.ctx;
        let mut signals = ctx.signals()?;
        let unfinished = RefCell::new(ids.to_vec());
        // Each job has a line from the start, so that jobs that are not polled yet are counted too.
        let forecast = self.ledger.forecast(&ids.iter().map(JobId::as_str).collect::<Vec<_>>()).await;
        let progress = |id: &JobId| {
            let id = id.as_str();
            JobProgress::new(&ctx.output, (ids.len() > 1).then_some(id), forecast.of_job(id))
        };
        let progress: Vec<JobProgress> = ids.iter().map(progress).collect();
        let waits = stream::iter(ids.iter().zip(progress).enumerate())
            .map(
                |(index, (id, progress))| async move { (index, id, Box::pin(self.wait(id, progress)).await) },
            )
            .buffer_unordered(CONCURRENCY);
        let all = waits.fold(Vec::new(), |mut failures, (index, id, result)| {
            unfinished.borrow_mut().retain(|other| other != id);
            if let Err(failure) = result {
                failures.push((index, failure));
            }
            async { failures }
        });
        let mut failures = tokio::select! {
            failures = all => failures,
            signal = signals.next() => return Err(interrupted(ctx, &unfinished.borrow(), signal)),
        };
        failures.sort_by_key(|(index, _)| *index);
        if ids.len() == 1 {
            return failures.pop().map_or(Ok(()), |(_, failure)| Err(failure));
        }
        let exit = Exit::of_all(failures.iter().map(|(_, failure)| failure.exit()));
        for (index, failure) in failures {
            ctx.output.failure(&failure.naming_job(ids[index].as_str()));
        }
        exit.map_or(Ok(()), |exit| Err(Failure::printed(exit)))
    }

    async fn wait(&self, id: &JobId, progress: JobProgress) -> Result<(), Failure> {
        let (ctx, session) = (self.ctx, self.session);
        let (since, invocation) = (Instant::now(), &ctx.invocation);
        let timeout = self.args.timeout.0.unwrap_or(Duration::MAX);
        // A wait tolerates that a new job is not known yet. This job is an old one, so that an unknown id is reported at once.
        let policy = RetryPolicy::default();
        let max_elapsed = policy.max_elapsed().min(timeout.saturating_add(GRACE));
        let policy = policy.with_max_elapsed(max_elapsed);
        let first = match session.client.status(id).with_retry_policy(policy).await {
            Ok(job) if since.elapsed() >= timeout && !job.state.is_final() => {
                print(ctx, &job)?;
                return Err(Failure::still_running(invocation, id.as_str(), Some(&job), since.elapsed(), 1));
            }
            Err(error) if since.elapsed() >= timeout && error.kind() == ErrorKind::TimedOut => {
                return Err(Failure::still_running(invocation, id.as_str(), None, since.elapsed(), 1));
            }
            read => read.map_err(|error| Failure::of_job_call(invocation, id.as_str(), &error))?,
        };
        let left = self.args.timeout.0.map(|timeout| timeout.saturating_sub(since.elapsed()));
        let wait = session.wait(&session.client.job(id.as_str())).with_max_wait(left);
        let result = runner::wait(wait, progress, &mut Recorder::none()).await;
        let last = result.as_ref().map_or_else(|error| error.last_job(), Some);
        if let Some(job) = last {
            self.ledger.set_charge_state(job, !first.state.is_final()).await;
        }
        match result {
            Ok(job) if ctx.output.quiet => ctx.output.line(&job.job_id),
            Ok(job) => print(ctx, &job),
            Err(error) => {
                if let Some(job) = error.last_job() {
                    print(ctx, job)?;
                }
                Err(Failure::of_wait(invocation, &error))
            }
        }
    }
}

/// Prints the job, unless only successful jobs are printed.
fn print(ctx: &Context, job: &VideoJob) -> Result<(), Failure> {
    match (ctx.output.json, ctx.output.quiet) {
        (true, _) => ctx.output.json(job),
        (_, true) => Ok(()),
        _ => ctx.output.row(&[&job.job_id, job.state.as_str()]),
    }
}

fn interrupted(ctx: &Context, unfinished: &[JobId], signal: Signal) -> Failure {
    let ids: Vec<&str> = unfinished.iter().map(JobId::as_str).collect();
    let message = format!("{} not finished; waiting again costs nothing", count(ids.len(), "job"));
    Failure::new(signal.exit(), message)
        .with_label("detached")
        .with_next(advice::wait_for_jobs(&ctx.invocation, &ids))
}
