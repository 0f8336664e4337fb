//! What a run of many clips is going to cost.

use super::consent::{ask, ask_if_large};
use super::{Budget, Total};
use crate::args::{ClipRequest, SpendingArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Ledger, PastJobs};
use crate::money::Usd;
use crate::text::count;

/// What the clips of a run are going to cost.
pub(crate) struct Cost {
    past: PastJobs,
    total: Total,
}

impl Cost {
    pub(crate) async fn of(
        ctx: &Context,
        ledger: &Ledger,
        requests: impl Iterator<Item = ClipRequest>,
    ) -> Result<Self, Failure> {
        let past = ledger.past_jobs(&ctx.service()).await.map_err(|error| ctx.ledger_failed(&error))?;
        Ok(Self { total: Total::of(requests, &past), past })
    }

    pub(crate) fn show(&self, ctx: &Context) {
        if self.total.clips() > 0 {
            ctx.output.status("cost", &self.total.line());
        }
    }

    /// Asks before a large charge, and before several clips if not all of their costs are known. Returns the budget of the run.
    pub(crate) async fn approve(self, ctx: &Context, options: &SpendingArgs) -> Result<Budget, Failure> {
        self.show(ctx);
        let (total, max) = (&self.total, options.max_usd);
        let clips = count(total.clips(), "clip");
        if total.clips() > 1 && total.unknown() > 0 && ctx.output.is_interactive && !options.yes {
            let question = match max {
                Some(max) => {
                    format!("{}, so that {} {max} may be exceeded", total.unknown_fact(), options.limit())
                }
                None => total.unknown_fact(),
            };
            ask(ctx, &question).await?;
            // The user has accepted charges of unknown amount.
            return Ok(Budget::new(&SpendingArgs { yes: true, ..options.clone() }, self.past));
        }
        ask_if_large(ctx, options, total.highest().min(max.unwrap_or(Usd::MAX)), &clips).await?;
        Ok(Budget::new(options, self.past))
    }
}
