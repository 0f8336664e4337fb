//! Many clips from a plan, by one process or by many.

mod retry;
mod run;
mod status;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::App;
use crate::args::{BatchCommand, PlanArgs};
use crate::board::{Board, label};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::{Item, Ledger, Stage};
use crate::plan::Line;
use crate::report::{BatchReport, Counts, charge};
use crate::session::Session;
use crate::table::Table;
use crate::text::{count, quote, usd};
use crate::work::{Heartbeat, IfGone, Outcome, Setback, Settings, Source, Work};

/// How many of the items without a clip are named at the end; `batch status` names all.
const NAMED: usize = 20;

pub(super) async fn run(app: &App, command: &BatchCommand) -> Result<(), Failure> {
    match command {
        BatchCommand::Run(args) => Box::pin(run::run(app, args)).await,
        BatchCommand::Status(args) => status::run(app, args).await,
        BatchCommand::Retry(args) => Box::pin(retry::run(app, args)).await,
    }
}

/// What is to be worked on.
struct Order<'a> {
    name: &'a str,
    how: &'a PlanArgs,
    /// The items that are told of at the end.
    ids: Vec<String>,
    source: Source,
    /// How many of the items were finished before.
    done: usize,
    /// What becomes of an item whose clip is gone together with its job.
    if_gone: IfGone,
    /// The lines of the plan, where there is one.
    lines: &'a [Line],
}

/// Works on a batch until nothing more can be done, and says what came of it.
async fn work(app: &App, session: &Session, ledger: &Arc<Ledger>, order: Order<'_>) -> Result<(), Failure> {
    let Order { name, how, ids, mut source, done, if_gone, lines } = order;
    let mut signals = app.signals()?;
    let _heartbeat = Heartbeat::start(ledger);
    let work = Work::new(app, session, ledger, how.timeout.0).if_gone(if_gone);
    let board = Board::new(&app.screen, ids.len(), done);
    let patience = how.max_pause.0.unwrap_or(std::time::Duration::MAX);
    let settings = Settings { at_once: usize::from(how.jobs), patience: Some(patience) };
    ledger.wait_for_outages(patience, app.teller_of_outages());
    let run = Box::pin(work.run(&mut source, &settings, &board));
    let outcome = tokio::select! {
        outcome = run => outcome,
        signal = signals.next() => {
            return Err(Failure::new(signal.exit(), "jobs that run go on and are billed; nothing is lost")
                .with_word("detached")
                .next(format!("{}  ({}goes on where it was)", app.same_command(), app.with_stdin())));
        }
    };
    drop(board);
    let all = ledger.batch(&app.service(), name).await.map_err(|error| app.ledger_failed(&error))?;
    let ids: HashSet<String> = ids.into_iter().collect();
    let mut items: Vec<Item> = all.into_iter().filter(|item| ids.contains(&item.id)).collect();
    as_planned(&mut items, lines);
    as_met(&mut items, &outcome);
    conclude(app, name, how, &items, outcome)
}

/// Gives items the numbers and names that they have in the plan of this run.
fn as_planned(items: &mut [Item], lines: &[Line]) {
    let lines: HashMap<&str, &Line> = lines.iter().map(|line| (line.id.as_str(), line)).collect();
    for item in &mut *items {
        if let Some(line) = lines.get(item.id.as_str()) {
            (item.line, item.name) = (i64::try_from(line.number).ok(), line.name.clone());
        }
    }
    items.sort_by_key(|item| item.line);
}

/// The ledger says what was saved, this run what of it was not found.
fn as_met(items: &mut [Item], outcome: &Outcome) {
    let missing = |(item, setback): &'_ (Item, Setback)| match setback {
        Setback::Missing { why, .. } => Some((item.id.clone(), why.clone())),
        _ => None,
    };
    let missing: HashMap<String, String> = outcome.set_aside.iter().filter_map(missing).collect();
    for item in items.iter_mut().filter(|item| item.stage == Stage::Saved) {
        if let Some(why) = missing.get(&item.id) {
            (item.stage, item.error) = (Stage::Missing, Some(why.clone()));
        }
    }
}

