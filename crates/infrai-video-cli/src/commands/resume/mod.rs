mod dry_run;
mod elsewhere;

use std::sync::Arc;

use infrai_video::JobId;

use crate::app::App;
use crate::args::ResumeArgs;
use crate::board::{Board, label};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::failure_line::Facts;
use crate::ledger::{Entry, Item, Ledger, Place, Stage, Take};
use crate::report::ItemReport;
use crate::target::Target;
use crate::text::{count, quote};
use crate::work::{ClipCheck, Heartbeat, IfGone, Outcome, Setback, Settings, Source, Work};

pub(crate) use self::dry_run::ResumeStep;

/// How much of a prompt is shown to tell items apart.
const PROMPT: usize = 40;

pub(super) async fn run(app: &App, args: &ResumeArgs) -> Result<(), Failure> {
    let ledger = app.needed_ledger().await?;
    let done = Box::pin(with_ledger(app, args, &ledger)).await;
    ledger.close().await;
    done
}

async fn with_ledger(app: &App, args: &ResumeArgs, ledger: &Arc<Ledger>) -> Result<(), Failure> {
    let mut items = match args.names.is_empty() {
        true => unfinished(app, ledger).await?,
        false => named(app, args, ledger).await?,
    };
    ClipCheck::new(ledger, args.verify).mark(&mut items);
    let is_elsewhere = args.names.is_empty() && elsewhere::tell(app, ledger).await?;
    if args.dry_run {
        if items.is_empty() {
            nothing_left(app, is_elsewhere);
        }
        return dry_run::show(app, args, ledger, &items).await;
    }
    if args.drop {
        return drop_items(app, ledger, items).await;
    }
    let (finished, mut left): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| item.stage == Stage::Saved && args.output.is_none());
    finished.iter().try_for_each(|item| print(app, item))?;
    if left.is_empty() {
        if finished.is_empty() {
            nothing_left(app, is_elsewhere);
        }
        return Ok(());
    }
    redirect(app, args, &mut left)?;
    prepare(app, args, ledger, &left).await?;
    let outcome = work(app, args, ledger, &left).await?;
    conclude(app, args, ledger, outcome).await
}

async fn unfinished(app: &App, ledger: &Ledger) -> Result<Vec<Item>, Failure> {
    let service = app.service();
    let begun = ledger.begun(&service).await.map_err(|error| app.ledger_failed(&error))?;
    let batches = ledger.batches(&service).await.map_err(|error| app.ledger_failed(&error))?;
    for (batch, _, number) in batches.iter().filter(|(_, stage, _)| stage == Stage::Planned.as_str()) {
        let number = count(usize::try_from(*number).unwrap_or_default(), "clip");
        let go_on = app.command("batch run PLAN");
        app.screen.say("note", &format!("batch {batch}: {number} not begun; {go_on} begins them"));
    }
    Ok(begun.into_iter().filter(Item::is_unfinished).collect())
}

async fn named(app: &App, args: &ResumeArgs, ledger: &Ledger) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for name in &args.names {
        let item = ledger.find(&app.service(), name).await.map_err(|error| app.ledger_failed(&error))?;
        let Some(item) = item else {
            if let Some(service) = elsewhere::of(app, ledger, name).await? {
                let message = format!("{name:?} was asked for at {service}, not at {}", app.service());
                let command = elsewhere::command(app, &service, &format!("resume {}", quote(name)));
                return Err(Failure::new(Exit::NotFound, message).next(command));
            }
            let failure = Failure::new(Exit::NotFound, format!("the ledger has no key and no job {name:?}"));
            return Err(match name.parse::<JobId>() {
                Ok(id) if id.as_str().starts_with("vj_") => failure.next(app.command(&format!("wait {id}"))),
                _ => failure.next(app.command("resume --dry-run")),
            });
        };
        let may_begin = args.again || args.drop || args.dry_run;
        match item.stage {
            _ if may_begin => {}
            Stage::Planned if item.batch.is_some() => {
                let name = item.batch.as_deref().unwrap_or_default();
                return Err(Failure::new(
                    Exit::Other,
                    format!("{} of batch {name} is not begun", label(&item)),
                )
                .next(app.command("batch run PLAN")));
            }
            stage if stage.is_final() && stage != Stage::Saved => {
                let setback = Setback::Ended;
                return Err(Failure::new(
                    setback.exit(&item),
                    format!("{}: {}", label(&item), setback.why(&item)),
                )
                .next(format!(
                    "{}  (asks for it anew)",
                    app.command(&format!("resume {} --again", quote(name)))
                )));
            }
            _ => {}
        }
        items.push(item);
    }
    Ok(items)
}

