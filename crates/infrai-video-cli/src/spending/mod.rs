//! What a command is going to spend: estimates by the jobs of the ledger.

mod estimate;

use crate::context::Context;
use crate::ledger::{Location, PastJobs};

pub(crate) use self::estimate::Estimate;

/// The earlier jobs of the service. None if there is no ledger, or it cannot be used: the next step that needs it reports that.
pub(crate) async fn past_jobs(ctx: &Context) -> PastJobs {
    let location = ctx.ledger_location().unwrap_or(Location::None);
    if !location.exists() {
        return PastJobs::default();
    }
    let Ok(Some(ledger)) = ctx.open_ledger().await else { return PastJobs::default() };
    let past = ledger.past_jobs(&ctx.service()).await.unwrap_or_default();
    ledger.close().await;
    past
}
