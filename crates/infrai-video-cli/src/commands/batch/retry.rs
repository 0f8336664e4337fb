use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::directory_of_retry;
use super::{BatchRun, RunItems, items_of_batch, open_ledger, output_directory, unknown_batch};
use crate::args::RetryArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Failure, advice};
use crate::ledger::{Destination, Item, LeasedItem, Ledger, Selection, Stage};
use crate::runner::{ClipCheck, IfJobGone, ItemSource, check_download};
use crate::spending::Cost;
use crate::text::count;

pub(super) async fn run(ctx: &Context, args: &RetryArgs) -> Result<(), Failure> {
    let ledger = open_ledger(ctx, &args.options).await?;
    let result = Box::pin(with_ledger(ctx, args, &ledger)).await;
    ledger.close().await;
    result
}

async fn with_ledger(ctx: &Context, args: &RetryArgs, ledger: &Arc<Ledger>) -> Result<(), Failure> {
    let name = name(ctx, args, ledger).await?;
    let mut items = items_of_batch(ctx, ledger, &name).await?;
    ClipCheck::new(ledger, args.options.verify).mark(&mut items);
    if items.is_empty() {
        return Err(unknown_batch(ctx, &name));
    }
    let session = ctx.connect().await?;
    // Paid clips are downloaded again whichever items are retried.
    let (missing, items): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| item.stage == Stage::Missing);
    let wanted: Vec<Item> = items.into_iter().filter(|item| is_wanted(args, item)).collect();
    if wanted.is_empty() && missing.is_empty() {
        ctx.output.status("note", &format!("batch {name} has nothing to retry"));
        return Ok(());
    }
    let wanted = within_limits(args, wanted);
    // A missing clip is requested again if its job is gone.
    let charged = missing.iter().filter(|_| args.missing).chain(&wanted);
    let requests = charged.filter_map(|item| item.clip_request().ok());
    let cost = Cost::of(ctx, ledger, requests).await?;
    let budget = cost.approve(ctx, &args.options.spending).await?;
    let directory = directory_of_retry(args.options.output.as_deref())?;
    let directory = directory.map(|output| output_directory(Some(&output), &name)).transpose()?;
    for item in &wanted {
        if let Some(path) = new_path(item, directory.as_deref()) {
            output_directory(path.parent(), "")?;
            check_download(&path, item.replace || args.options.force)?;
        }
    }
    for item in missing.iter().chain(&wanted) {
        retry(ctx, args, ledger, item, directory.as_deref()).await?;
    }
    if !missing.is_empty() {
        let number = count(missing.len(), "missing clip");
        let if_gone = if args.missing { ", or requested again and charged if the job is gone" } else { "" };
        ctx.output.status("note", &format!("{number}: downloaded again at no charge{if_gone}"));
    }
    if !wanted.is_empty() {
        let number = count(wanted.len(), "item");
        ctx.output.status("note", &format!("{number} requested again under new keys"));
    }
    let mut items: Vec<Item> = missing.into_iter().chain(wanted).collect();
    let source = ItemSource::of_ids(items.iter().map(|item| item.id.clone()));
    items.sort_by_key(|item| item.line);
    let run = BatchRun {
        name: &name,
        options: &args.options,
        source,
        items: RunItems::Ids(items.into_iter().map(|item| item.id).collect()),
        finished_before: 0,
        if_job_gone: if args.missing { IfJobGone::RequestAgain } else { IfJobGone::Leave },
        budget,
    };
    run.run(ctx, &session, ledger).await
}

async fn name(ctx: &Context, args: &RetryArgs, ledger: &Ledger) -> Result<String, Failure> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let batches = ledger.batches(&ctx.service()).await.map_err(|error| ctx.ledger_failed(&error))?;
    let mut names: Vec<String> = batches.into_iter().map(|(name, ..)| name).collect();
    names.dedup();
    <[String; 1]>::try_from(names).map(|[name]| name).map_err(|names| {
        let (message, next) = match names.len() {
            0 => ("the ledger has no batches".to_owned(), advice::run_plan(&ctx.invocation)),
            number => {
                let list = ctx.invocation.command("batch status");
                (format!("the ledger has {number} batches; name one"), list)
            }
        };
        Failure::new(Exit::Usage, message).next(next)
    })
}

fn is_wanted(args: &RetryArgs, item: &Item) -> bool {
    match item.stage {
        Stage::Failed | Stage::Refused => args.failed,
        Stage::Cancelled => args.cancelled,
        // An earlier retry stopped before it was sent.
        Stage::Planned => item.attempt > 1 && (args.failed || args.cancelled || args.missing),
        _ => false,
    }
}

/// As many items as may be begun in one run.
fn within_limits(args: &RetryArgs, items: Vec<Item>) -> Vec<Item> {
    let mut seconds = 0.0;
    let fits = |item: &Item| {
        seconds += item.seconds.unwrap_or_default();
        args.options.max_seconds.is_none_or(|max| seconds <= max)
    };
    items.into_iter().take(args.options.max_jobs.unwrap_or(usize::MAX)).take_while(fits).collect()
}

/// The path of the clip: as before, or the same name in another directory.
fn new_path(item: &Item, directory: Option<&Path>) -> Option<PathBuf> {
    let Destination::File(path) = &item.destination else { return None };
    let moved = directory.zip(path.file_name()).map(|(directory, name)| directory.join(name));
    Some(moved.unwrap_or_else(|| path.clone()))
}

async fn retry(
    ctx: &Context,
    args: &RetryArgs,
    ledger: &Arc<Ledger>,
    item: &Item,
    directory: Option<&Path>,
) -> Result<(), Failure> {
    let failed = |error| ctx.ledger_failed(&error);
    let leased = ledger.lease(&ctx.service(), Selection::One(&item.id)).await.map_err(failed)?.pop();
    let Some(item) = leased else { return Ok(()) };
    let mut leased = LeasedItem::new(ledger, item);
    // A saved clip is downloaded to where it was.
    if let (Stage::Saved, Some(path)) = (leased.item.stage, &leased.item.path) {
        leased.item.destination = Destination::File(path.into());
    }
    if let Some(path) = new_path(&leased.item, directory) {
        output_directory(path.parent(), "")?;
        leased.item.destination = Destination::File(path);
    }
    leased.item.replace |= args.options.force;
    // If another process has sent a new request meanwhile, a second one would be a second charge.
    match leased.item.stage {
        Stage::Failed | Stage::Refused | Stage::Cancelled => {
            leased.plan_new_attempt().await.map_err(failed)?;
        }
        Stage::Saved | Stage::Planned => leased.store_changes().await.map_err(failed)?,
        _ => {}
    }
    leased.release().await;
    Ok(())
}
