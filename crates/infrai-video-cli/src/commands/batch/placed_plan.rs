//! A plan, and where its clips go.

use std::path::PathBuf;
use std::sync::Arc;

use super::layout::Layout;
use crate::ledger::{Destination, Item};
use crate::plan::{Line, Plan};
use crate::runner::Destinations;

/// A plan, and where its clips go. Its items are made when they are needed: those of a large plan would need much memory.
pub(super) struct PlacedPlan {
    pub(super) service: String,
    /// The name of the batch.
    pub(super) batch: String,
    pub(super) plan: Arc<Plan>,
    pub(super) layout: Layout,
}

impl PlacedPlan {
    pub(super) fn path(&self, line: &Line) -> PathBuf {
        self.layout.path(line)
    }

    /// The item of a line that was not begun.
    pub(super) fn item(&self, line: &Line) -> Item {
        let (request, destination) = (line.clip_request(), Destination::File(self.path(line)));
        Item {
            batch: Some(self.batch.clone()),
            line: i64::try_from(line.number).ok(),
            name: line.name.as_deref().map(str::to_owned),
            ..Item::planned(&self.service, &line.id, line.first_key(), &request, destination)
        }
    }
}

impl Destinations for PlacedPlan {
    fn ids(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        Box::new(self.plan.lines.iter().map(|line| &*line.id))
    }

    fn position(&self, id: &str) -> Option<u32> {
        self.plan.position(id).and_then(|position| u32::try_from(position).ok())
    }

    fn id(&self, position: u32) -> &str {
        &self.plan.lines[position as usize].id
    }

    fn of_item(&self, id: &str) -> Option<Destination> {
        self.plan.line(id).map(|line| Destination::File(self.path(line)))
    }
}
