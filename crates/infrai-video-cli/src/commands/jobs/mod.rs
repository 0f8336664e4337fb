//! Commands on existing jobs.

pub(super) mod cancel;
pub(super) mod delete;
pub(super) mod download;
pub(super) mod download_url;
mod known_jobs;
pub(super) mod list;
pub(super) mod set_retention;
pub(super) mod show;
pub(super) mod wait;

use std::future::Future;

use infrai_video::{Error, JobId};

use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Facts, Failure};

/// Validates an id before anything is sent.
fn job_id(ctx: &Context, id: &str) -> Result<JobId, Failure> {
    if id != id.trim() {
        let message = format!("the job id {id:?} starts or ends with white space");
        return Err(Failure::new(Exit::Refused, message)
            .next("pass the id without the space, as generate or list printed it"));
    }
    id.parse().map_err(|error: Error| Failure::of_call(&ctx.invocation, &error))
}

/// Validates all ids before anything is sent.
fn job_ids(ctx: &Context, ids: &[String]) -> Result<Vec<JobId>, Failure> {
    ids.iter().map(|id| job_id(ctx, id)).collect()
}

/// Runs an operation for one job after the other. A failure does not stop the others.
async fn for_each<F>(
    ctx: &Context,
    ids: &[JobId],
    mut operation: impl FnMut(JobId) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    if let [id] = ids {
        let result = operation(id.clone()).await;
        return result.map_err(|failure| failure.with_facts(Facts::of_job(id.as_str())));
    }
    let mut exits = Vec::new();
    for id in ids {
        if let Err(failure) = operation(id.clone()).await {
            let failure = failure.with_facts(Facts::of_job(id.as_str())).naming_job(id.as_str());
            ctx.output.failure(&failure);
            exits.push(failure.exit());
        }
    }
    Exit::of_all(exits).map_or(Ok(()), |exit| Err(Failure::printed(exit)))
}
