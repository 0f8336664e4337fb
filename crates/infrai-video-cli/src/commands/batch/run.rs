use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::Layout;
use super::plan_checks::{batch_name, check_keys, check_lines, check_paths, exists, read};
use super::report::{ended_without_clip, sum};
use super::{BatchRun, items_of_batch, open_ledger};
use crate::args::{ClipRequest, RunArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Destination, Item, LeasedItem, Ledger, Selection, Stage};
use crate::plan::Line;
use crate::runner::{BatchSource, ClipCheck, Found, IfJobGone, ItemSource};
use crate::schema::{BatchReport, Counts};
use crate::spending::Cost;
use crate::text::count;
use crate::ui::Table;

pub(super) async fn run(ctx: &Context, args: &RunArgs) -> Result<(), Failure> {
    let name = batch_name(args)?;
    let lines = read(ctx, args, &name)?;
    let ledger = open_ledger(ctx, &args.options).await?;
    let plan = Plan { ctx, args, name: &name, lines: &lines, ledger: &ledger };
    let result = Box::pin(plan.run()).await;
    ledger.close().await;
    result
}

/// The plan of this run, and the ledger.
struct Plan<'a> {
    ctx: &'a Context,
    args: &'a RunArgs,
    name: &'a str,
    lines: &'a [Line],
    ledger: &'a Arc<Ledger>,
}

