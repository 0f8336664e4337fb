use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Order, directory, is_missing, work};
use crate::app::App;
use crate::args::RetryArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::{Entry, Item, Ledger, Place, Stage, Take};
use crate::target::check_download;
use crate::text::count;
use crate::work::{ClipCheck, IfGone, Source};

pub(super) async fn run(app: &App, args: &RetryArgs) -> Result<(), Failure> {
    let ledger = app.needed_ledger().await?;
    let done = Box::pin(with_ledger(app, args, &ledger)).await;
    ledger.close().await;
    done
}

async fn with_ledger(app: &App, args: &RetryArgs, ledger: &Arc<Ledger>) -> Result<(), Failure> {
    let name = name(app, args, ledger).await?;
    let mut items = ledger.batch(&app.service(), &name).await.map_err(|error| app.ledger_failed(&error))?;
    ClipCheck::new(ledger, args.how.verify).mark(&mut items);
    if items.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("the ledger has no batch {name:?}"))
            .next(app.command("batch status")));
    }
    let session = app.session().await?;
    // What was paid is fetched again whichever items are asked for anew.
    let (missing, items): (Vec<Item>, Vec<Item>) = items.into_iter().partition(is_missing);
    let wanted: Vec<Item> = items.into_iter().filter(|item| is_wanted(args, item)).collect();
    if wanted.is_empty() && missing.is_empty() {
        app.screen.say("note", &format!("batch {name} has nothing to be asked again for"));
        return Ok(());
    }
    let wanted = within_limits(args, wanted);
    let other = args.how.output.as_deref().map(|output| directory(Some(output), &name)).transpose()?;
    for item in &wanted {
        if let Some(path) = place(item, other.as_deref()) {
            directory(path.parent(), "")?;
            check_download(&path, item.replace || args.how.force)?;
        }
    }
    for item in missing.iter().chain(&wanted) {
        again(app, args, ledger, item, other.as_deref()).await?;
    }
    if !missing.is_empty() {
        let number = count(missing.len(), "clip");
        app.screen.say("note", &format!("{number} not there any more, and fetched again at no charge"));
    }
    if !wanted.is_empty() {
        app.screen.say("note", &format!("{} asked for anew, under new keys", count(wanted.len(), "item")));
    }
    let ids: Vec<String> = missing.into_iter().chain(wanted).map(|item| item.id).collect();
    let source = Source::Ids(ids.iter().cloned().collect());
    let if_gone = if args.missing { IfGone::AskAnew } else { IfGone::Leave };
    let order = Order { name: &name, how: &args.how, ids, source, done: 0, if_gone, lines: &[] };
    work(app, &session, ledger, order).await
}

async fn name(app: &App, args: &RetryArgs, ledger: &Ledger) -> Result<String, Failure> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let mut names: Vec<String> = ledger
        .batches(&app.service())
        .await
        .map_err(|error| app.ledger_failed(&error))?
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    names.dedup();
    match <[String; 1]>::try_from(names) {
        Ok([name]) => Ok(name),
        Err(names) => {
            Err(Failure::new(Exit::Usage, format!("say which of the {} batches in the ledger", names.len()))
                .next(app.command("batch status")))
        }
    }
}

fn is_wanted(args: &RetryArgs, item: &Item) -> bool {
    match item.stage {
        Stage::Failed | Stage::Refused => args.failed,
        Stage::Cancelled => args.cancelled,
        _ => false,
    }
}

/// As many as may be begun in one run.
fn within_limits(args: &RetryArgs, items: Vec<Item>) -> Vec<Item> {
    let mut seconds = 0.0;
    let fits = |item: &Item| {
        seconds += item.seconds.unwrap_or_default();
        args.how.max_seconds.is_none_or(|most| seconds <= most)
    };
    items.into_iter().take(args.how.max_jobs.unwrap_or(usize::MAX)).take_while(fits).collect()
}

/// Where it was to go, or the same name in another directory.
fn place(item: &Item, other: Option<&Path>) -> Option<PathBuf> {
    let Place::File(path) = &item.place else { return None };
    let elsewhere = other.zip(path.file_name()).map(|(directory, name)| directory.join(name));
    Some(elsewhere.unwrap_or_else(|| path.clone()))
}

/// The clip goes where it was to go, or under the same name into another directory.
async fn again(
    app: &App,
    args: &RetryArgs,
    ledger: &Arc<Ledger>,
    item: &Item,
    other: Option<&Path>,
) -> Result<(), Failure> {
    let failed = |error| app.ledger_failed(&error);
    let Some(item) = ledger.take(&app.service(), Take::One(&item.id)).await.map_err(failed)?.pop() else {
        return Ok(());
    };
    let mut entry = Entry::new(ledger, item);
    // A clip that was saved is fetched again to where it was.
    if let (Stage::Saved, Some(path)) = (entry.item.stage, &entry.item.path) {
        entry.item.place = Place::File(path.into());
    }
    if let Some(path) = place(&entry.item, other) {
        directory(path.parent(), "")?;
        entry.item.place = Place::File(path);
    }
    entry.item.replace |= args.how.force;
    // Another process may have been quicker, and two new jobs would be two charges.
    match entry.item.stage {
        Stage::Failed | Stage::Refused | Stage::Cancelled => entry.is_asked_anew().await.map_err(failed)?,
        Stage::Saved => entry.stays().await.map_err(failed)?,
        _ => {}
    }
    entry.release().await;
    Ok(())
}
