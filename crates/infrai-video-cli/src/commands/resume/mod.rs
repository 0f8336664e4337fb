//! Finishes the unfinished items of the ledger.

mod dry_run;
mod other_services;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use infrai_video::JobId;
use jiff::Timestamp;

use crate::args::ResumeArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Failure, Setback, advice};
use crate::file_name::Values;
use crate::ledger::{Destination, Heartbeat, Item, LeasedItem, Ledger, Selection, Stage};
use crate::runner::{ClipCheck, IfJobGone, ItemSource, Limits, OutputPath, RunOutcome, Runner, WantedPath};
use crate::schema::ItemReport;
use crate::spending::{Budget, BudgetStop, Cost};
use crate::text::count;
use crate::ui::BatchProgress;

pub(super) async fn run(ctx: &Context, args: &ResumeArgs) -> Result<(), Failure> {
    let ledger = ctx.require_ledger().await?;
    let resume = Resume { ctx, args, ledger: &ledger };
    let result = Box::pin(resume.run()).await;
    ledger.close().await;
    result
}

/// One run of `resume`.
struct Resume<'a> {
    ctx: &'a Context,
    args: &'a ResumeArgs,
    ledger: &'a Arc<Ledger>,
}

impl Resume<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let mut items = match self.args.names.is_empty() {
            true => self.unfinished().await?,
            false => self.named().await?,
        };
        ClipCheck::new(self.ledger, self.args.verify).mark(&mut items);
        let has_others = self.args.names.is_empty() && other_services::report(self.ctx, self.ledger).await?;
        if self.args.dry_run {
            if items.is_empty() {
                self.report_nothing_left(has_others);
            }
            return dry_run::show(self.ctx, self.args, self.ledger, &items).await;
        }
        if self.args.drop {
            return self.drop(items).await;
        }
        let is_finished = |item: &Item| item.stage == Stage::Saved && self.args.output.is_none();
        let (finished, mut unfinished): (Vec<_>, Vec<_>) = items.into_iter().partition(is_finished);
        finished.iter().try_for_each(|item| self.print(item))?;
        if unfinished.is_empty() {
            if finished.is_empty() {
                self.report_nothing_left(has_others);
            }
            return Ok(());
        }
        self.set_destinations(&mut unfinished)?;
        let budget = self.budget(&unfinished).await?;
        self.store_changes(&unfinished).await?;
        let (outcome, over_budget) = self.finish(&unfinished, budget).await?;
        self.conclude(outcome, over_budget).await
    }

    /// Asks before a large charge for the items that are sent. Returns the budget of the run.
    async fn budget(&self, items: &[Item]) -> Result<Budget, Failure> {
        let is_charged = |item: &&Item| match item.stage {
            Stage::Planned => true,
            // If its job is gone.
            Stage::Missing => self.args.again,
            _ => item.may_be_charged() || self.args.again && item.is_finished_without_clip(),
        };
        let requests = items.iter().filter(is_charged).filter_map(|item| item.clip_request().ok());
        let cost = Cost::of(self.ctx, self.ledger, requests).await?;
        let budget = cost.approve(self.ctx, &self.args.spending).await?;
        // They are sent again whatever they cost, unless under a new key.
        items.iter().filter(|_| !self.args.again).for_each(|item| budget.count_sent(item));
        Ok(budget)
    }

    async fn unfinished(&self) -> Result<Vec<Item>, Failure> {
        let (ctx, service) = (self.ctx, self.ctx.service());
        let items = self.ledger.in_progress(&service).await.map_err(|error| ctx.ledger_failed(&error))?;
        let batches = self.ledger.batches(&service).await.map_err(|error| ctx.ledger_failed(&error))?;
        for (batch, _, number) in batches.iter().filter(|(_, stage, _)| stage == Stage::Planned.as_str()) {
            let number = count(usize::try_from(*number).unwrap_or_default(), "clip");
            let run = advice::run_plan(&ctx.invocation);
            ctx.output.status("note", &format!("batch {batch}: {number} not started; {run} starts them"));
        }
        Ok(items.into_iter().filter(Item::is_unfinished).collect())
    }

    async fn named(&self) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        for name in &self.args.names {
            let item = self.find(name).await?.ok_or(name);
            let item = match item {
                Ok(item) => item,
                Err(name) => return Err(self.not_found(name).await?),
            };
            self.check_stage(&item, name)?;
            items.push(item);
        }
        Ok(items)
    }

    async fn find(&self, name: &str) -> Result<Option<Item>, Failure> {
        let item = self.ledger.find(&self.ctx.service(), name).await;
        item.map_err(|error| self.ctx.ledger_failed(&error))
    }

    async fn not_found(&self, name: &str) -> Result<Failure, Failure> {
        let (ctx, invocation) = (self.ctx, &self.ctx.invocation);
        let service = self.ledger.service_of(name).await.map_err(|error| ctx.ledger_failed(&error))?;
        let failure = |message: String| Failure::new(Exit::NotFound, message);
        if let Some(service) = service {
            let message = format!("{name:?} was requested at {service}, not at {}", ctx.service());
            return Ok(failure(message).next(invocation.command_on_at(&service, "resume", name)));
        }
        let failure = failure(format!("the ledger has no job or idempotency key {name:?}"));
        Ok(match name.parse::<JobId>() {
            Ok(id) if id.as_str().starts_with("vj_") => failure.next(invocation.command_on("wait", name, "")),
            _ => failure.next(invocation.command("resume --dry-run")),
        })
    }

    /// Rejects an item that only other options or commands continue.
    fn check_stage(&self, item: &Item, name: &str) -> Result<(), Failure> {
        let (args, invocation) = (self.args, &self.ctx.invocation);
        if args.again || args.drop || args.dry_run {
            return Ok(());
        }
        match (item.stage, &item.batch) {
            (Stage::Planned, Some(batch)) => {
                let message = format!("{} of batch {batch} is not started", item.label());
                Err(Failure::new(Exit::Other, message).next(advice::run_plan(invocation)))
            }
            (stage, _) if stage.is_final() && stage != Stage::Saved => {
                let setback = Setback::NoClip;
                let message = format!("{}: {}", item.label(), setback.why(item));
                Err(Failure::new(setback.exit(item), message).next(advice::request_again(invocation, name)))
            }
            _ => Ok(()),
        }
    }

    fn report_nothing_left(&self, has_others: bool) {
        let note = match has_others {
            true => format!("nothing is unfinished at {}", self.ctx.service()),
            false => "nothing is unfinished".to_owned(),
        };
        self.ctx.output.status("note", &note);
    }

    async fn drop(&self, items: Vec<Item>) -> Result<(), Failure> {
        let output = &self.ctx.output;
        for item in items {
            if item.stage.is_final() {
                output.status("note", &format!("{} is already {}", item.label(), item.stage));
                continue;
            }
            let mut leased = self.lease(&item).await?;
            let dropped = leased.set_stage(Stage::Dropped, "dropped by its user", None).await;
            dropped.map_err(|error| self.ctx.ledger_failed(&error))?;
            output.status("dropped", &leased.item.label());
            leased.release().await;
        }
        Ok(())
    }

    /// Sets the destinations that the options request.
    fn set_destinations(&self, items: &mut [Item]) -> Result<(), Failure> {
        let args = self.args;
        for item in items.iter_mut().filter(|item| item.stage == Stage::Missing) {
            let path = item.path.as_ref();
            item.destination = path.map_or(Destination::Nowhere, |path| Destination::File(path.into()));
        }
        if let Some(output) = &args.output {
            let [item] = items else {
                let failure =
                    Failure::new(Exit::Usage, "--output takes one item: name one job or idempotency key");
                return Err(failure.next(self.ctx.invocation.help()));
            };
            let request = item.clip_request().ok();
            let at = Timestamp::now();
            let values =
                request.as_ref().map_or_else(|| Values::of_unknown(at), |known| Values::of(known, at));
            let wanted = self.wanted(Some(output), values.with_id(item.job_id.as_deref()));
            item.destination = match OutputPath::checked(&wanted)? {
                OutputPath::Stdout => {
                    let failure = Failure::new(Exit::Usage, "resume cannot write to stdout");
                    return Err(failure.next("name a file with -o FILE"));
                }
                path => path.destination()?,
            };
        }
        for item in items {
            item.replace |= args.force;
            // A named job is downloaded even if only the job was requested.
            if item.destination == Destination::Nowhere && !args.names.is_empty() {
                let wanted = self.wanted(None, Values::default());
                item.destination = OutputPath::checked(&wanted)?.destination()?;
            }
        }
        Ok(())
    }

    fn wanted<'v>(&self, output: Option<&'v Path>, values: Values<'v>) -> WantedPath<'v> {
        WantedPath {
            output,
            force: self.args.force,
            stdout_is_terminal: self.ctx.output.stdout_is_terminal,
            values,
            taken: HashSet::new(),
            creates_directories: true,
        }
    }

    /// Stores what the options change.
    async fn store_changes(&self, items: &[Item]) -> Result<(), Failure> {
        if self.args.names.is_empty() {
            return Ok(());
        }
        for item in items {
            let mut leased = self.lease(item).await?;
            // If another process has sent a new request meanwhile, a second one would be a second charge.
            let is_same = (leased.item.stage, leased.item.attempt) == (item.stage, item.attempt);
            let has_job = item.job_id.is_some() && !item.is_finished_without_clip();
            (leased.item.destination, leased.item.replace) = (item.destination.clone(), item.replace);
            let stored = match self.args.again && is_same && !has_job {
                true => leased.plan_new_attempt().await,
                false => leased.store_changes().await,
            };
            stored.map_err(|error| self.ctx.ledger_failed(&error))?;
            leased.release().await;
        }
        Ok(())
    }

    async fn lease(&self, item: &Item) -> Result<LeasedItem, Failure> {
        let leased = self.ledger.lease(&self.ctx.service(), Selection::One(&item.id)).await;
        let leased = leased.map_err(|error| self.ctx.ledger_failed(&error))?.pop();
        leased.map(|item| LeasedItem::new(self.ledger, item)).ok_or_else(|| self.in_use(&item.label()))
    }

    fn in_use(&self, label: &str) -> Failure {
        Failure::new(Exit::Other, format!("{label}: another process is working on it"))
            .next(format!("wait until it has finished, or stop it, then: {}", self.ctx.invocation.repeat()))
    }

    /// Returns why items were left out, if they were.
    async fn finish(
        &self,
        items: &[Item],
        budget: Budget,
    ) -> Result<(RunOutcome, Option<BudgetStop>), Failure> {
        let (ctx, args) = (self.ctx, self.args);
        let session = ctx.connect().await?;
        let mut signals = ctx.signals()?;
        let _heartbeat = Heartbeat::start(self.ledger);
        let if_job_gone = if args.again { IfJobGone::RequestAgain } else { IfJobGone::Leave };
        let runner = Runner::new(ctx, &session, self.ledger, args.timeout.0)
            .with_if_job_gone(if_job_gone)
            .with_budget(budget)
            .with_after_save(&args.after_save);
        let job_ids: Vec<&str> = items.iter().filter_map(|item| item.job_id.as_deref()).collect();
        let forecast = self.ledger.forecast(&ctx.service(), &job_ids).await;
        let progress = BatchProgress::new(&ctx.output, items.len(), 0, forecast);
        let mut source = ItemSource::of_ids(items.iter().map(|item| item.id.clone()));
        let limits = Limits { concurrency: usize::from(args.jobs), max_pause: None, keeps_saved: true };
        let run = Box::pin(runner.run(&mut source, &limits, &progress));
        tokio::select! {
            outcome = run => Ok((outcome, runner.budget().stopped(source.left()))),
            signal = signals.next() => {
                Err(Failure::new(signal.exit(), "running jobs continue and are billed; nothing is lost")
                    .with_label("detached")
                    .next(ctx.invocation.repeat()))
            }
        }
    }

    async fn conclude(&self, outcome: RunOutcome, over_budget: Option<BudgetStop>) -> Result<(), Failure> {
        let ctx = self.ctx;
        outcome.saved.iter().try_for_each(|item| self.print(item))?;
        for id in &outcome.elsewhere {
            let label = self.find(id).await?.map_or_else(|| id.clone(), |item| item.label());
            if !self.args.names.is_empty() {
                return Err(self.in_use(&label));
            }
            ctx.output.status("note", &format!("{label}: another process is working on it"));
        }
        let failure = |(item, setback): &(Item, Setback)| Failure::of_setback(&ctx.invocation, item, setback);
        let mut failures: Vec<Failure> = outcome.unfinished.iter().map(failure).collect();
        let after_save = outcome.after_save_failure();
        failures.extend(outcome.stopped);
        failures.extend(over_budget.map(|BudgetStop { message, remedy }| {
            let next = advice::after_budget(&ctx.invocation, &self.args.spending.limit(), remedy);
            Failure::new(Exit::Incomplete, message).next(next)
        }));
        failures.extend(after_save);
        if failures.len() == 1 {
            return failures.pop().map_or(Ok(()), Err);
        }
        let exit = Exit::of_all(failures.iter().map(Failure::exit));
        // Failures that are about no job come last.
        let jobs = outcome.unfinished.iter().map(|(item, _)| item.job_id.as_deref());
        for (failure, job_id) in failures.into_iter().zip(jobs.chain(std::iter::repeat(None))) {
            let failure = match job_id {
                Some(id) => failure.naming_job(id),
                None => failure,
            };
            ctx.output.failure(&failure);
        }
        exit.map_or(Ok(()), |exit| Err(Failure::printed(exit)))
    }

    fn print(&self, item: &Item) -> Result<(), Failure> {
        let output = &self.ctx.output;
        match &item.path {
            _ if output.json => output.json(&ItemReport::of(item)),
            Some(path) => output.line(path),
            None => output.line(item.job_id.as_deref().unwrap_or_default()),
        }
    }
}
