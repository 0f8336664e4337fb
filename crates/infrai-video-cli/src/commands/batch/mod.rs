//! Many clips from a plan, by one process or by many.

mod layout;
mod pages;
mod placed_plan;
mod plan_checks;
mod recorded_plan;
mod report;
mod retry;
mod run;
mod status;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::report::Report;
use crate::args::{BatchCommand, PlanArgs};
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Failure, advice};
use crate::ledger::{Heartbeat, Item, Ledger, Location};
use crate::plan::{Line, Plan};
use crate::runner::{IfJobGone, ItemSource, Limits, Runner, check_directory};
use crate::spending::Budget;
use crate::ui::BatchProgress;

pub(super) async fn run(ctx: &Context, command: &BatchCommand) -> Result<(), Failure> {
    match command {
        BatchCommand::Run(args) => Box::pin(run::run(ctx, args)).await,
        BatchCommand::Status(args) => status::run(ctx, args).await,
        BatchCommand::Retry(args) => Box::pin(retry::run(ctx, args)).await,
    }
}

/// The work on a batch.
struct BatchRun<'a> {
    name: &'a str,
    options: &'a PlanArgs,
    /// The items of the report.
    items: RunItems<'a>,
    source: ItemSource,
    /// Number of items that were finished before.
    finished_before: usize,
    if_job_gone: IfJobGone,
    budget: Budget,
}

/// The items of a run.
enum RunItems<'a> {
    /// Those of a plan from a file.
    Plan(&'a Plan, &'a Path),
    /// Those with these ids.
    Ids(Vec<String>),
}

impl RunItems<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Plan(plan, _) => plan.lines.len(),
            Self::Ids(ids) => ids.len(),
        }
    }

    /// In the order of the plan.
    fn ids(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Plan(plan, _) => Box::new(plan.lines.iter().map(|line| &*line.id)),
            Self::Ids(ids) => Box::new(ids.iter().map(String::as_str)),
        }
    }

    fn line(&self, id: &str) -> Option<&Line> {
        match self {
            Self::Plan(plan, _) => plan.line(id),
            Self::Ids(_) => None,
        }
    }

    /// The file with the plan, in words.
    fn plan(&self) -> Option<String> {
        match self {
            Self::Plan(_, path) if path.as_os_str() == "-" => Some("the plan".to_owned()),
            Self::Plan(_, path) => Some(path.display().to_string()),
            Self::Ids(_) => None,
        }
    }
}

impl BatchRun<'_> {
    /// Works on the batch until nothing more can be done, and reports the result.
    async fn run(mut self, ctx: &Context, session: &Session, ledger: &Arc<Ledger>) -> Result<(), Failure> {
        let mut signals = ctx.signals()?;
        let _heartbeat = Heartbeat::start(ledger);
        let max_wait = self.options.timeout.0;
        let has_budget = self.budget.is_limited();
        let runner = Runner::new(ctx, session, ledger, max_wait)
            .with_if_job_gone(self.if_job_gone)
            .with_budget(self.budget)
            .with_after_save(&self.options.after_save);
        let items = ledger.in_progress(&ctx.service()).await.unwrap_or_default();
        let job_ids: Vec<&str> = items.iter().filter_map(|item| item.job_id.as_deref()).collect();
        let forecast = ledger.forecast(&ctx.service(), &job_ids).await;
        let mut progress = BatchProgress::new(&ctx.output, self.items.len(), self.finished_before, forecast);
        // Other machines may work on it too, and not all of it may be begun.
        let is_limited = self.options.max_jobs.is_some() || self.options.max_seconds.is_some() || has_budget;
        if ledger.is_shared() || is_limited {
            progress = progress.without_eta();
        }
        let max_pause = Some(max_pause(self.options));
        let concurrency = usize::from(self.options.jobs);
        let limits = Limits { concurrency, max_pause, keeps_saved: false };
        let run = Box::pin(runner.run(&mut self.source, &limits, &progress));
        let outcome = tokio::select! {
            outcome = run => outcome,
            signal = signals.next() => {
                return Err(Failure::new(signal.exit(), "running jobs continue and are billed; nothing is lost")
                    .with_label("detached")
                    .next(advice::continue_batch(&ctx.invocation)));
            }
        };
        drop(progress);
        let report = Report::new(ctx, ledger, self.name, &self.items, outcome);
        report.conclude(self.options, runner.budget()).await
    }
}

/// Opens the ledger. From then on outages of its database are waited for.
async fn open_ledger(ctx: &Context, options: &PlanArgs) -> Result<Arc<Ledger>, Failure> {
    let ledger = ctx.require_ledger().await?;
    ledger.wait_for_outages(max_pause(options), on_ledger_outage(ctx));
    Ok(ledger)
}

fn max_pause(options: &PlanArgs) -> Duration {
    options.max_pause.0.unwrap_or(Duration::MAX)
}

/// Reports outages of the ledger that are waited for.
fn on_ledger_outage(ctx: &Context) -> impl Fn(Option<&str>) + Send + Sync + 'static {
    let output = ctx.output.clone();
    let location = ctx.ledger_location().unwrap_or(Location::None);
    move |why| match why {
        Some(why) => output.statuses(&advice::ledger_pause_notice(&location, why)),
        None => output.status("resuming", "the ledger is available again"),
    }
}

async fn items_of_batch(ctx: &Context, ledger: &Ledger, name: &str) -> Result<Vec<Item>, Failure> {
    ledger.batch(&ctx.service(), name).await.map_err(|error| ctx.ledger_failed(&error))
}

fn unknown_batch(ctx: &Context, name: &str) -> Failure {
    Failure::new(Exit::NotFound, format!("the ledger has no batch {name:?}"))
        .next(ctx.invocation.command("batch status"))
}

/// The absolute path of the directory for the clips, which is created if needed.
fn output_directory(output: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    let output = output.unwrap_or(Path::new(name));
    let rejected = |message: String| {
        Failure::new(Exit::Refused, message).next("name another directory with --output DIR")
    };
    let failed = |error: std::io::Error| rejected(format!("--output {}: {error}", output.display()));
    fs::create_dir_all(output).map_err(failed)?;
    check_directory(output)?;
    let absolute = std::path::absolute(output).map_err(failed)?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(rejected("--output is not UTF-8, which the ledger requires".to_owned())),
    }
}
