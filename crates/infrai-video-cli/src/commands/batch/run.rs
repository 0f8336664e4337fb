use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Order, directory, sum, work};
use crate::app::App;
use crate::args::RunArgs;
use crate::board::label;
use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::ledger::{Entry, Item, Ledger, Place, Stage, Take};
use crate::plan::{self, Line};
use crate::report::{BatchReport, Counts};
use crate::session::Session;
use crate::table::Table;
use crate::target::check_download;
use crate::text::{count, quote};
use crate::work::{Batch, ClipCheck, Found, IfGone, Source};

/// The name of a batch whose plan has none.
const STDIN: &str = "stdin";

/// How many mistakes of a plan are shown.
const SHOWN: usize = 20;

pub(super) async fn run(app: &App, args: &RunArgs) -> Result<(), Failure> {
    let name = name(args)?;
    let lines = read(app, args, &name)?;
    let ledger = app.needed_ledger().await?;
    let done = Box::pin(with_ledger(app, args, &name, &lines, &ledger)).await;
    ledger.close().await;
    done
}

async fn with_ledger(
    app: &App,
    args: &RunArgs,
    name: &str,
    lines: &[Line],
    ledger: &Arc<Ledger>,
) -> Result<(), Failure> {
    let mut known = known_items(app, ledger, name).await?;
    let session = app.session().await?;
    let mut new: Vec<&Line> = lines.iter().filter(|line| is_to_begin(known.get(&line.id))).collect();
    check(app, args, &session, &new).await?;
    check_keys(app, ledger, &new, &known).await?;
    let output = match args.dry_run {
        true => args.how.output.clone().unwrap_or_else(|| name.into()),
        false => directory(args.how.output.as_deref(), name)?,
    };
    let place = |line: &Line| output.join(line.file_name());
    let astray = astray(lines, &mut known, &ClipCheck::new(ledger, args.how.verify), place);
    if !args.how.force && ledger.is_shared() && new.iter().any(|line| is_there(&place(line))) {
        // It may be a clip that another process has just put there.
        known = known_items(app, ledger, name).await?;
        new.retain(|line| is_to_begin(known.get(&line.id)));
    }
    let paths = new.iter().map(|line| place(line)).chain(astray.values().flatten().cloned());
    check_files(app, &paths.collect::<Vec<_>>(), args.how.force)?;
    let items: Vec<Item> =
        lines.iter().map(|line| planned(app, name, line, Place::File(place(line)))).collect();
    if args.dry_run {
        let items = items.into_iter().map(|item| known.get(&item.id).cloned().unwrap_or(item));
        return show(app, name, &items.collect::<Vec<_>>(), new.len());
    }
    let unknown: Vec<Item> = items.iter().filter(|item| !known.contains_key(&item.id)).cloned().collect();
    ledger.add(&unknown).await.map_err(|error| app.ledger_failed(&error))?;
    let places = items.into_iter().map(|item| (item.id, item.place)).collect();
    drop_others(app, ledger, &known, &places).await?;
    plan_again(app, ledger, &new, &known).await?;
    let is_done = |item: &Item| item.stage.is_final() && !is_to_begin(Some(item));
    let is_done = |line: &&Line| known.get(&line.id).is_some_and(is_done) && !astray.contains_key(&line.id);
    let done = lines.iter().filter(is_done).count();
    if done > 0 {
        app.screen.say("note", &format!("{} of {} done before", done, count(lines.len(), "item")));
    }
    let ids = places.keys().cloned().collect();
    let source = Source::Batch(Box::new(Batch::new(name, places, astray.into_keys().collect(), &args.how)));
    let how = &args.how;
    work(app, &session, ledger, Order { name, how, ids, source, done, if_gone: IfGone::Leave, lines }).await
}

/// The saved items whose clips are not in their places, each with the path that has to be free for it. Where a clip lies damaged in
/// its place, that path is none.
fn astray(
    lines: &[Line],
    known: &mut BTreeMap<String, Item>,
    check: &ClipCheck,
    place: impl Fn(&Line) -> PathBuf,
) -> BTreeMap<String, Option<PathBuf>> {
    let mut astray = BTreeMap::new();
    for line in lines {
        let Some(item) = known.get_mut(&line.id).filter(|item| item.stage == Stage::Saved) else { continue };
        let wanted = place(line);
        let is_new = item.path.as_deref().map(Path::new) != Some(&wanted);
        let free = match check.find(item, &wanted) {
            Found::InPlace => continue,
            Found::Moved => None,
            Found::Elsewhere(_) => Some(wanted),
            Found::Missing(why) => {
                (item.stage, item.error) = (Stage::Missing, Some(why));
                is_new.then_some(wanted)
            }
        };
        astray.insert(line.id.clone(), free);
    }
    astray
}

