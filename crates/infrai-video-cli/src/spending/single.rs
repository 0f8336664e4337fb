//! The charge of one request.

use super::budget::excess;
use super::consent::{ask, ask_above, ask_if_large};
use super::estimate::Estimate;
use crate::args::{ClipRequest, GenerateArgs, credentials};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::ledger::{Ledger, LedgerError, Location, PastJobs};
use crate::money::Usd;

/// What a request of `generate` is going to cost.
pub(crate) struct SingleCharge {
    /// `None` if it costs nothing: there is a job under its key, or it goes to a sandbox inside this process.
    estimate: Option<Estimate>,
    source: Source,
}

/// What the estimate is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Ledger,
    /// The ledger is locked or damaged.
    UnreadableLedger,
    /// Nothing is recorded.
    Nothing,
}

impl SingleCharge {
    /// A ledger that cannot be used has no jobs: the next step that needs it reports that.
    pub(crate) async fn of(ctx: &Context, args: &GenerateArgs, request: &ClipRequest) -> Self {
        let location = ctx.ledger_location().unwrap_or(Location::None);
        let unknown = |source| {
            let is_free = ctx.options.sandbox();
            Self { estimate: (!is_free).then(|| Estimate::of(request, &PastJobs::default())), source }
        };
        if location == Location::None {
            return unknown(Source::Nothing);
        }
        if !location.exists() {
            return unknown(Source::Ledger);
        }
        let Ok(Some(ledger)) = ctx.open_ledger().await else { return unknown(Source::UnreadableLedger) };
        let service = ctx.service();
        let past = ledger.past_jobs(&service).await;
        let has_job = has_job(&ledger, &service, args.idempotency_key.as_deref()).await;
        ledger.close().await;
        match (past, has_job) {
            (Ok(past), Ok(has_job)) => {
                Self { estimate: (!has_job).then(|| Estimate::of(request, &past)), source: Source::Ledger }
            }
            _ => unknown(Source::UnreadableLedger),
        }
    }

    pub(crate) fn show(&self, ctx: &Context) {
        let Some(estimate) = &self.estimate else { return };
        let lines = match self.source {
            Source::Ledger => estimate.lines(),
            Source::UnreadableLedger => vec!["not known: the ledger cannot be read".to_owned()],
            Source::Nothing => vec!["not known without a ledger".to_owned()],
        };
        let labels = std::iter::once("cost").chain(std::iter::repeat(""));
        labels.zip(lines).for_each(|(label, line)| ctx.output.status(label, &line));
    }

    /// Fails if the charge would exceed the budget.
    pub(crate) fn check_budget(&self, args: &GenerateArgs) -> Result<(), Failure> {
        match (self.estimate.as_ref().and_then(Estimate::highest), args.spending.max_usd) {
            (Some(cost), Some(max)) if cost > max => {
                let limit = args.spending.limit();
                let why = format!("this clip would cost about {cost} USD, and {limit} is {max}");
                Err(stopped(&why)
                    .next(format!("raise {limit} to {cost}, or make the clip shorter or smaller")))
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
                let unknown = format!(
                    "what this clip costs is not known, so that {} {max} may be exceeded",
                    spending.limit()
                );
                if ctx.output.is_interactive {
                    return ask(ctx, &unknown).await;
                }
                let then = match self.source {
                    Source::Nothing => "",
                    _ => ", and the ledger then knows what such clips cost",
                };
                let send = format!("{}  (sends it{then})", ctx.invocation.repeat_with("--yes"));
                Err(stopped(&unknown).next(send))
            }
            (None, None) => Ok(()),
        }
    }

    /// A charge that was higher than the budget, or large without a question, since it was not known before.
    pub(crate) fn surprise(&self, ctx: &Context, args: &GenerateArgs, charged: Usd) -> Option<String> {
        let (estimate, spending) = (self.estimate.as_ref()?, &args.spending);
        match spending.max_usd {
            Some(max) if charged > max => Some(excess(charged, &spending.limit(), max)),
            None if estimate.highest().is_none() && charged > ask_above(ctx) => {
                Some(format!("charged {charged} USD, which was not known before"))
            }
            _ => None,
        }
    }
}

/// Whether the ledger has a job of a key and of the API key in use, which is not charged again.
async fn has_job(ledger: &Ledger, service: &str, key: Option<&str>) -> Result<bool, LedgerError> {
    let Some(key) = key else { return Ok(false) };
    let item = ledger.find(service, key).await?;
    let account = credentials::api_key_fingerprint();
    Ok(item.is_some_and(|item| item.key == key && item.job_id.is_some() && item.account == account))
}

fn stopped(why: &str) -> Failure {
    Failure::new(Exit::Refused, format!("nothing was sent: {why}"))
}
