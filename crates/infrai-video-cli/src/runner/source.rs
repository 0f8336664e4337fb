//! The items of a run, and when there are no more.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::item::Runner;
use crate::args::PlanArgs;
use crate::ledger::{Destination, Item, LeasedItem, LedgerError, Pending, Selection, Stage};
use crate::plan::{Fingerprint, fingerprint};
use crate::spending::Admission;

/// How often items are polled that another process may have released.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The first interval of a process that has no items, which is doubled up to [`POLL_INTERVAL`].
pub(super) const FIRST_POLL: Duration = Duration::from_millis(100);

/// Number of items that are read at a time.
const PAGE: usize = 500;

/// How many ids are considered for each item to lease, and at least. Processes that share a ledger lease the same plan in the same
/// order, so the first ids may be those of others.
const WINDOW: usize = 4;
const LEAST_WINDOW: usize = 32;

/// Where the items of a run come from.
pub(crate) enum ItemSource {
    /// The items with these ids.
    Ids {
        ids: VecDeque<String>,
        /// Whether the budget refused the first of them.
        over_budget: bool,
    },
    Batch(Box<BatchSource>),
}

/// Where the clips of this process's plan go.
pub(crate) trait Destinations {
    /// The ids of the items.
    fn ids(&self) -> Box<dyn Iterator<Item = &str> + '_>;

    /// The position of an item in the plan.
    fn position(&self, id: &str) -> Option<u32>;

    /// The id of the item at a position.
    fn id(&self, position: u32) -> &str;

    fn of_item(&self, id: &str) -> Option<Destination>;
}

/// The items that a run has seen. There may be very many, so their ids are not kept.
#[derive(Default)]
pub(super) struct Seen(HashSet<Fingerprint>);

impl Seen {
    pub(super) fn insert(&mut self, id: &str) {
        self.0.insert(fingerprint(id));
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(&fingerprint(id));
    }

    fn contains(&self, id: &str) -> bool {
        self.0.contains(&fingerprint(id))
    }
}

/// The items of a batch, and how many of them may be begun.
pub(crate) struct BatchSource {
    name: String,
    destinations: Arc<dyn Destinations>,
    /// Saved items whose clips are not at their destination.
    misplaced: VecDeque<String>,
    replace: bool,
    max_jobs: Option<usize>,
    max_seconds: Option<f64>,
    /// The items that this run has begun.
    begun: HashSet<String>,
    seconds: f64,
    /// Whether a limit is reached.
    is_full: bool,
    /// Whether the budget refused the next item.
    over_budget: bool,
    /// The positions of items that were planned and free at the last poll, in the order of the plan.
    planned: VecDeque<u32>,
    /// When to poll again for items that other processes began and released.
    next_poll: Instant,
}

/// Whether the budget allows an item to be begun now. `refused` is set if it never will.
fn admits(runner: &Runner<'_>, item: &Item, refused: &mut bool) -> bool {
    let admission = runner.budget.reserve(item);
    *refused = admission == Admission::Refused;
    admission == Admission::Granted
}

