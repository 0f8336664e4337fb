use std::collections::BTreeMap;
use std::sync::Arc;

use super::layout::Layout;
use super::pages::{ReportWriter, Totals, for_each, to_stdout};
use super::placed_plan::PlacedPlan;
use super::plan_checks::{batch_name, check_keys, check_lines, check_paths, exists, read};
use super::recorded_plan::{Misplaced, RecordedPlan, lines_at};
use super::report::ended_without_clip;
use super::{BatchRun, RunItems, open_ledger};
use crate::args::RunArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Item, LeasedItem, Ledger, Selection, Stage};
use crate::plan::{Line, Plan};
use crate::runner::{BatchSource, ClipCheck, Destinations as _, IfJobGone, ItemSource};
use crate::spending::Cost;
use crate::text::count;
use crate::ui::Table;

/// Number of lines whose items are in memory.
const PAGE: usize = 500;

pub(super) async fn run(ctx: &Context, args: &RunArgs) -> Result<(), Failure> {
    let name = batch_name(args)?;
    let plan = Arc::new(read(ctx, args, &name)?);
    let ledger = open_ledger(ctx, &args.options).await?;
    let result = Box::pin(PlanRun { ctx, args, name: &name, plan: &plan, ledger: &ledger }.run()).await;
    ledger.close().await;
    result
}

/// The plan of this run, and the ledger.
struct PlanRun<'a> {
    ctx: &'a Context,
    args: &'a RunArgs,
    name: &'a str,
    plan: &'a Arc<Plan>,
    ledger: &'a Arc<Ledger>,
}

