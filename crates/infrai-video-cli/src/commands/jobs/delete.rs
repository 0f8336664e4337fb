use futures_util::TryStreamExt as _;
use infrai_video::retry::RetryPolicy;
use infrai_video::types::{DeleteAllResult, VideoJob};
use infrai_video::{API_KEY_VARIABLE, Error, ErrorKind, JobId};

use super::cancel::MAX_STATUS_TIME;
use super::{for_each, job_ids};
use crate::args::{DeleteAllArgs, DeleteArgs, credentials};
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::ledger::Item;
use crate::runner::LedgerSession;
use crate::signals::Signal;
use crate::text::count;
use crate::ui::{Consent, Reply, ask, ask_yes_or_no};

pub(crate) async fn some(ctx: &Context, args: &DeleteArgs) -> Result<(), Failure> {
    let ids = job_ids(ctx, &args.ids)?;
    let session = ctx.connect().await?;
    let mut signals = ctx.signals()?;
    if !args.yes {
        require_terminal(ctx)?;
        let what = if ids.len() == 1 { "job and its clip" } else { "jobs and their clips" };
        let question = format!("Permanently delete {} {what}?", ids.len());
        match ask_yes_or_no(&ctx.output, &question, &mut signals).await {
            Consent::Yes => {}
            Consent::No => return Err(not_confirmed(Exit::Other)),
            Consent::Interrupted(signal) => return Err(not_confirmed(signal.exit())),
        }
    }
    let ledger = LedgerSession::open(ctx).await;
    let result = tokio::select! {
        result = for_each(ctx, &ids, |id| delete(ctx, &session, &ledger, id)) => result,
        signal = signals.next() => Err(interrupted(ctx, signal)),
    };
    ledger.close().await;
    result
}

async fn delete(ctx: &Context, session: &Session, ledger: &LedgerSession, id: JobId) -> Result<(), Failure> {
    record_state(session, ledger, &id).await;
    let response = session.client.delete(&id).await;
    if response.as_ref().map_or_else(|error| error.kind() == ErrorKind::NotFound, |_| true) {
        ledger.job(id.as_str()).await.set_deleted().await;
    }
    let response = response.map_err(|error| Failure::of_job_call(&ctx.invocation, id.as_str(), &error))?;
    if ctx.output.json {
        return ctx.output.json(&*response);
    }
    ctx.output.status("deleted", &format!("job {id} and its clip"));
    ctx.output.line(id.as_str())
}

/// Records how a job has finished before it is deleted, unless the ledger has that, or does not know the job. Whether it is refunded
/// follows from it.
async fn record_state(session: &Session, ledger: &LedgerSession, id: &JobId) {
    let item = ledger.item_of_job(id.as_str()).await;
    if item.is_some_and(|item| !item.has_finished_job()) {
        let policy = RetryPolicy::default().with_max_elapsed(MAX_STATUS_TIME);
        if let Ok(job) = session.client.status(id).with_retry_policy(policy).await {
            ledger.set_charge_state(&job, false).await;
        }
    }
}

/// The same for all jobs. A state that cannot be read stays unknown.
async fn record_states(session: &Session, ledger: &LedgerSession, items: &[Item]) {
    let is_open = |job: &VideoJob| {
        let is_job = |item: &Item| item.job_id.as_deref() == Some(&job.job_id) && !item.has_finished_job();
        items.iter().any(is_job)
    };
    if items.iter().any(|item| item.job_id.is_some() && !item.has_finished_job()) {
        let mut jobs = std::pin::pin!(session.client.list().items());
        while let Ok(Some(job)) = jobs.try_next().await {
            if is_open(&job) {
                ledger.set_charge_state(&job, false).await;
            }
        }
    }
}

pub(crate) async fn all(ctx: &Context, args: &DeleteAllArgs) -> Result<(), Failure> {
    let session = ctx.connect().await?;
    let mut signals = ctx.signals()?;
    let failed = |error| Failure::of_call(&ctx.invocation, &error);
    if !args.yes {
        require_terminal(ctx)?;
        let jobs = tokio::select! {
            jobs = count_jobs(&session) => jobs.map_err(failed)?,
            signal = signals.next() => return Err(not_confirmed(signal.exit())),
        };
        if jobs == 0 {
            ctx.output.status("note", "the account has no jobs");
            return match ctx.output.json {
                true => {
                    let mut nothing = DeleteAllResult::default();
                    nothing.deleted = Some(0);
                    ctx.output.json(&nothing)
                }
                false => ctx.output.line("0"),
            };
        }
        match ask(&ctx.output, &question(ctx, jobs), &mut signals).await {
            Reply::Text(reply) if reply == jobs.to_string() => {}
            Reply::Text(_) => return Err(not_confirmed(Exit::Other)),
            Reply::Interrupted(signal) => return Err(not_confirmed(signal.exit())),
        }
    }
    let ledger = LedgerSession::open(ctx).await;
    // Items that another process begins later may be newer than the deletion.
    let items = ledger.items_without_clips().await;
    let result = tokio::select! {
        result = async {
            record_states(&session, &ledger, &items).await;
            session.client.delete_all().await
        } => result.map_err(failed)?,
        signal = signals.next() => return Err(interrupted(ctx, signal)),
    };
    ledger.set_deleted(items).await;
    ledger.close().await;
    if ctx.output.json {
        return ctx.output.json(&*result);
    }
    let deleted = result.deleted.unwrap_or_default();
    ctx.output.status("deleted", &count(usize::try_from(deleted).unwrap_or(usize::MAX), "job"));
    ctx.output.line(&deleted.to_string())
}

fn interrupted(ctx: &Context, signal: Signal) -> Failure {
    Failure::new(signal.exit(), "interrupted; some jobs may already be deleted")
        .next(ctx.invocation.command("list"))
}

/// The number of jobs of the account.
async fn count_jobs(session: &Session) -> Result<usize, Error> {
    session.client.list().items().try_fold(0, |number, _| std::future::ready(Ok(number + 1))).await
}

/// Identifies the account, and asks for a number that users do not type by habit.
fn question(ctx: &Context, jobs: usize) -> String {
    let key = match credentials::api_key_suffix() {
        Some(suffix) => format!("the API key ending in {suffix}"),
        None => format!("the API key in {API_KEY_VARIABLE}"),
    };
    let jobs_and_clips = match jobs {
        1 => "the only job of".to_owned(),
        jobs => format!("all {jobs} jobs of"),
    };
    format!(
        "Permanently delete {jobs_and_clips} {key} at {}, with {}? Type {jobs} to confirm, or anything else to stop:",
        ctx.invocation.base_url(),
        if jobs == 1 { "its clip" } else { "their clips" },
    )
}

fn require_terminal(ctx: &Context) -> Result<(), Failure> {
    if ctx.output.is_interactive {
        return Ok(());
    }
    let message = "not a terminal: add --yes to delete";
    Err(Failure::new(Exit::Usage, message).next(ctx.invocation.repeat_with("--yes")))
}

/// After a refusal there is nothing to do next.
fn not_confirmed(exit: Exit) -> Failure {
    Failure::new(exit, "nothing was deleted").with_label("stopped")
}