/// The batch has the name of its file, so that running it again is the same batch.
fn name(args: &RunArgs) -> Result<String, Failure> {
    let name = match &args.name {
        Some(name) => Some(name.clone()),
        None if is_stdin(&args.plan) => Some(STDIN.to_owned()),
        None => args.plan.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
    };
    name.filter(|name| {
        !name.trim().is_empty() && !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
    })
    .filter(|name| !name.starts_with('.'))
    .ok_or_else(|| {
        Failure::new(Exit::Refused, "the batch has no name that a directory could have")
            .next("give it one with --name NAME")
    })
}

/// Whether the plan comes from stdin or from another open file, as in `batch run <(...)`. The number of such a file is another one
/// in the next run, and no name for a batch.
fn is_stdin(plan: &Path) -> bool {
    plan.as_os_str() == "-" || ["/dev", "/proc"].iter().any(|directory| plan.starts_with(directory))
}

fn read(app: &App, args: &RunArgs, name: &str) -> Result<Vec<Line>, Failure> {
    let (shown, bytes) = match args.plan.as_os_str() == "-" {
        true => ("from stdin".to_owned(), read_stdin()),
        false => (args.plan.display().to_string(), std::fs::read(&args.plan)),
    };
    let bytes = bytes.map_err(|error| {
        Failure::new(Exit::Refused, format!("the plan {shown} cannot be read: {error}")).next(app.help())
    })?;
    let is_named_csv = args.plan.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    plan::parse(&plan::Source { bytes, is_named_csv }, name)
        .map_err(|wrong| refused(app, &format!("the plan {shown} is not right"), &wrong))
}

fn read_stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Mistakes of a plan, line by line.
fn refused(app: &App, what: &str, wrong: &[String]) -> Failure {
    for line in wrong.iter().take(SHOWN) {
        app.screen.tell("wrong", line);
    }
    if wrong.len() > SHOWN {
        app.screen.tell("", &format!("and {} more", wrong.len() - SHOWN));
    }
    Failure::new(Exit::Refused, format!("{what}; nothing was sent"))
        .next(format!("correct it, then: {}", app.same_command()))
}

/// Whether a line is to be begun. What its user dropped after it may have been sent is not: it might be charged twice.
fn is_to_begin(item: Option<&Item>) -> bool {
    item.is_none_or(|item| match item.stage {
        Stage::Planned => true,
        Stage::Dropped => item.submission.is_none(),
        _ => false,
    })
}

async fn known_items(app: &App, ledger: &Ledger, name: &str) -> Result<BTreeMap<String, Item>, Failure> {
    let items = ledger.batch(&app.service(), name).await.map_err(|error| app.ledger_failed(&error))?;
    Ok(items.into_iter().map(|item| (item.id.clone(), item)).collect())
}

/// Looks at each line that is to be begun before any of them is paid.
async fn check(app: &App, args: &RunArgs, session: &Session, new: &[&Line]) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    let mut warnings = HashSet::new();
    for line in new {
        if args.how.max_seconds.is_some() && line.wish.duration_seconds.is_none() {
            wrong.push(format!(
                "line {}: `duration_seconds` is missing, which --max-seconds needs",
                line.number
            ));
        }
        let request = line.wish.request(&session.client);
        if let Err(error) = request.clone().prepare() {
            wrong.push(format!("line {}: {}", line.number, describe(&error)));
        } else if !args.no_check {
            match request.check().await {
                Ok(fit) => warnings.extend(fit.warnings),
                Err(error) if error.kind() == infrai_video::ErrorKind::Unsupported => {
                    wrong.push(format!("line {}: {}", line.number, describe(&error)));
                }
                Err(error) => return Err(app.failed(&error)),
            }
        }
    }
    warnings.iter().for_each(|warning| app.screen.say("note", warning));
    if wrong.is_empty() { Ok(()) } else { Err(refused(app, "the plan cannot be carried out", &wrong)) }
}

/// A key that a line gives stands for one job. Sent again, the service answers with the clip of that job while it remembers the
/// key, and makes and charges a new one afterwards.
async fn check_keys(
    app: &App,
    ledger: &Ledger,
    new: &[&Line],
    known: &BTreeMap<String, Item>,
) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for line in new.iter().filter(|line| line.has_own_key() && !known.contains_key(&line.id)) {
        let key = line.first_key();
        let item = ledger.find(&app.service(), &key).await.map_err(|error| app.ledger_failed(&error))?;
        if item.is_some_and(|item| item.submission.is_some()) {
            let resume = app.command(&format!("resume {}", quote(&key)));
            wrong.push(format!(
                "line {}: `idempotency_key` {key} was used before; leave it out for a new clip, or get that one: {resume}",
                line.number
            ));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(refused(app, "the plan cannot be carried out", &wrong)) }
}

