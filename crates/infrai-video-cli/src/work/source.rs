//! Where the items of a run come from, and when there are no more.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::{Outcome, Work};
use crate::args::PlanArgs;
use crate::ledger::{Entry, Item, LedgerError, Place, Stage, Take, Which};

/// How often items are looked for that another process may have left.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// Where items come from.
pub(crate) enum Source {
    /// These, and no others.
    Ids(VecDeque<String>),
    Batch(Box<Batch>),
}

/// The items of a batch, and how many may be begun.
pub(crate) struct Batch {
    name: String,
    /// Where this process puts clips, by the id of the item: all that its plan has.
    places: HashMap<String, Place>,
    /// Saved items whose clips are not in their places.
    astray: VecDeque<String>,
    replace: bool,
    max_jobs: Option<usize>,
    max_seconds: Option<f64>,
    /// What was begun by this run.
    begun: HashSet<String>,
    seconds: f64,
    /// Whether a limit lets no more be begun.
    is_full: bool,
    /// Items that were planned and free at the last look, in the order of the plan.
    planned: VecDeque<String>,
    /// When to look again for what others began and left.
    next_look: Instant,
}

impl Source {
    /// Takes up to so many items.
    pub(super) async fn take(
        &mut self,
        work: &Work<'_>,
        most: usize,
        outcome: &mut Outcome,
    ) -> Result<Vec<Entry>, LedgerError> {
        let service = work.app.service();
        match self {
            Self::Ids(ids) => {
                let mut entries = Vec::new();
                while entries.len() < most
                    && let Some(id) = ids.pop_front()
                {
                    match work.ledger.take(&service, Take::One(&id)).await?.pop() {
                        Some(item) => entries.push(Entry::new(&work.ledger, item)),
                        None => outcome.elsewhere.push(id),
                    }
                }
                Ok(entries)
            }
            Self::Batch(batch) => batch.take(work, &service, most, &outcome.met).await,
        }
    }

    /// Whether there is nothing more to be done, also for others.
    pub(super) async fn is_over(&mut self, work: &Work<'_>, outcome: &mut Outcome) -> bool {
        let batch = match self {
            Self::Ids(ids) => return ids.is_empty(),
            Self::Batch(batch) if batch.is_full => return true,
            Self::Batch(batch) => batch,
        };
        batch.is_over(work, &outcome.met).await.unwrap_or_else(|error| {
            outcome.stopped = Some(work.app.ledger_failed(&error));
            true
        })
    }
}

impl Batch {
    /// `astray` are saved items whose clips are not in their places.
    pub(crate) fn new(
        name: &str,
        places: HashMap<String, Place>,
        astray: VecDeque<String>,
        how: &PlanArgs,
    ) -> Self {
        Self {
            name: name.to_owned(),
            places,
            astray,
            replace: how.force,
            max_jobs: how.max_jobs,
            max_seconds: how.max_seconds,
            begun: HashSet::new(),
            seconds: 0.0,
            is_full: false,
            planned: VecDeque::new(),
            next_look: Instant::now(),
        }
    }

    /// What was begun comes first, also where its line is no longer in the plan: it is paid. What this run has met already
    /// is left to others.
    async fn take(
        &mut self,
        work: &Work<'_>,
        service: &str,
        most: usize,
        met: &HashSet<String>,
    ) -> Result<Vec<Entry>, LedgerError> {
        let is_due = Instant::now() >= self.next_look;
        let mut items = if is_due { self.take_begun(work, service, most, met).await? } else { Vec::new() };
        while items.len() < most
            && let Some(id) = self.astray.pop_front()
        {
            items.extend(work.ledger.take(service, Take::One(&id)).await?);
        }
        self.take_planned(work, service, most, met, &mut items).await?;
        if items.is_empty() && !is_due {
            items = self.take_begun(work, service, most, met).await?;
        }
        let entry = |mut item: Item| {
            if let Some(place) = self.places.get(&item.id) {
                item.place = place.clone();
                item.replace = self.replace;
            }
            Entry::new(&work.ledger, item)
        };
        Ok(items.into_iter().map(entry).collect())
    }

    async fn is_over(&mut self, work: &Work<'_>, met: &HashSet<String>) -> Result<bool, LedgerError> {
        let service = work.app.service();
        let rest = work.ledger.rest(&service, &self.name).await?;
        let is_open = |(id, which): &(String, Which)| {
            // What another version of the plan has is for whoever has that.
            !met.contains(id) && (*which == Which::Begun || self.places.contains_key(id))
        };
        if rest.iter().any(is_open) {
            return Ok(false);
        }
        if !work.ledger.is_shared() {
            // Another run of a plan with the same lines has put its clips into its own directory.
            let is_astray = |item: &Item| {
                let wanted = self.places.get(&item.id).and_then(|place| place.path(""));
                item.stage == Stage::Saved
                    && !met.contains(&item.id)
                    && item.path.is_some()
                    && wanted.is_some_and(|wanted| item.path.as_deref() != wanted.to_str())
            };
            let items = work.ledger.batch(&service, &self.name).await?;
            self.astray = items.into_iter().filter(is_astray).map(|item| item.id).collect();
        }
        Ok(self.astray.is_empty())
    }

    async fn take_begun(
        &mut self,
        work: &Work<'_>,
        service: &str,
        most: usize,
        met: &HashSet<String>,
    ) -> Result<Vec<Item>, LedgerError> {
        let mut ids = work.ledger.free_items(service, Which::Begun, &self.name).await?;
        ids.retain(|id| !met.contains(id));
        // Where there are more, the next look is at once.
        if ids.len() <= most {
            self.next_look = Instant::now() + LOOK;
        }
        ids.truncate(most);
        work.ledger.take(service, Take::Those(Which::Begun, &ids)).await
    }

    async fn take_planned(
        &mut self,
        work: &Work<'_>,
        service: &str,
        most: usize,
        met: &HashSet<String>,
        items: &mut Vec<Item>,
    ) -> Result<(), LedgerError> {
        let mut has_looked = false;
        while items.len() < most && !self.is_full {
            if self.planned.is_empty() {
                if std::mem::replace(&mut has_looked, true) {
                    break;
                }
                let free = work.ledger.free_items(service, Which::Planned, &self.name).await?;
                let is_ours = |id: &String| self.places.contains_key(id) && !met.contains(id);
                self.planned = free.into_iter().filter(is_ours).collect();
            }
            // A limit may hold for the next one already.
            let is_limited = self.max_jobs.is_some() || self.max_seconds.is_some();
            let room = if is_limited { 1 } else { most - items.len() };
            let ids: Vec<String> = self.planned.drain(..room.min(self.planned.len())).collect();
            for item in work.ledger.take(service, Take::Those(Which::Planned, &ids)).await? {
                if self.allows(&item) {
                    items.push(item);
                } else {
                    self.is_full = true;
                    Entry::new(&work.ledger, item).release().await;
                }
            }
        }
        Ok(())
    }

    /// Whether the limits let an item be begun. One that was begun before does not count again.
    fn allows(&mut self, item: &Item) -> bool {
        if self.begun.contains(&item.id) {
            return true;
        }
        let seconds = self.seconds + item.seconds.unwrap_or_default();
        let fits = self.max_jobs.is_none_or(|most| self.begun.len() < most)
            && self.max_seconds.is_none_or(|most| seconds <= most);
        if fits {
            self.seconds = seconds;
            self.begun.insert(item.id.clone());
        }
        fits
    }
}