impl PlanRun<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let (ctx, args, plan) = (self.ctx, self.args, self.plan);
        let mut recorded = self.recorded().await?;
        let session = ctx.connect().await?;
        let mut new = recorded.new_lines(plan);
        check_lines(ctx, args, &session, lines_at(plan, &new)).await?;
        let unknown = new.iter().filter(|position| recorded.of_line(**position).is_none());
        check_keys(ctx, self.ledger, unknown.map(|position| &plan.lines[*position])).await?;
        let placed = Arc::new(PlacedPlan {
            service: ctx.service(),
            batch: self.name.to_owned(),
            plan: Arc::clone(plan),
            layout: Layout::of(ctx, args, self.name, plan)?,
        });
        let check = ClipCheck::new(self.ledger, args.options.verify);
        let misplaced = recorded.misplaced(ctx, self.ledger, &placed, &check).await?;
        let path = |line: &Line| placed.path(line);
        let force = args.options.force;
        if !force && self.ledger.is_shared() && lines_at(plan, &new).any(|line| exists(&path(line))) {
            // Another process may have saved that clip meanwhile.
            recorded = self.recorded().await?;
            new = recorded.new_lines(plan);
        }
        let must_be_free = misplaced.values().filter_map(|misplaced| misplaced.must_be_free.clone());
        check_paths(ctx, lines_at(plan, &new).map(path).chain(must_be_free), force)?;
        let cost = self.cost(&new, &recorded).await?;
        if args.dry_run {
            self.show(&placed, &recorded, &misplaced, new.len()).await?;
            cost.show(ctx);
            return Ok(());
        }
        let budget = cost.approve(ctx, &args.options.spending).await?;
        self.record(&placed, &new, &recorded).await?;
        let finished_before = self.count_finished(&recorded, &misplaced);
        drop((recorded, new));
        let misplaced = misplaced.into_keys().map(|position| plan.lines[position].id.to_string()).collect();
        let source = BatchSource::new(self.name, placed, misplaced, &args.options);
        let run = BatchRun {
            name: self.name,
            options: &args.options,
            items: RunItems::Plan(plan, &args.plan),
            source: ItemSource::Batch(Box::new(source)),
            finished_before,
            if_job_gone: IfJobGone::Leave,
            budget,
        };
        run.run(ctx, &session, self.ledger).await
    }

    async fn recorded(&self) -> Result<RecordedPlan, Failure> {
        RecordedPlan::read(self.ctx, self.ledger, self.name, self.plan).await
    }

    /// The cost of the new lines that the limits allow, and of requests that are sent again because they may have been accepted.
    async fn cost(&self, new: &[usize], recorded: &RecordedPlan) -> Result<Cost, Failure> {
        let mut sent = Vec::new();
        for_each(self.ctx, self.ledger, recorded.sent(self.plan), |item| {
            sent.extend(item.clip_request().ok().filter(|_| item.may_be_charged()));
            Ok(())
        })
        .await?;
        let max_jobs = self.args.options.max_jobs.unwrap_or(usize::MAX);
        let max_seconds = self.args.options.max_seconds.unwrap_or(f64::INFINITY);
        let mut seconds = 0.0;
        let fits = |line: &&Line| {
            seconds += line.seconds.unwrap_or_default();
            seconds <= max_seconds
        };
        let lines = lines_at(self.plan, new).take(max_jobs).take_while(fits);
        Cost::of(self.ctx, self.ledger, sent.into_iter().chain(lines.map(Line::clip_request))).await
    }

    /// Shows what would happen.
    async fn show(
        &self,
        placed: &PlacedPlan,
        recorded: &RecordedPlan,
        misplaced: &BTreeMap<usize, Misplaced>,
        new: usize,
    ) -> Result<(), Failure> {
        let (output, mut totals) = (&self.ctx.output, Totals::default());
        for (position, line) in self.plan.lines.iter().enumerate() {
            let item = recorded.of_line(position);
            let stage = item.map_or(Stage::Planned, |item| item.stage);
            totals.add(stage, line.seconds, item.and_then(|item| item.cost_usd));
        }
        output.status("dry run", "nothing was sent");
        let items = DryRun { run: self, placed, recorded, misplaced };
        let row = |item: &Item| {
            let path = item.destination.path("").map(|path| path.display().to_string());
            [item.label(), item.stage.to_string(), path.unwrap_or_default()]
        };
        if output.json {
            let mut writer = ReportWriter::new(self.name, &totals, false, to_stdout(self.ctx))?;
            items.for_each(|item| writer.item(item)).await?;
            writer.finish()?;
        } else if output.stdout_is_terminal {
            let mut rows = Vec::new();
            items
                .for_each(|item| {
                    rows.push(Vec::from(row(item)));
                    Ok(())
                })
                .await?;
            output.table(&Table::new(&["ITEM", "STATE", "CLIP"], rows, 2))?;
        } else {
            items.for_each(|item| output.row(&row(item).each_ref().map(String::as_str))).await?;
        }
        let seconds = totals.seconds(Stage::Planned);
        let (lines, in_progress) = (count(totals.counts.items, "line"), totals.counts.in_progress);
        let finished = totals.counts.items - new - in_progress;
        output.status(
            "plan",
            &format!(
                "{lines}: {new} new ({seconds} s in total), {in_progress} in progress, {finished} finished"
            ),
        );
        Ok(())
    }

    /// Records the plan in the ledger: new lines, lines that were removed, and lines that were removed before and are back.
    async fn record(
        &self,
        placed: &Arc<PlacedPlan>,
        new: &[usize],
        recorded: &RecordedPlan,
    ) -> Result<(), Failure> {
        // Two processes that insert the same items in different orders would deadlock.
        let unknown = self.plan.by_id().filter(|position| recorded.of_line(*position).is_none());
        let unknown: Arc<[usize]> = unknown.collect();
        let items = || {
            let (placed, unknown) = (Arc::clone(placed), Arc::clone(&unknown));
            (0..unknown.len()).map(move |index| placed.item(&placed.plan.lines[unknown[index]]))
        };
        self.ledger.add_all(items).await.map_err(|error| self.ctx.ledger_failed(&error))?;
        let removed = recorded.others.iter().filter(|(_, item)| item.stage == Stage::Planned);
        let removed: Vec<&str> = removed.map(|(id, _)| &**id).collect();
        self.set_stage(&removed, Stage::Planned, Stage::Dropped, "its line is no longer in the plan").await?;
        if !removed.is_empty() {
            let lines = count(removed.len(), "line");
            self.ctx.output.status("note", &format!("{lines} not started, and no longer in the plan"));
        }
        let is_dropped =
            |position: &&usize| recorded.of_line(**position).is_some_and(|item| item.stage == Stage::Dropped);
        let dropped = new.iter().filter(is_dropped).map(|position| &*self.plan.lines[*position].id);
        self.set_stage(&dropped.collect::<Vec<_>>(), Stage::Dropped, Stage::Planned, "").await?;
        self.redirect(placed, recorded).await
    }

    /// Items that ended without a clip, and are requested again later, get the path of this run.
    async fn redirect(&self, placed: &PlacedPlan, recorded: &RecordedPlan) -> Result<(), Failure> {
        let failed = |error| self.ctx.ledger_failed(&error);
        let ended = recorded.stages().filter(|(_, stage)| ended_without_clip(*stage));
        let ids = ended.map(|(position, _)| &*self.plan.lines[position].id);
        let mut elsewhere = Vec::new();
        for_each(self.ctx, self.ledger, ids, |item| {
            let planned = placed.of_item(&item.id);
            if planned.as_ref() != Some(&item.destination) {
                elsewhere.extend(planned.map(|planned| (item.id, planned)));
            }
            Ok(())
        })
        .await?;
        for (id, planned) in elsewhere {
            let selection = Selection::One(&id);
            let leased = self.ledger.lease(&self.ctx.service(), selection).await.map_err(failed)?.pop();
            if let Some(item) = leased {
                let mut leased = LeasedItem::new(self.ledger, item);
                if ended_without_clip(leased.item.stage) {
                    leased.item.destination = planned;
                    leased.store_changes().await.map_err(failed)?;
                }
                leased.release().await;
            }
        }
        Ok(())
    }

    async fn set_stage(&self, ids: &[&str], from: Stage, to: Stage, why: &str) -> Result<(), Failure> {
        let failed = |error| self.ctx.ledger_failed(&error);
        for id in ids {
            let selection = Selection::One(id);
            let leased = self.ledger.lease(&self.ctx.service(), selection).await.map_err(failed)?.pop();
            if let Some(item) = leased {
                let mut leased = LeasedItem::new(self.ledger, item);
                // If another process has begun it meanwhile, it is charged.
                if leased.item.stage == from {
                    leased.set_stage(to, why, None).await.map_err(failed)?;
                }
                leased.release().await;
            }
        }
        Ok(())
    }

    fn count_finished(&self, recorded: &RecordedPlan, misplaced: &BTreeMap<usize, Misplaced>) -> usize {
        let is_finished = |(position, stage): &(usize, Stage)| {
            stage.is_final() && *stage != Stage::Dropped && !misplaced.contains_key(position)
        };
        let finished = recorded.stages().filter(is_finished).count();
        if finished > 0 {
            let items = count(self.plan.lines.len(), "item");
            self.ctx.output.status("note", &format!("{finished} of {items} already finished"));
        }
        finished
    }
}

