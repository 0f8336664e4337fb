//! The result of a batch: what is printed, and the exit code.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::RunItems;
use super::pages::{ReportWriter, Totals, for_each, print_line, to_stdout};
use crate::args::PlanArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::advice::{self, MissingClips};
use crate::failure::{Failure, Setback};
use crate::ledger::{Item, Ledger, Stage};
use crate::runner::RunOutcome;
use crate::spending::{Budget, BudgetStop};
use crate::text::count;

/// Maximum number of items without a clip that are listed at the end. `batch status` lists all.
const MAX_LISTED: usize = 20;

/// The items of a batch after a run.
pub(super) struct Report<'a> {
    ctx: &'a Context,
    ledger: &'a Ledger,
    name: &'a str,
    items: &'a RunItems<'a>,
    outcome: RunOutcome,
    /// The saved items whose clips this run has not found, and why.
    missing: HashMap<String, String>,
    /// The ids of the items that this run gave up.
    given_up: HashSet<String>,
    /// The ids of the items that another process works on.
    elsewhere: HashSet<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        ctx: &'a Context,
        ledger: &'a Ledger,
        name: &'a str,
        items: &'a RunItems<'a>,
        outcome: RunOutcome,
    ) -> Self {
        let missing = |(item, setback): &'_ (Item, Setback)| match setback {
            Setback::Missing { why, .. } => Some((item.id.clone(), why.clone())),
            _ => None,
        };
        Self {
            missing: outcome.unfinished.iter().filter_map(missing).collect(),
            given_up: outcome.unfinished.iter().map(|(item, _)| item.id.clone()).collect(),
            elsewhere: outcome.elsewhere.iter().cloned().collect(),
            ctx,
            ledger,
            name,
            items,
            outcome,
        }
    }

    /// Calls `each` with each item, in the order of the plan.
    async fn for_each(&self, mut each: impl FnMut(&Item) -> Result<(), Failure>) -> Result<(), Failure> {
        for_each(self.ctx, self.ledger, self.items.ids(), |mut item| {
            if let Some(line) = self.items.line(&item.id) {
                item.line = i64::try_from(line.number).ok();
                item.name = line.name.as_deref().map(str::to_owned);
            }
            if let Some(why) = self.missing.get(&item.id).filter(|_| item.stage == Stage::Saved) {
                (item.stage, item.error) = (Stage::Missing, Some(why.clone()));
            }
            each(&item)
        })
        .await
    }

    /// Prints the report. Fails if items have no clip.
    pub(super) async fn conclude(mut self, options: &PlanArgs, budget: &Budget) -> Result<(), Failure> {
        let ctx = self.ctx;
        let (mut totals, mut without_clip, mut unknown) = (Totals::default(), Vec::new(), None);
        self.for_each(|item| {
            totals.add(item.stage, item.seconds, item.cost_usd);
            unknown = unknown.or(self.outcome_unknown(item));
            if self.has_no_clip(item) {
                without_clip.push(item.clone());
            }
            Ok(())
        })
        .await?;
        if let Some(path) = &options.report {
            self.write_report(path, &totals).await?;
        }
        self.print(&totals).await?;
        if let Some(failure) = self.outcome.stopped.take() {
            let exit = unknown.unwrap_or(failure.exit());
            return Err(failure.with_exit(exit));
        }
        let planned = totals.counts.planned;
        let over_budget = budget.stopped(planned);
        if let Some(excess) = budget.excess() {
            ctx.output.important("note", &excess);
        }
        if without_clip.is_empty() {
            if let Some(BudgetStop { message, remedy }) = over_budget {
                return Err(Failure::new(unknown.unwrap_or(Exit::Incomplete), message)
                    .next(advice::after_budget(&ctx.invocation, &options.spending.limit(), remedy)));
            }
            if planned > 0 {
                let rest = count(planned, "clip");
                let note =
                    format!("{rest} not started because of the limits; run the same command to start more");
                ctx.output.status("note", &note);
            }
            return self.outcome.after_save_failure().map_or(Ok(()), Err);
        }
        if let Some(stop) = over_budget {
            ctx.output.status("note", &stop.message);
        }
        // Items that this run gave up were reported then.
        for item in without_clip.iter().filter(|item| !self.given_up.contains(&item.id)).take(MAX_LISTED) {
            let why = match self.is_elsewhere(item) {
                true => "another process is working on it",
                false => item.error.as_deref().unwrap_or_default(),
            };
            ctx.output.status(item.stage.as_str(), &format!("{}  {why}", item.label()));
        }
        let verb = if without_clip.len() == 1 { "has" } else { "have" };
        let items = count(totals.counts.items, "item");
        let message = format!("{} of {items} {verb} no clip", without_clip.len());
        Err(Failure::new(unknown.unwrap_or(Exit::Incomplete), message).with_next(advice::after_batch(
            &ctx.invocation,
            self.name,
            &self.missing_clips(&without_clip),
        )))
    }

    /// The exit code for a request that may have been accepted. It takes precedence, since that request may have been charged.
    fn outcome_unknown(&self, item: &Item) -> Option<Exit> {
        let is_unknown = item.stage == Stage::Sent && !self.elsewhere.contains(&item.id);
        is_unknown.then_some(Exit::OutcomeUnknown)
    }

    fn has_no_clip(&self, item: &Item) -> bool {
        // Another process may have saved an item that this run gave up.
        ended_without_clip(item.stage)
            || item.stage != Stage::Saved && self.given_up.contains(&item.id)
            || self.is_elsewhere(item)
    }

    /// Whether another process works on the item.
    fn is_elsewhere(&self, item: &Item) -> bool {
        !item.stage.is_final() && self.elsewhere.contains(&item.id)
    }

    fn missing_clips(&self, without_clip: &[Item]) -> MissingClips {
        let has_missing = |expected: bool| {
            self.outcome.unfinished.iter().any(
                |(_, setback)| matches!(setback, Setback::Missing { job_gone, .. } if *job_gone == expected),
            )
        };
        let failed = without_clip.iter().filter(|item| matches!(item.stage, Stage::Failed | Stage::Refused));
        let (rejected, failed): (Vec<&Item>, Vec<&Item>) =
            failed.partition(|item| item.needs_another_request());
        MissingClips {
            plan: self.items.plan(),
            rejected_lines: rejected.iter().filter_map(|item| item.line).collect(),
            has_failed: !failed.is_empty(),
            has_lost_clips: has_missing(false),
            has_lost_jobs: has_missing(true),
            has_unfinished: without_clip.iter().any(|item| item.stage.is_in_progress()),
            dropped: without_clip
                .iter()
                .filter(|item| item.stage == Stage::Dropped)
                .take(MAX_LISTED)
                .map(|item| item.job_id.clone().unwrap_or_else(|| item.key.clone()))
                .collect(),
        }
    }

    async fn write_report(&self, path: &Path, totals: &Totals) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            let message = format!("the report cannot be written to {}: {error}", path.display());
            Failure::new(Exit::Other, message)
                .next("infrai-video batch status NAME --json  (prints the same)")
        };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        let write = |json: &str| file.write_all(json.as_bytes()).map_err(failed);
        let mut writer = ReportWriter::new(self.name, totals, true, write)?;
        self.for_each(|item| writer.item(item)).await?;
        writer.finish()?;
        file.flush().map_err(failed)
    }

    /// On stdout: the report with `--json`, totals on a terminal, a line for each item elsewhere.
    async fn print(&self, totals: &Totals) -> Result<(), Failure> {
        let output = &self.ctx.output;
        if output.json {
            let mut writer = ReportWriter::new(self.name, totals, false, to_stdout(self.ctx))?;
            self.for_each(|item| writer.item(item)).await?;
            return writer.finish();
        }
        match output.stdout_is_terminal && !output.quiet {
            true => output.table(&totals.table()),
            false => self.for_each(|item| print_line(self.ctx, item)).await,
        }
    }
}

pub(super) fn ended_without_clip(stage: Stage) -> bool {
    matches!(stage, Stage::Failed | Stage::Refused | Stage::Cancelled | Stage::Missing | Stage::Dropped)
}
