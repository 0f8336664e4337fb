use std::collections::{BTreeSet, HashMap};

use super::pages::{ReportWriter, Totals, for_each, print_line, row, to_stdout};
use super::unknown_batch;
use crate::args::StatusArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Failure, advice};
use crate::ledger::{Item, Ledger, Stage};
use crate::runner::ClipCheck;
use crate::text::count;
use crate::ui::Table;

const HEADINGS: [&str; 6] = ["BATCH", "ITEMS", "SAVED", "IN PROGRESS", "PLANNED", "WITHOUT"];

pub(super) async fn run(ctx: &Context, args: &StatusArgs) -> Result<(), Failure> {
    let ledger = ctx.require_ledger().await?;
    let check = ClipCheck::new(&ledger, args.verify);
    let output = &ctx.output;
    if let Some(name) = &args.name {
        let batch = Batch::read(ctx, &ledger, name).await?;
        if batch.ids.is_empty() {
            return Err(unknown_batch(ctx, name));
        }
        let mut rows = Vec::new();
        let is_table = output.stdout_is_terminal && !output.quiet;
        let checked = batch.check(&check, |item| match (output.json, is_table) {
            (true, _) => Ok(()),
            (false, true) => {
                rows.push(Vec::from(row(item)));
                Ok(())
            }
            (false, false) => print_line(ctx, item),
        });
        let checked = checked.await?;
        if output.json {
            batch.print_json(&checked).await?;
        } else if is_table {
            output.table(&Table::new(&["ITEM", "STATE", "CLIP OR REASON"], rows, 2))?;
        }
        return check_missing(ctx, checked.missing.len());
    }
    let batches = ledger.batches(&ctx.service()).await.map_err(|error| ctx.ledger_failed(&error))?;
    let names: BTreeSet<String> = batches.into_iter().map(|(name, ..)| name).collect();
    let (mut rows, mut missing) = (Vec::new(), 0);
    for name in names {
        let batch = Batch::read(ctx, &ledger, &name).await?;
        let checked = batch.check(&check, |_| Ok(())).await?;
        missing += checked.missing.len();
        if output.json {
            batch.print_json(&checked).await?;
            continue;
        }
        let counts = checked.totals.counts;
        let without = counts.missing + counts.failed + counts.cancelled;
        let numbers = [counts.items, counts.saved, counts.in_progress, counts.planned, without];
        rows.push(std::iter::once(name).chain(numbers.map(|number| number.to_string())).collect());
    }
    if output.json {
        return check_missing(ctx, missing);
    }
    match rows.is_empty() {
        true => output.status("note", "the ledger has no batches"),
        false => output.table(&Table::new(&HEADINGS, rows, 0))?,
    }
    check_missing(ctx, missing)
}

/// A batch whose items are read in pages.
struct Batch<'a> {
    ctx: &'a Context,
    ledger: &'a Ledger,
    name: &'a str,
    /// In the order of its plan.
    ids: Vec<Box<str>>,
}

/// The result of a check of all clips.
struct Checked {
    totals: Totals,
    /// Why clips are missing, by the ids of their items.
    missing: HashMap<String, Option<String>>,
}

impl<'a> Batch<'a> {
    async fn read(ctx: &'a Context, ledger: &'a Ledger, name: &'a str) -> Result<Self, Failure> {
        let items = ledger.recorded(&ctx.service(), name).await.map_err(|error| ctx.ledger_failed(&error))?;
        Ok(Self { ctx, ledger, name, ids: items.into_iter().map(|(id, _)| id).collect() })
    }

    async fn for_each(&self, each: impl FnMut(Item) -> Result<(), Failure>) -> Result<(), Failure> {
        for_each(self.ctx, self.ledger, self.ids.iter().map(|id| &**id), each).await
    }

    /// Checks the clips of saved items, and calls `each` with each item.
    async fn check(
        &self,
        check: &ClipCheck,
        mut each: impl FnMut(&Item) -> Result<(), Failure>,
    ) -> Result<Checked, Failure> {
        let (mut totals, mut missing) = (Totals::default(), HashMap::new());
        self.for_each(|mut item| {
            check.mark(std::slice::from_mut(&mut item));
            totals.add(item.stage, item.seconds, item.cost_usd);
            if item.stage == Stage::Missing {
                missing.insert(item.id.clone(), item.error.clone());
            }
            each(&item)
        })
        .await?;
        Ok(Checked { totals, missing })
    }

    async fn print_json(&self, checked: &Checked) -> Result<(), Failure> {
        let mut writer = ReportWriter::new(self.name, &checked.totals, false, to_stdout(self.ctx))?;
        self.for_each(|mut item| {
            if item.stage == Stage::Saved {
                item.error = None;
            }
            if let Some(why) = checked.missing.get(&item.id) {
                (item.stage, item.error) = (Stage::Missing, why.clone());
            }
            writer.item(&item)
        })
        .await?;
        writer.finish()
    }
}

/// Fails if saved clips no longer exist.
fn check_missing(ctx: &Context, missing: usize) -> Result<(), Failure> {
    if missing == 0 {
        return Ok(());
    }
    let verb = if missing == 1 { "exists" } else { "exist" };
    let message = format!("{} no longer {verb}", count(missing, "saved clip"));
    let run = format!("{}  (downloads them again, at no charge)", advice::run_plan(&ctx.invocation));
    Err(Failure::new(Exit::Incomplete, message).next(run))
}