fn limit(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

impl ItemSource {
    pub(crate) fn of_ids(ids: impl IntoIterator<Item = String>) -> Self {
        Self::Ids { ids: ids.into_iter().collect(), over_budget: false }
    }

    /// Number of items that were not leased because of the budget.
    pub(crate) fn left(&self) -> usize {
        match self {
            Self::Ids { ids, .. } => ids.len(),
            Self::Batch(_) => 0,
        }
    }

    /// Leases up to `max` items that are not in `seen`. Items that other processes work on are added to `elsewhere`.
    pub(super) async fn lease(
        &mut self,
        runner: &Runner<'_>,
        max: usize,
        seen: &Seen,
        elsewhere: &mut Vec<String>,
    ) -> Result<Vec<LeasedItem>, LedgerError> {
        match self {
            Self::Ids { ids, over_budget } => {
                let service = runner.ctx.service();
                let mut items = Vec::new();
                while items.len() < max
                    && let Some(id) = ids.pop_front()
                {
                    let Some(item) = runner.ledger.lease(&service, Selection::One(&id)).await?.pop() else {
                        elsewhere.push(id);
                        continue;
                    };
                    let leased = LeasedItem::new(&runner.ledger, item);
                    if leased.item.stage == Stage::Planned && !admits(runner, &leased.item, over_budget) {
                        leased.release().await;
                        ids.push_front(id);
                        break;
                    }
                    items.push(leased);
                }
                Ok(items)
            }
            Self::Batch(batch) => batch.lease(runner, max, seen).await,
        }
    }

    /// Whether all items are finished, also those of other processes.
    pub(super) async fn is_finished(
        &mut self,
        runner: &Runner<'_>,
        seen: &Seen,
    ) -> Result<bool, LedgerError> {
        match self {
            Self::Ids { ids, over_budget } => Ok(*over_budget || ids.is_empty()),
            Self::Batch(batch) if batch.is_full || batch.over_budget => Ok(true),
            Self::Batch(batch) => batch.is_finished(runner, seen).await,
        }
    }
}

impl BatchSource {
    /// `misplaced` are saved items whose clips are not at their destination.
    pub(crate) fn new(
        name: &str,
        destinations: Arc<dyn Destinations>,
        misplaced: VecDeque<String>,
        options: &PlanArgs,
    ) -> Self {
        Self {
            name: name.to_owned(),
            destinations,
            misplaced,
            replace: options.force,
            max_jobs: options.max_jobs,
            max_seconds: options.max_seconds,
            begun: HashSet::new(),
            seconds: 0.0,
            is_full: false,
            over_budget: false,
            planned: VecDeque::new(),
            next_poll: Instant::now(),
        }
    }

    /// Items in progress come first, even if their line is no longer in the plan: they are charged. Items that this run has seen
    /// are left to other processes.
    async fn lease(
        &mut self,
        runner: &Runner<'_>,
        max: usize,
        seen: &Seen,
    ) -> Result<Vec<LeasedItem>, LedgerError> {
        let is_due = Instant::now() >= self.next_poll;
        let mut items = match is_due {
            true => self.lease_in_progress(runner, max, seen).await?,
            false => Vec::new(),
        };
        // They count before new items are admitted.
        items.iter().for_each(|item| runner.budget.count_sent(item));
        let service = runner.ctx.service();
        while items.len() < max
            && let Some(id) = self.misplaced.pop_front()
        {
            items.extend(runner.ledger.lease(&service, Selection::One(&id)).await?);
        }
        self.lease_planned(runner, max, seen, &mut items).await?;
        if items.is_empty() && !is_due {
            items = self.lease_in_progress(runner, max, seen).await?;
        }
        let leased = |mut item: Item| {
            if let Some(destination) = self.destinations.of_item(&item.id) {
                item.destination = destination;
                item.replace = self.replace;
            }
            LeasedItem::new(&runner.ledger, item)
        };
        Ok(items.into_iter().map(leased).collect())
    }

    async fn is_finished(&mut self, runner: &Runner<'_>, seen: &Seen) -> Result<bool, LedgerError> {
        let service = runner.ctx.service();
        let pending = runner.ledger.pending(&service, &self.name).await?;
        let is_ours = |(id, pending): &(String, Pending)| {
            // Planned items of another version of the plan are left to the processes that have it.
            !seen.contains(id)
                && (*pending == Pending::InProgress || self.destinations.position(id).is_some())
        };
        if pending.iter().any(is_ours) {
            return Ok(false);
        }
        if !runner.ledger.is_shared() {
            // Another run of a plan with the same lines may have saved its clips in its own directory.
            let unseen: Vec<&str> = self.destinations.ids().filter(|id| !seen.contains(id)).collect();
            for ids in unseen.chunks(PAGE) {
                let items = runner.ledger.items(&service, ids).await?;
                let is_misplaced = |item: &&Item| {
                    let wanted = self.destinations.of_item(&item.id).and_then(|wanted| wanted.path(""));
                    item.stage == Stage::Saved
                        && item.path.is_some()
                        && wanted.is_some_and(|wanted| item.path.as_deref() != wanted.to_str())
                };
                let items = ids.iter().filter_map(|id| items.get(*id));
                self.misplaced.extend(items.filter(is_misplaced).map(|item| item.id.clone()));
            }
        }
        Ok(self.misplaced.is_empty())
    }

    async fn lease_in_progress(
        &mut self,
        runner: &Runner<'_>,
        max: usize,
        seen: &Seen,
    ) -> Result<Vec<Item>, LedgerError> {
        let service = runner.ctx.service();
        let mut ids = runner.ledger.free_items(&service, Pending::InProgress, &self.name).await?;
        ids.retain(|id| !seen.contains(id));
        // If there are more, the next poll is immediate.
        if ids.len() <= max {
            self.next_poll = Instant::now() + POLL_INTERVAL;
        }
        ids.truncate(max);
        runner.ledger.lease(&service, Selection::Pending(Pending::InProgress, &ids, limit(max))).await
    }

    async fn lease_planned(
        &mut self,
        runner: &Runner<'_>,
        max: usize,
        seen: &Seen,
        items: &mut Vec<Item>,
    ) -> Result<(), LedgerError> {
        let service = runner.ctx.service();
        let mut has_polled = false;
        while items.len() < max && !self.is_full {
            if self.planned.is_empty() {
                if std::mem::replace(&mut has_polled, true) {
                    break;
                }
                let free = runner.ledger.free_items(&service, Pending::Planned, &self.name).await?;
                let ours = free.iter().filter(|id| !seen.contains(id));
                self.planned = ours.filter_map(|id| self.destinations.position(id)).collect();
            }
            // The next item may reach a limit.
            let is_limited =
                self.max_jobs.is_some() || self.max_seconds.is_some() || runner.budget.is_limited();
            let room = if is_limited { 1 } else { max - items.len() };
            let window = if runner.ledger.is_shared() { (WINDOW * room).max(LEAST_WINDOW) } else { room };
            let positions: Vec<u32> = self.planned.drain(..window.min(self.planned.len())).collect();
            let ids: Vec<String> =
                positions.iter().map(|position| self.destinations.id(*position).to_owned()).collect();
            let selection = Selection::Pending(Pending::Planned, &ids, limit(room));
            let leased = runner.ledger.lease(&service, selection).await?;
            // Other processes have leased those before the last one, and those after it were not needed.
            if let Some(last) = leased.last().filter(|_| leased.len() == room) {
                let rest = positions.iter().zip(&ids).rev().take_while(|(_, id)| **id != last.id);
                rest.for_each(|(position, _)| self.planned.push_front(*position));
            }
            for item in leased {
                let position = self.destinations.position(&item.id);
                if !self.allows(&item) {
                    self.is_full = true;
                } else if admits(runner, &item, &mut self.over_budget) {
                    items.push(item);
                    continue;
                }
                LeasedItem::new(&runner.ledger, item).release().await;
                position.into_iter().for_each(|position| self.planned.push_front(position));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the limits allow an item to be begun. An item that this run has begun before does not count again.
    fn allows(&mut self, item: &Item) -> bool {
        if self.begun.contains(&item.id) {
            return true;
        }
        let seconds = self.seconds + item.seconds.unwrap_or_default();
        if self.max_jobs.is_none() && self.max_seconds.is_none() {
            return true;
        }
        let fits = self.max_jobs.is_none_or(|max| self.begun.len() < max)
            && self.max_seconds.is_none_or(|max| seconds <= max);
        if fits {
            self.seconds = seconds;
            self.begun.insert(item.id.clone());
        }
        fits
    }
}