fn nothing_left(app: &App, is_elsewhere: bool) {
    let note = match is_elsewhere {
        true => format!("nothing is left at {}", app.service()),
        false => "everything that was begun is finished".to_owned(),
    };
    app.screen.say("note", &note);
}

async fn drop_items(app: &App, ledger: &Arc<Ledger>, items: Vec<Item>) -> Result<(), Failure> {
    for item in items {
        if item.stage.is_final() {
            app.screen.say("note", &format!("{} is {} already", label(&item), item.stage));
            continue;
        }
        let mut entry = take(app, ledger, &item).await?;
        let dropped = entry.ended(Stage::Dropped, "dropped by its user", None).await;
        dropped.map_err(|error| app.ledger_failed(&error))?;
        app.screen.say("dropped", &label(&entry.item));
        entry.release().await;
    }
    Ok(())
}

/// Another place for the clip.
fn redirect(app: &App, args: &ResumeArgs, items: &mut [Item]) -> Result<(), Failure> {
    for item in items.iter_mut().filter(|item| item.stage == Stage::Missing) {
        item.place = item.path.as_ref().map_or(Place::Nowhere, |path| Place::File(path.into()));
    }
    if let Some(output) = &args.output {
        let [item] = items else {
            return Err(Failure::new(Exit::Usage, "--output is for one item").next(app.help()));
        };
        item.place = match Target::checked(Some(output), args.force, app.screen.stdout_is_terminal)? {
            Target::Stdout => {
                return Err(Failure::new(Exit::Usage, "resume writes to files").next("name one with -o FILE"));
            }
            target => target.place()?,
        };
    }
    for item in items {
        item.replace |= args.force;
        // Whoever asks for a job by its name wants the clip too.
        if item.place == Place::Nowhere && !args.names.is_empty() {
            item.place = Target::checked(None, false, false)?.place()?;
        }
    }
    Ok(())
}

/// Writes down what the options change.
async fn prepare(app: &App, args: &ResumeArgs, ledger: &Arc<Ledger>, items: &[Item]) -> Result<(), Failure> {
    if args.names.is_empty() {
        return Ok(());
    }
    for item in items {
        let mut entry = take(app, ledger, item).await?;
        // Another process may have been quicker, and two new jobs would be two charges.
        let is_same = (entry.item.stage, entry.item.attempt) == (item.stage, item.attempt);
        let is_over = item.stage.is_final() && item.stage != Stage::Saved;
        let has_job = item.job_id.is_some() && !is_over;
        (entry.item.place, entry.item.replace) = (item.place.clone(), item.replace);
        let written = match args.again && is_same && !has_job {
            true => entry.is_asked_anew().await,
            false => entry.stays().await,
        };
        written.map_err(|error| app.ledger_failed(&error))?;
        entry.release().await;
    }
    Ok(())
}

async fn take(app: &App, ledger: &Arc<Ledger>, item: &Item) -> Result<Entry, Failure> {
    let taken = ledger.take(&app.service(), Take::One(&item.id)).await;
    let taken = taken.map_err(|error| app.ledger_failed(&error))?.pop();
    taken.map(|item| Entry::new(ledger, item)).ok_or_else(|| held(app, &label(item)))
}

fn held(app: &App, what: &str) -> Failure {
    Failure::new(Exit::Other, format!("{what}: another process is working on it"))
        .next(format!("wait for it, or stop it and: {}", app.same_command()))
}

async fn work(
    app: &App,
    args: &ResumeArgs,
    ledger: &Arc<Ledger>,
    items: &[Item],
) -> Result<Outcome, Failure> {
    let session = app.session().await?;
    let mut signals = app.signals()?;
    let _heartbeat = Heartbeat::start(ledger);
    let if_gone = if args.again { IfGone::AskAnew } else { IfGone::Leave };
    let work = Work::new(app, &session, ledger, args.timeout.0).if_gone(if_gone);
    let board = Board::new(&app.screen, items.len(), 0);
    let mut source = Source::Ids(items.iter().map(|item| item.id.clone()).collect());
    let settings = Settings { at_once: usize::from(args.jobs), patience: None };
    let run = Box::pin(work.run(&mut source, &settings, &board));
    tokio::select! {
        outcome = run => Ok(outcome),
        signal = signals.next() => Err(Failure::new(signal.exit(), "jobs go on and are billed; nothing is lost")
            .with_word("detached")
            .next(app.same_command())),
    }
}

