//! The result of a batch: what is printed, and the exit code.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use crate::args::PlanArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::advice::{self, MissingClips};
use crate::failure::{Failure, Setback};
use crate::ledger::{Item, Stage};
use crate::plan::Line;
use crate::runner::RunOutcome;
use crate::schema::{BatchReport, Counts, billed_cost};
use crate::spending::{Budget, BudgetStop};
use crate::text::{count, usd};
use crate::ui::Table;

/// Maximum number of items without a clip that are listed at the end. `batch status` lists all.
const MAX_LISTED: usize = 20;

/// The stages in the totals, in this order.
const STAGES: [Stage; 9] = [
    Stage::Saved,
    Stage::Missing,
    Stage::Failed,
    Stage::Refused,
    Stage::Cancelled,
    Stage::Sent,
    Stage::Accepted,
    Stage::Fetched,
    Stage::Planned,
];

/// The items of a batch after a run.
pub(super) struct Report<'a> {
    name: &'a str,
    items: Vec<Item>,
    outcome: RunOutcome,
    /// The file with the plan, if there is one.
    plan: Option<String>,
}

impl<'a> Report<'a> {
    /// `ids` selects the items of the report, which get the numbers and names of `lines`.
    pub(super) fn new(
        name: &'a str,
        ids: &[String],
        items: Vec<Item>,
        lines: &[Line],
        outcome: RunOutcome,
    ) -> Self {
        let ids: HashSet<&String> = ids.iter().collect();
        let lines: HashMap<&str, &Line> = lines.iter().map(|line| (line.id.as_str(), line)).collect();
        let mut items: Vec<Item> = items.into_iter().filter(|item| ids.contains(&item.id)).collect();
        for item in &mut items {
            if let Some(line) = lines.get(item.id.as_str()) {
                (item.line, item.name) = (i64::try_from(line.number).ok(), line.name.clone());
            }
        }
        items.sort_by_key(|item| item.line);
        mark_missing(&mut items, &outcome);
        Self { name, items, outcome, plan: None }
    }

    /// Names the file with the plan in the advice.
    pub(super) fn with_plan(mut self, plan: Option<&Path>) -> Self {
        self.plan = plan.map(|path| match path.to_str() {
            Some("-") => "the plan".to_owned(),
            _ => path.display().to_string(),
        });
        self
    }

    /// Prints the report. Fails if items have no clip.
    pub(super) fn conclude(
        mut self,
        ctx: &Context,
        options: &PlanArgs,
        budget: &Budget,
    ) -> Result<(), Failure> {
        if let Some(path) = &options.report {
            write_report(path, &BatchReport::of(self.name, &self.items))?;
        }
        print(ctx, self.name, &self.items)?;
        let unknown = self.outcome_unknown();
        if let Some(failure) = self.outcome.stopped.take() {
            let exit = unknown.unwrap_or(failure.exit());
            return Err(failure.with_exit(exit));
        }
        let without_clip: Vec<&Item> = self.items.iter().filter(|item| self.has_no_clip(item)).collect();
        let planned = Counts::of(&self.items).planned;
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
        for item in without_clip.iter().filter(|item| !self.was_given_up(item)).take(MAX_LISTED) {
            let why = match self.is_elsewhere(item) {
                true => "another process is working on it",
                false => item.error.as_deref().unwrap_or_default(),
            };
            ctx.output.status(item.stage.as_str(), &format!("{}  {why}", item.label()));
        }
        let verb = if without_clip.len() == 1 { "has" } else { "have" };
        let message = format!("{} of {} {verb} no clip", without_clip.len(), count(self.items.len(), "item"));
        Err(Failure::new(unknown.unwrap_or(Exit::Incomplete), message).with_next(advice::after_batch(
            &ctx.invocation,
            self.name,
            &self.missing_clips(&without_clip),
        )))
    }

    /// The exit code for a request that may have been accepted. It takes precedence, since that request may have been charged.
    fn outcome_unknown(&self) -> Option<Exit> {
        let is_unknown =
            |item: &Item| item.stage == Stage::Sent && !self.outcome.elsewhere.contains(&item.id);
        self.items.iter().any(is_unknown).then_some(Exit::OutcomeUnknown)
    }