/// The items of a dry run.
struct DryRun<'a> {
    run: &'a PlanRun<'a>,
    placed: &'a PlacedPlan,
    recorded: &'a RecordedPlan,
    misplaced: &'a BTreeMap<usize, Misplaced>,
}

impl DryRun<'_> {
    /// Calls `each` with the item of each line, recorded or not.
    async fn for_each(&self, mut each: impl FnMut(&Item) -> Result<(), Failure>) -> Result<(), Failure> {
        let PlanRun { ctx, ledger, plan, .. } = self.run;
        let mut positions = 0..plan.lines.len();
        loop {
            let page: Vec<usize> = positions.by_ref().take(PAGE).collect();
            if page.is_empty() {
                return Ok(());
            }
            let known = page.iter().filter(|position| self.recorded.of_line(**position).is_some());
            let ids: Vec<&str> = known.map(|position| &*plan.lines[*position].id).collect();
            let mut items =
                ledger.items(&ctx.service(), &ids).await.map_err(|error| ctx.ledger_failed(&error))?;
            for position in page {
                let line = &plan.lines[position];
                let mut item = items.remove(&*line.id).unwrap_or_else(|| self.placed.item(line));
                if let Some(misplaced) = self.misplaced.get(&position) {
                    misplaced.mark(&mut item);
                }
                each(&item)?;
            }
        }
    }
}