fn conclude(app: &App, name: &str, how: &PlanArgs, items: &[Item], outcome: Outcome) -> Result<(), Failure> {
    if let Some(path) = &how.report {
        write_report(path, &BatchReport::of(name, items))?;
    }
    print(app, name, items)?;
    let elsewhere: HashSet<&String> = outcome.elsewhere.iter().collect();
    // A request that may have been accepted matters more than what else went wrong: it may have been paid.
    let is_unknown = |item: &Item| item.stage == Stage::Sent && !elsewhere.contains(&item.id);
    let unknown = items.iter().any(is_unknown).then_some(Exit::OutcomeUnknown);
    if let Some(failure) = outcome.stopped {
        let exit = unknown.unwrap_or(failure.exit());
        return Err(failure.with_exit(exit));
    }
    let aside: HashSet<&str> = outcome.set_aside.iter().map(|(item, _)| item.id.as_str()).collect();
    // Another process may have had more luck.
    let is_aside = |item: &Item| item.stage != Stage::Saved && aside.contains(item.id.as_str());
    let is_elsewhere = |item: &Item| !item.stage.is_final() && elsewhere.contains(&item.id);
    let lacks = |item: &&Item| is_lacking(item) || is_aside(item) || is_elsewhere(item);
    let lacking: Vec<&Item> = items.iter().filter(lacks).collect();
    let counts = Counts::of(items);
    if lacking.is_empty() {
        if counts.planned > 0 {
            let rest = count(counts.planned, "clip");
            app.screen
                .say("note", &format!("{rest} not begun, as the limits say; the same command begins more"));
        }
        return Ok(());
    }
    // What ended in this run was told when it did.
    for item in lacking.iter().filter(|item| !aside.contains(item.id.as_str())).take(NAMED) {
        let why = match is_elsewhere(item) {
            true => "another process is working on it",
            false => item.error.as_deref().unwrap_or_default(),
        };
        app.screen.say(item.stage.as_str(), &format!("{}  {why}", label(item)));
    }
    let failed = lacking.iter().any(|item| matches!(item.stage, Stage::Failed | Stage::Refused));
    let mut failure = Failure::new(
        unknown.unwrap_or(Exit::Incomplete),
        format!("{} of {} without a clip", lacking.len(), count(items.len(), "item")),
    );
    if failed {
        failure = failure.next(app.command(&format!("batch retry {} --failed", quote(name))));
    }
    let is_gone = |setback: &Setback| matches!(setback, Setback::Missing { gone: true, .. });
    let is_there = |setback: &Setback| matches!(setback, Setback::Missing { gone: false, .. });
    if outcome.set_aside.iter().any(|(_, setback)| is_there(setback)) {
        failure =
            failure.next(format!("{}  (fetches again what is missing, at no charge)", app.same_command()));
    }
    if outcome.set_aside.iter().any(|(_, setback)| is_gone(setback)) {
        let retry = app.command(&format!("batch retry {} --missing", quote(name)));
        failure =
            failure.next(format!("{retry}  (asks anew for clips whose jobs are gone, which is charged)"));
    }
    if lacking.iter().any(|item| item.stage.is_under_way()) {
        failure = failure.next(format!("{}  (goes on with those that are under way)", app.command("resume")));
    }
    if failure.steps().is_empty() {
        failure = failure.next(app.command(&format!("batch status {}", quote(name))));
    }
    Err(failure)
}

/// Whether an item came to its end without a clip.
fn is_lacking(item: &Item) -> bool {
    matches!(item.stage, Stage::Failed | Stage::Refused | Stage::Cancelled | Stage::Missing)
}

/// Whether a clip was saved before and is not there any more.
fn is_missing(item: &Item) -> bool {
    item.stage == Stage::Missing
}

/// A batch on stdout: its report with `--json`, sums on a terminal, a line for each item elsewhere.
fn print(app: &App, name: &str, items: &[Item]) -> Result<(), Failure> {
    if app.screen.json {
        return app.screen.json(&BatchReport::of(name, items));
    }
    if app.screen.quiet {
        let mut paths =
            items.iter().filter(|item| item.stage == Stage::Saved).filter_map(|item| item.path.as_ref());
        return paths.try_for_each(|path| app.screen.line(path));
    }
    if !app.screen.stdout_is_terminal {
        return rows(items).iter().try_for_each(|row| app.screen.row(&row.each_ref().map(String::as_str)));
    }
    let stages = [
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
    let table: Vec<Vec<String>> = stages
        .into_iter()
        .filter_map(|stage| {
            let of: Vec<&Item> = items.iter().filter(|item| item.stage == stage).collect();
            let seconds = sum(of.iter().map(|item| item.seconds));
            let cost = sum(of.iter().map(|item| charge(item)));
            (!of.is_empty())
                .then(|| vec![stage.to_string(), of.len().to_string(), seconds.to_string(), usd(cost)])
        })
        .collect();
    app.screen.table(&Table::whole(&["STATE", "CLIPS", "SECONDS", "USD"], &table, 0))
}

/// Of nothing it is 0, and not -0.
pub(super) fn sum(numbers: impl Iterator<Item = Option<f64>>) -> f64 {
    numbers.flatten().fold(0.0, |sum, number| sum + number)
}

/// Name, state, and path or reason.
fn rows(items: &[Item]) -> Vec<[String; 3]> {
    let last = |item: &Item| match item.stage {
        Stage::Saved => item.path.clone(),
        _ => item.error.clone().or_else(|| item.job_id.clone()),
    };
    items.iter().map(|item| [label(item), item.stage.to_string(), last(item).unwrap_or_default()]).collect()
}

fn write_report(path: &Path, report: &BatchReport) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string());
    let written = json.and_then(|json| fs::write(path, json + "\n").map_err(|error| error.to_string()));
    written.map_err(|error| {
        Failure::new(Exit::Other, format!("the report cannot be written to {}: {error}", path.display()))
            .next("infrai-video batch status NAME --json  (says the same)")
    })
}

/// The directory for the clips, made if it is not there, as any process finds it.
fn directory(output: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    let output = output.unwrap_or(Path::new(name));
    let refused = |error: std::io::Error| {
        Failure::new(Exit::Refused, format!("`--output` {}: {error}", output.display()))
            .next("name another directory with --output DIR")
    };
    fs::create_dir_all(output).map_err(refused)?;
    crate::target::check_directory(output)?;
    let absolute = std::path::absolute(output).map_err(refused)?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(Failure::new(Exit::Refused, "`--output` is no UTF-8 text, which the ledger cannot hold")
            .next("name another directory with --output DIR")),
    }
}
