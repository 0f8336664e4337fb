//! Unfinished items that this run of `resume` does not process: at other services, and in the default ledger if another one is in
//! use.

use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Ledger, Location};
use crate::text::{count, option};

/// Reports unfinished items elsewhere, with the command that finishes them. Returns whether there are any.
pub(super) async fn report(ctx: &Context, ledger: &Ledger) -> Result<bool, Failure> {
    let unfinished = ledger.unfinished_at_other_services(&ctx.service()).await;
    let unfinished = unfinished.map_err(|error| ctx.ledger_failed(&error))?;
    for (service, number) in &unfinished {
        let number = count(usize::try_from(*number).unwrap_or_default(), "clip");
        let resume = ctx.invocation.command_at(service, "resume");
        ctx.output.status("note", &format!("{number} unfinished at {service}: {resume}"));
    }
    Ok(in_default_ledger(ctx).await || !unfinished.is_empty())
}

/// A default ledger that cannot be used is ignored.
async fn in_default_ledger(ctx: &Context) -> bool {
    let in_use = ctx.ledger_location();
    let Ok(default) = Location::default_file() else { return false };
    if !default.exists() || in_use.is_ok_and(|in_use| in_use == default) {
        return false;
    }
    let Ok(ledger) = Ledger::open(&default, || ()).await else { return false };
    // No service has an empty name.
    let unfinished = ledger.unfinished_at_other_services("").await.unwrap_or_default();
    ledger.close().await;
    for (service, number) in &unfinished {
        let number = count(usize::try_from(*number).unwrap_or_default(), "clip");
        let (base_url, path) = (option("--base-url", service), option("--ledger", &default.to_string()));
        let profile = ctx.invocation.profile_option();
        let resume = format!("infrai-video {profile}{base_url} {path} resume");
        ctx.output.status("note", &format!("{number} unfinished in the ledger {default}: {resume}"));
    }
    !unfinished.is_empty()
}
