//! What the ledger has of a plan, in the little that a run needs to know of each item.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::pages::for_each;
use super::placed_plan::PlacedPlan;
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Item, Ledger, Recorded, Stage};
use crate::plan::{Line, Plan};
use crate::runner::{ClipCheck, Found};

/// What the ledger has of the batch of a plan.
pub(super) struct RecordedPlan {
    /// By the position of the line.
    lines: Vec<Option<Recorded>>,
    /// The items whose lines are not in this plan, by their ids.
    pub(super) others: Vec<(Box<str>, Recorded)>,
}

/// A saved item whose clip is not at its path.
pub(super) struct Misplaced {
    /// The path that must be free for the clip. `None` if a damaged clip is there.
    pub(super) must_be_free: Option<PathBuf>,
    /// Why the clip is missing, if it is nowhere else.
    why_missing: Option<String>,
}

impl RecordedPlan {
    pub(super) async fn read(
        ctx: &Context,
        ledger: &Ledger,
        batch: &str,
        plan: &Plan,
    ) -> Result<Self, Failure> {
        let recorded =
            ledger.recorded(&ctx.service(), batch).await.map_err(|error| ctx.ledger_failed(&error))?;
        let (mut lines, mut others) = (vec![None; plan.lines.len()], Vec::new());
        for (id, item) in recorded {
            match plan.position(&id) {
                Some(position) => lines[position] = Some(item),
                None => others.push((id, item)),
            }
        }
        Ok(Self { lines, others })
    }

    /// The recorded item of a line.
    pub(super) fn of_line(&self, position: usize) -> Option<&Recorded> {
        self.lines[position].as_ref()
    }

    /// The lines that are to be begun.
    pub(super) fn new_lines(&self, plan: &Plan) -> Vec<usize> {
        (0..plan.lines.len()).filter(|position| is_new(self.of_line(*position))).collect()
    }

    /// The positions and the stages of the recorded lines.
    pub(super) fn stages(&self) -> impl Iterator<Item = (usize, Stage)> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(position, item)| Some((position, item.as_ref()?.stage)))
    }

    /// The ids of the items whose requests are sent again because they may have been accepted.
    pub(super) fn sent<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a str> {
        let is_sent = |item: &Recorded| item.may_be_charged();
        let lines = plan.lines.iter().zip(&self.lines);
        let in_plan = lines.filter(move |(_, item)| item.as_ref().is_some_and(is_sent));
        let others = self.others.iter().filter(move |(_, item)| is_sent(item));
        in_plan.map(|(line, _)| &*line.id).chain(others.map(|(id, _)| &**id))
    }

    /// The saved items whose clips are not at their path, by the positions of their lines. Those that are nowhere get the stage
    /// [`Stage::Missing`].
    pub(super) async fn misplaced(
        &mut self,
        ctx: &Context,
        ledger: &Ledger,
        placed: &PlacedPlan,
        check: &ClipCheck,
    ) -> Result<BTreeMap<usize, Misplaced>, Failure> {
        let plan = &placed.plan;
        let saved = self.stages().filter(|(_, stage)| *stage == Stage::Saved);
        let ids: Vec<&str> = saved.map(|(position, _)| &*plan.lines[position].id).collect();
        let mut misplaced = BTreeMap::new();
        for_each(ctx, ledger, ids.into_iter(), |item| {
            let Some(position) = plan.position(&item.id).filter(|_| item.stage == Stage::Saved) else {
                return Ok(());
            };
            let wanted = placed.path(&plan.lines[position]);
            let has_moved = item.path.as_deref().map(Path::new) != Some(&wanted);
            let (must_be_free, why_missing) = match check.find(&item, &wanted) {
                Found::InPlace => return Ok(()),
                Found::Moved => (None, None),
                Found::Elsewhere(_) => (Some(wanted), None),
                Found::Missing(why) => (has_moved.then_some(wanted), Some(why)),
            };
            misplaced.insert(position, Misplaced { must_be_free, why_missing });
            Ok(())
        })
        .await?;
        for (position, _) in misplaced.iter().filter(|(_, misplaced)| misplaced.why_missing.is_some()) {
            if let Some(item) = &mut self.lines[*position] {
                item.stage = Stage::Missing;
            }
        }
        Ok(misplaced)
    }
}

impl Misplaced {
    /// Marks the item if its clip is missing.
    pub(super) fn mark(&self, item: &mut Item) {
        if let Some(why) = &self.why_missing {
            (item.stage, item.error) = (Stage::Missing, Some(why.clone()));
        }
    }
}

/// Whether a line is to be begun. An item that was dropped after it may have been sent is not: it could be charged twice.
fn is_new(item: Option<&Recorded>) -> bool {
    item.is_none_or(|item| match item.stage {
        Stage::Planned => true,
        Stage::Dropped => !item.was_sent,
        _ => false,
    })
}

/// The lines at these positions.
pub(super) fn lines_at<'a>(plan: &'a Plan, positions: &'a [usize]) -> impl Iterator<Item = &'a Line> + Clone {
    positions.iter().map(|position| &plan.lines[*position])
}
