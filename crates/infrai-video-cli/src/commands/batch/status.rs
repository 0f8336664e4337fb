use std::collections::BTreeSet;

use super::report::{print, rows};
use super::{items_of_batch, unknown_batch};
use crate::args::StatusArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Failure, advice};
use crate::ledger::{Item, Stage};
use crate::runner::ClipCheck;
use crate::schema::{BatchReport, Counts};
use crate::text::count;
use crate::ui::Table;

const HEADINGS: [&str; 6] = ["BATCH", "ITEMS", "SAVED", "IN PROGRESS", "PLANNED", "WITHOUT"];

pub(super) async fn run(ctx: &Context, args: &StatusArgs) -> Result<(), Failure> {
    let ledger = ctx.require_ledger().await?;
    let check = ClipCheck::new(&ledger, args.verify);
    let output = &ctx.output;
    if let Some(name) = &args.name {
        let mut items = items_of_batch(ctx, &ledger, name).await?;
        check.mark(&mut items);
        if items.is_empty() {
            return Err(unknown_batch(ctx, name));
        }
        if output.json || output.quiet || !output.stdout_is_terminal {
            print(ctx, name, &items)?;
        } else {
            let rows: Vec<Vec<String>> = rows(&items).into_iter().map(Vec::from).collect();
            output.table(&Table::new(&["ITEM", "STATE", "CLIP OR REASON"], rows, 2))?;
        }
        return check_missing(ctx, count_missing(&items));
    }
    let batches = ledger.batches(&ctx.service()).await.map_err(|error| ctx.ledger_failed(&error))?;
    let names: BTreeSet<String> = batches.into_iter().map(|(name, ..)| name).collect();
    let (mut rows, mut missing) = (Vec::new(), 0);
    for name in names {
        let mut items = items_of_batch(ctx, &ledger, &name).await?;
        check.mark(&mut items);
        missing += count_missing(&items);
        if output.json {
            output.json(&BatchReport::of(&name, &items))?;
            continue;
        }
        let counts = Counts::of(&items);
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

fn count_missing(items: &[Item]) -> usize {
    items.iter().filter(|item| item.stage == Stage::Missing).count()
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