/// Nothing is paid for a clip whose place is taken, or that cannot be there.
fn check_files(app: &App, paths: &[PathBuf], force: bool) -> Result<(), Failure> {
    let taken: Vec<String> = paths
        .iter()
        .filter(|path| !force && is_there(path))
        .map(|path| format!("{} is there already", path.display()))
        .collect();
    if !taken.is_empty() {
        let failure = refused(app, &format!("{} in the way", count(taken.len(), "file")), &taken);
        return Err(failure.instead(vec![format!("{} --force  (replaces them)", app.same_command())]));
    }
    // A dry run does not make the directory.
    let is_there = paths.first().and_then(|path| path.parent()).is_some_and(Path::is_dir);
    let wrong = |path: &PathBuf| match path.is_dir() {
        true => Some(format!("{} is a directory", path.display())),
        false => check_download(path, force).err().map(|failure| failure.message().to_owned()),
    };
    let wrong: Vec<String> = paths.iter().filter(|_| is_there).filter_map(wrong).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(refused(app, &format!("{} cannot be saved", count(wrong.len(), "clip")), &wrong)
            .instead(vec![format!("{} --output DIR  (another directory)", app.same_command())])),
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn planned(app: &App, name: &str, line: &Line, place: Place) -> Item {
    Item {
        batch: Some(name.to_owned()),
        line: i64::try_from(line.number).ok(),
        name: line.name.clone(),
        ..Item::planned(&app.service(), &line.id, line.first_key(), &line.wish, place)
    }
}

/// What would be done.
fn show(app: &App, name: &str, items: &[Item], to_begin: usize) -> Result<(), Failure> {
    let counts = Counts::of(items);
    let planned = items.iter().filter(|item| item.stage == Stage::Planned);
    let seconds = sum(planned.map(|item| item.seconds));
    app.screen.say("dry run", "nothing was sent");
    if app.screen.json {
        app.screen.json(&BatchReport::of(name, items))?;
    } else {
        let clip =
            |item: &Item| item.place.path("").map(|path| path.display().to_string()).unwrap_or_default();
        let rows = items.iter().map(|item| vec![label(item), item.stage.to_string(), clip(item)]);
        app.screen.table(&Table::whole(&["ITEM", "STATE", "CLIP"], &rows.collect::<Vec<_>>(), 2))?;
    }
    app.screen.say(
        "plan",
        &format!(
            "{}: {to_begin} to begin with {seconds} s in all, {} under way, {} done",
            count(counts.items, "line"),
            counts.under_way,
            counts.items - to_begin - counts.under_way
        ),
    );
    Ok(())
}

/// Lines that are gone from the plan and were not begun are not begun any more.
async fn drop_others(
    app: &App,
    ledger: &Arc<Ledger>,
    known: &BTreeMap<String, Item>,
    places: &HashMap<String, Place>,
) -> Result<(), Failure> {
    let gone: Vec<&Item> = known
        .values()
        .filter(|item| item.stage == Stage::Planned && !places.contains_key(&item.id))
        .collect();
    change(app, ledger, &gone, Stage::Dropped, "its line is no longer in the plan").await?;
    if !gone.is_empty() {
        app.screen
            .say("note", &format!("{} no longer in the plan, and not begun", count(gone.len(), "line")));
    }
    Ok(())
}

/// Lines that were gone and are back.
async fn plan_again(
    app: &App,
    ledger: &Arc<Ledger>,
    new: &[&Line],
    known: &BTreeMap<String, Item>,
) -> Result<(), Failure> {
    let back: Vec<&Item> = new
        .iter()
        .filter_map(|line| known.get(&line.id))
        .filter(|item| item.stage == Stage::Dropped)
        .collect();
    change(app, ledger, &back, Stage::Planned, "").await
}

async fn change(
    app: &App,
    ledger: &Arc<Ledger>,
    items: &[&Item],
    stage: Stage,
    why: &str,
) -> Result<(), Failure> {
    let failed = |error| app.ledger_failed(&error);
    for known in items {
        if let Some(item) = ledger.take(&app.service(), Take::One(&known.id)).await.map_err(failed)?.pop() {
            let mut entry = Entry::new(ledger, item);
            // Another process may have begun it meanwhile, and it is paid.
            if entry.item.stage == known.stage {
                entry.ended(stage, why, None).await.map_err(failed)?;
            }
            entry.release().await;
        }
    }
    Ok(())
}