impl Plan<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let (ctx, args) = (self.ctx, self.args);
        let mut known = self.known_items().await?;
        let session = ctx.connect().await?;
        let mut new: Vec<&Line> = self.lines.iter().filter(|line| is_new(known.get(&line.id))).collect();
        check_lines(ctx, args, &session, &new).await?;
        check_keys(ctx, self.ledger, &new, &known).await?;
        let layout = Layout::of(ctx, args, self.name, self.lines)?;
        let path = |line: &Line| layout.path(line);
        let misplaced = self.misplaced(&mut known, path);
        if !args.options.force && self.ledger.is_shared() && new.iter().any(|line| exists(&path(line))) {
            // Another process may have saved that clip meanwhile.
            known = self.known_items().await?;
            new.retain(|line| is_new(known.get(&line.id)));
        }
        let paths = new.iter().map(|line| path(line)).chain(misplaced.values().flatten().cloned());
        check_paths(ctx, &paths.collect::<Vec<_>>(), args.options.force)?;
        let items: Vec<Item> = self.lines.iter().map(|line| self.planned(line, path(line))).collect();
        let cost = Cost::of(ctx, self.ledger, &self.to_charge(&new, &known)).await?;
        if args.dry_run {
            let items = items.into_iter().map(|item| known.get(&item.id).cloned().unwrap_or(item));
            self.show(&items.collect::<Vec<_>>(), new.len())?;
            cost.show(ctx);
            return Ok(());
        }
        let budget = cost.approve(ctx, &args.options.spending).await?;
        self.record(&items, &new, &known).await?;
        let destinations: HashMap<String, Destination> =
            items.into_iter().map(|item| (item.id, item.destination)).collect();
        let finished_before = self.count_finished(&known, &misplaced);
        let ids = destinations.keys().cloned().collect();
        let misplaced = misplaced.into_keys().collect();
        let source = BatchSource::new(self.name, destinations, misplaced, &args.options);
        let run = BatchRun {
            name: self.name,
            options: &args.options,
            ids,
            source: ItemSource::Batch(Box::new(source)),
            finished_before,
            if_job_gone: IfJobGone::Leave,
            budget,
            plan: Some(&args.plan),
            lines: self.lines,
        };
        run.run(ctx, &session, self.ledger).await
    }

    /// The requests of the new lines that the limits allow, and those that are sent again because they may have been accepted.
    fn to_charge(&self, new: &[&Line], known: &BTreeMap<String, Item>) -> Vec<ClipRequest> {
        let sent = known.values().filter(|item| item.may_be_charged());
        let sent = sent.filter_map(|item| item.clip_request().ok());
        let requests = new.iter().map(|line| &line.request);
        let max_jobs = self.args.options.max_jobs.unwrap_or(usize::MAX);
        let max_seconds = self.args.options.max_seconds.unwrap_or(f64::INFINITY);
        let mut seconds = 0.0;
        let fits = |request: &&ClipRequest| {
            seconds += request.duration_seconds.unwrap_or_default();
            seconds <= max_seconds
        };
        sent.chain(requests.take(max_jobs).take_while(fits).cloned()).collect()
    }

    async fn known_items(&self) -> Result<BTreeMap<String, Item>, Failure> {
        let items = items_of_batch(self.ctx, self.ledger, self.name).await?;
        Ok(items.into_iter().map(|item| (item.id.clone(), item)).collect())
    }

    /// The saved items whose clips are not at their path, each with the path that must be free for the clip. `None` if a damaged
    /// clip is there.
    fn misplaced(
        &self,
        known: &mut BTreeMap<String, Item>,
        path: impl Fn(&Line) -> PathBuf,
    ) -> BTreeMap<String, Option<PathBuf>> {
        let check = ClipCheck::new(self.ledger, self.args.options.verify);
        let mut misplaced = BTreeMap::new();
        for line in self.lines {
            let item = known.get_mut(&line.id).filter(|item| item.stage == Stage::Saved);
            let Some(item) = item else { continue };
            let wanted = path(line);
            let has_moved = item.path.as_deref().map(Path::new) != Some(&wanted);
            let must_be_free = match check.find(item, &wanted) {
                Found::InPlace => continue,
                Found::Moved => None,
                Found::Elsewhere(_) => Some(wanted),
                Found::Missing(why) => {
                    (item.stage, item.error) = (Stage::Missing, Some(why));
                    has_moved.then_some(wanted)
                }
            };
            misplaced.insert(line.id.clone(), must_be_free);
        }
        misplaced
    }

    fn planned(&self, line: &Line, path: PathBuf) -> Item {
        let (service, destination) = (self.ctx.service(), Destination::File(path));
        Item {
            batch: Some(self.name.to_owned()),
            line: i64::try_from(line.number).ok(),
            name: line.name.clone(),
            ..Item::planned(&service, &line.id, line.first_key(), &line.request, destination)
        }
    }

    /// Shows what would happen.
    fn show(&self, items: &[Item], new: usize) -> Result<(), Failure> {
        let (output, counts) = (&self.ctx.output, Counts::of(items));
        let planned = items.iter().filter(|item| item.stage == Stage::Planned);
        let seconds = sum(planned.map(|item| item.seconds));
        output.status("dry run", "nothing was sent");
        if output.json {
            output.json(&BatchReport::of(self.name, items))?;
        } else {
            let path = |item: &Item| item.destination.path("").map(|path| path.display().to_string());
            let row =
                |item: &Item| vec![item.label(), item.stage.to_string(), path(item).unwrap_or_default()];
            let rows: Vec<Vec<String>> = items.iter().map(row).collect();
            output.table(&Table::new(&["ITEM", "STATE", "CLIP"], rows, 2))?;
        }
        let (lines, in_progress) = (count(counts.items, "line"), counts.in_progress);
        let finished = counts.items - new - in_progress;
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
        items: &[Item],
        new: &[&Line],
        known: &BTreeMap<String, Item>,
    ) -> Result<(), Failure> {
        let unknown: Vec<Item> = items.iter().filter(|item| !known.contains_key(&item.id)).cloned().collect();
        self.ledger.add(&unknown).await.map_err(|error| self.ctx.ledger_failed(&error))?;
        let is_planned = |item: &Item| items.iter().any(|planned| planned.id == item.id);
        let removed: Vec<&Item> =
            known.values().filter(|item| item.stage == Stage::Planned && !is_planned(item)).collect();
        self.set_stage(&removed, Stage::Dropped, "its line is no longer in the plan").await?;
        if !removed.is_empty() {
            let lines = count(removed.len(), "line");
            self.ctx.output.status("note", &format!("{lines} not started, and no longer in the plan"));
        }
        let dropped = new.iter().filter_map(|line| known.get(&line.id));
        let dropped: Vec<&Item> = dropped.filter(|item| item.stage == Stage::Dropped).collect();
        self.set_stage(&dropped, Stage::Planned, "").await?;
        self.redirect(items, known).await
    }

    /// Items that ended without a clip, and are requested again later, get the path of this run.
    async fn redirect(&self, items: &[Item], known: &BTreeMap<String, Item>) -> Result<(), Failure> {
        let failed = |error| self.ctx.ledger_failed(&error);
        for planned in items {
            let ended = known.get(&planned.id).filter(|item| ended_without_clip(item));
            if ended.is_none_or(|item| item.destination == planned.destination) {
                continue;
            }
            let selection = Selection::One(&planned.id);
            let leased = self.ledger.lease(&self.ctx.service(), selection).await.map_err(failed)?.pop();
            if let Some(item) = leased {
                let mut leased = LeasedItem::new(self.ledger, item);
                if ended_without_clip(&leased.item) {
                    leased.item.destination = planned.destination.clone();
                    leased.store_changes().await.map_err(failed)?;
                }
                leased.release().await;
            }
        }
        Ok(())
    }

    async fn set_stage(&self, items: &[&Item], stage: Stage, why: &str) -> Result<(), Failure> {
        let failed = |error| self.ctx.ledger_failed(&error);
        for known in items {
            let selection = Selection::One(&known.id);
            let leased = self.ledger.lease(&self.ctx.service(), selection).await.map_err(failed)?.pop();
            if let Some(item) = leased {
                let mut leased = LeasedItem::new(self.ledger, item);
                // If another process has begun it meanwhile, it is charged.
                if leased.item.stage == known.stage {
                    leased.set_stage(stage, why, None).await.map_err(failed)?;
                }
                leased.release().await;
            }
        }
        Ok(())
    }

    fn count_finished(
        &self,
        known: &BTreeMap<String, Item>,
        misplaced: &BTreeMap<String, Option<PathBuf>>,
    ) -> usize {
        let is_finished = |item: &Item| item.stage.is_final() && item.stage != Stage::Dropped;
        let is_finished =
            |line: &&Line| known.get(&line.id).is_some_and(is_finished) && !misplaced.contains_key(&line.id);
        let finished = self.lines.iter().filter(is_finished).count();
        if finished > 0 {
            let items = count(self.lines.len(), "item");
            self.ctx.output.status("note", &format!("{finished} of {items} already finished"));
        }
        finished
    }
}

/// Whether a line is to be begun. An item that was dropped after it may have been sent is not: it could be charged twice.
fn is_new(item: Option<&Item>) -> bool {
    item.is_none_or(|item| match item.stage {
        Stage::Planned => true,
        Stage::Dropped => item.submission.is_none(),
        _ => false,
    })
}
