use std::time::Duration;

use infrai_video::retry::RetryPolicy;
use infrai_video::{ErrorKind, JobId};

use super::{for_each, job_ids};
use crate::args::CancelArgs;
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Facts, Failure, advice, describe};
use crate::runner::LedgerSession;

/// How long the state of a job may take to be read after its cancellation, or before its deletion.
pub(super) const MAX_STATUS_TIME: Duration = Duration::from_secs(15);

pub(crate) async fn run(ctx: &Context, args: &CancelArgs) -> Result<(), Failure> {
    let ids = job_ids(ctx, &args.ids)?;
    let session = ctx.connect().await?;
    let ledger = LedgerSession::open(ctx).await;
    let result = for_each(ctx, &ids, |id| cancel(ctx, &session, &ledger, id)).await;
    ledger.close().await;
    result
}

async fn cancel(ctx: &Context, session: &Session, ledger: &LedgerSession, id: JobId) -> Result<(), Failure> {
    let policy = RetryPolicy::default().with_max_elapsed(MAX_STATUS_TIME);
    if let Err(error) = session.client.cancel(&id).await {
        if error.kind() == ErrorKind::Conflict
            && let Ok(job) = session.client.status(&id).with_retry_policy(policy).await
        {
            // It has finished before.
            ledger.set_charge_state(&job, false).await;
        }
        return Err(Failure::of_job_call(&ctx.invocation, id.as_str(), &error));
    }
    // The job may have finished before the cancellation.
    let job =
        session.client.status(&id).with_retry_policy(policy).await.map_err(|error| {
            let message = format!(
                "cancellation of job {id} was requested, but its state could not be read: {}",
                describe(&error)
            );
            Failure::new(Exit::from(&error), message)
                .with_facts(Facts::from(&error))
                .with_next(advice::on_job(&ctx.invocation, "status", id.as_str()))
        })?;
    ledger.job(id.as_str()).await.set_job_state(&job).await;
    ctx.output.status("cancelled", &format!("job {id} is now {}", job.state));
    match (ctx.output.json, ctx.output.quiet) {
        (true, _) => ctx.output.json(&*job),
        (_, true) => ctx.output.line(&job.job_id),
        _ => ctx.output.row(&[&job.job_id, job.state.as_str()]),
    }
}