    fn has_no_clip(&self, item: &Item) -> bool {
        // Another process may have saved an item that this run gave up.
        ended_without_clip(item)
            || item.stage != Stage::Saved && self.was_given_up(item)
            || self.is_elsewhere(item)
    }

    fn was_given_up(&self, item: &Item) -> bool {
        self.outcome.unfinished.iter().any(|(unfinished, _)| unfinished.id == item.id)
    }

    /// Whether another process works on the item.
    fn is_elsewhere(&self, item: &Item) -> bool {
        !item.stage.is_final() && self.outcome.elsewhere.contains(&item.id)
    }

    fn missing_clips(&self, without_clip: &[&Item]) -> MissingClips {
        let has_missing = |expected: bool| {
            self.outcome.unfinished.iter().any(
                |(_, setback)| matches!(setback, Setback::Missing { job_gone, .. } if *job_gone == expected),
            )
        };
        let failed = without_clip.iter().filter(|item| matches!(item.stage, Stage::Failed | Stage::Refused));
        let (rejected, failed): (Vec<&Item>, Vec<&Item>) =
            failed.copied().partition(|item| item.needs_another_request());
        MissingClips {
            plan: self.plan.clone(),
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
}

pub(super) fn ended_without_clip(item: &Item) -> bool {
    matches!(item.stage, Stage::Failed | Stage::Refused | Stage::Cancelled | Stage::Missing | Stage::Dropped)
}

/// Marks saved items whose clips this run has not found.
fn mark_missing(items: &mut [Item], outcome: &RunOutcome) {
    let missing = |(item, setback): &'_ (Item, Setback)| match setback {
        Setback::Missing { why, .. } => Some((item.id.clone(), why.clone())),
        _ => None,
    };
    let missing: HashMap<String, String> = outcome.unfinished.iter().filter_map(missing).collect();
    for item in items.iter_mut().filter(|item| item.stage == Stage::Saved) {
        if let Some(why) = missing.get(&item.id) {
            (item.stage, item.error) = (Stage::Missing, Some(why.clone()));
        }
    }
}

/// Prints a batch on stdout: its report with `--json`, totals on a terminal, a line for each item elsewhere.
pub(super) fn print(ctx: &Context, name: &str, items: &[Item]) -> Result<(), Failure> {
    let output = &ctx.output;
    if output.json {
        return output.json(&BatchReport::of(name, items));
    }
    if output.quiet {
        let saved = items.iter().filter(|item| item.stage == Stage::Saved);
        return saved.filter_map(|item| item.path.as_ref()).try_for_each(|path| output.line(path));
    }
    if !output.stdout_is_terminal {
        return rows(items).iter().try_for_each(|row| output.row(&row.each_ref().map(String::as_str)));
    }
    let totals = |stage: Stage| {
        let items: Vec<&Item> = items.iter().filter(|item| item.stage == stage).collect();
        let seconds = sum(items.iter().map(|item| item.seconds));
        let cost = sum(items.iter().map(|item| billed_cost(item)));
        let row = || vec![stage.to_string(), items.len().to_string(), seconds.to_string(), usd(cost)];
        (!items.is_empty()).then(row)
    };
    let table: Vec<Vec<String>> = STAGES.into_iter().filter_map(totals).collect();
    output.table(&Table::new(&["STATE", "CLIPS", "SECONDS", "USD"], table, 0))
}

/// The sum of an empty iterator is 0, not -0.
pub(super) fn sum(numbers: impl Iterator<Item = Option<f64>>) -> f64 {
    numbers.flatten().fold(0.0, |sum, number| sum + number)
}

/// Name, state, and path or reason.
pub(super) fn rows(items: &[Item]) -> Vec<[String; 3]> {
    let last = |item: &Item| match item.stage {
        Stage::Saved => item.path.clone(),
        _ => item.error.clone().or_else(|| item.job_id.clone()),
    };
    items.iter().map(|item| [item.label(), item.stage.to_string(), last(item).unwrap_or_default()]).collect()
}

fn write_report(path: &Path, report: &BatchReport) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report).map_err(std::io::Error::from);
    let written = json.and_then(|json| fs::write(path, json + "\n"));
    written.map_err(|error| {
        Failure::new(Exit::Other, format!("the report cannot be written to {}: {error}", path.display()))
            .next("infrai-video batch status NAME --json  (prints the same)")
    })
}
