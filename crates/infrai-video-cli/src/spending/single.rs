//! The charge of one request.

use super::consent::{ask, ask_if_large};
use super::estimate::Estimate;
use crate::args::{ClipRequest, GenerateArgs};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::ledger::{Ledger, LedgerError, Location, PastJobs};

/// What a request of `generate` is going to cost.
pub(crate) struct SingleCharge {
    /// `None` if it costs nothing: there is a job under its key, or it goes to a sandbox inside this process.
    estimate: Option<Estimate>,
    /// Whether the request is recorded.
    has_ledger: bool,
}

impl SingleCharge {
    /// A ledger that cannot be used has no jobs: the next step that needs it reports that.
    pub(crate) async fn of(ctx: &Context, args: &GenerateArgs, request: &ClipRequest) -> Self {
        let location = ctx.ledger_location().unwrap_or(Location::None);
        let has_ledger = location != Location::None;
        let ledger = match location.exists() {
            true => ctx.open_ledger().await.ok().flatten(),
            false => None,
        };
        let Some(ledger) = ledger else {
            let is_free = ctx.options.sandbox();
            let estimate = (!is_free).then(|| Estimate::of(request, &PastJobs::default()));
            return Self { estimate, has_ledger };
        };
        let service = ctx.service();
        let past = ledger.past_jobs(&service).await.unwrap_or_default();
        let has_job = has_job(&ledger, &service, args.idempotency_key.as_deref()).await.unwrap_or_default();
        ledger.close().await;
        Self { estimate: (!has_job).then(|| Estimate::of(request, &past)), has_ledger }
    }

    pub(crate) fn show(&self, ctx: &Context) {
        let Some(estimate) = &self.estimate else { return };
        let lines = match self.has_ledger {
            true => estimate.lines(),
            false => vec!["not known without a ledger".to_owned()],
        };
        let labels = std::iter::once("cost").chain(std::iter::repeat(""));
        labels.zip(lines).for_each(|(label, line)| ctx.output.status(label, &line));
    }

    /// Fails if the charge would exceed the budget.
    pub(crate) fn check_budget(&self, args: &GenerateArgs) -> Result<(), Failure> {
        match (self.estimate.as_ref().and_then(Estimate::highest), args.spending.max_usd) {
            (Some(cost), Some(max)) if cost > max => {
                let why = format!("this clip would cost about {cost} USD, and --max-usd is {max}");
                Err(stopped(&why)
                    .next(format!("raise --max-usd to {cost}, or make the clip shorter or smaller")))
            }
            _ => Ok(()),
        }
    }

    /// Asks before a large charge, and before one of unknown cost if there is a budget.
    pub(crate) async fn approve(&self, ctx: &Context, args: &GenerateArgs) -> Result<(), Failure> {
        let Some(estimate) = &self.estimate else { return Ok(()) };
        let spending = &args.spending;
        match (estimate.highest(), spending.max_usd) {
            (Some(cost), _) => ask_if_large(ctx, spending, cost, "this clip").await,
            (None, Some(_)) if spending.yes => Ok(()),
            (None, Some(max)) => {
                let unknown =
                    format!("what this clip costs is not known, so that --max-usd {max} may be exceeded");
                if ctx.output.is_interactive {
                    return ask(ctx, &unknown).await;
                }
                let then =
                    if self.has_ledger { ", and the ledger then knows what such clips cost" } else { "" };
                let send = format!("{}  (sends it{then})", ctx.invocation.repeat_with("--yes"));
                Err(stopped(&unknown).next(send))
            }
            (None, None) => Ok(()),
        }
    }
}

/// Whether the ledger has a job of a key, which is not charged again.
async fn has_job(ledger: &Ledger, service: &str, key: Option<&str>) -> Result<bool, LedgerError> {
    let Some(key) = key else { return Ok(false) };
    let item = ledger.find(service, key).await?;
    Ok(item.is_some_and(|item| item.key == key && item.job_id.is_some()))
}

fn stopped(why: &str) -> Failure {
    Failure::new(Exit::Refused, format!("nothing was sent: {why}"))
}