async fn conclude(app: &App, args: &ResumeArgs, ledger: &Ledger, outcome: Outcome) -> Result<(), Failure> {
    outcome.saved.iter().try_for_each(|item| print(app, item))?;
    for id in &outcome.elsewhere {
        let item = ledger.find(&app.service(), id).await.map_err(|error| app.ledger_failed(&error))?;
        let what = item.as_ref().map_or_else(|| id.clone(), label);
        if !args.names.is_empty() {
            return Err(held(app, &what));
        }
        app.screen.say("note", &format!("{what}: another process is working on it"));
    }
    let mut failures: Vec<Failure> =
        outcome.set_aside.iter().map(|(item, setback)| app.set_back(item, setback)).collect();
    failures.extend(outcome.stopped);
    if failures.len() == 1 {
        return failures.pop().map_or(Ok(()), Err);
    }
    let exit = Exit::of_all(failures.iter().map(Failure::exit));
    // What stopped the others is about no job, and comes last.
    let jobs =
        outcome.set_aside.iter().map(|(item, _)| item.job_id.as_deref()).chain(std::iter::repeat(None));
    for (failure, job_id) in failures.into_iter().zip(jobs) {
        app.screen.failure(&job_id.into_iter().fold(failure, Failure::about));
    }
    exit.map_or(Ok(()), |exit| Err(Failure::shown(exit)))
}

fn print(app: &App, item: &Item) -> Result<(), Failure> {
    match &item.path {
        _ if app.screen.json => app.screen.json(&ItemReport::of(item)),
        Some(path) => app.screen.line(path),
        None => app.screen.line(item.job_id.as_deref().unwrap_or_default()),
    }
}

impl App {
    /// Why an item has no clip, and what to do about it.
    pub(super) fn set_back(&self, item: &Item, setback: &Setback) -> Failure {
        let facts =
            item.job_id.as_deref().map_or_else(Facts::default, Facts::of_job).or(Facts::under(&item.key));
        let failure = Failure::new(setback.exit(item), format!("{}: {}", label(item), setback.why(item)));
        let failure = failure.with_facts(facts);
        let name = quote(item.job_id.as_deref().unwrap_or(&item.key));
        let resume = self.command(&format!("resume {name}"));
        match setback {
            Setback::Unsafe(_) => failure
                .next(format!("{}  (look whether its job is there)", self.command("list")))
                .next(format!("{resume} --again  (asks anew, and may be charged on top)"))
                .next(format!("{resume} --drop  (forgets it)")),
            Setback::Taken(_) => failure
                .next(format!("{resume} -o FILE  (saves it under another name)"))
                .next(format!("{resume} --force  (replaces what is there)")),
            Setback::OtherKey => failure
                .next("export INFRAI_API_KEY=ifr_pk_proj_...  (the one that it was begun with)")
                .next(format!("then: {resume}")),
            Setback::Missing { gone: true, .. } => {
                failure.next(format!("{resume} --again  (asks for it anew, which is charged)"))
            }
            Setback::Ended if item.batch.is_some() => {
                let batch = quote(item.batch.as_deref().unwrap_or_default());
                failure.next(self.command(&format!("batch retry {batch} --failed")))
            }
            Setback::Ended => failure.next(format!("{resume} --again  (asks for it anew)")),
            Setback::Paused { outage, .. } => match outage {
                crate::work::Outage::Credit => failure.next(self.top_up()).next(format!("then: {resume}")),
                crate::work::Outage::Unreachable => {
                    failure.next(format!("check the network and {}, then: {resume}", self.base_url()))
                }
                crate::work::Outage::RateLimited => failure.next(resume),
            },
            // No request can name its job.
            Setback::Stuck { .. } if item.job_id.as_ref().is_some_and(|id| id.parse::<JobId>().is_err()) => {
                let drop = self.command(&format!("resume {} --drop", quote(&item.key)));
                failure.next(self.command("list")).next(format!("{drop}  (forgets it)"))
            }
            _ => failure.next(resume),
        }
    }
}
