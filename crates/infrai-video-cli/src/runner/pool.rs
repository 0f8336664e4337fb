//! Many items at once, with a bound on their number. All items pause while they would fail for the same reason.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, interval_at, sleep, sleep_until};

use super::after_save::AfterSave;
use super::item::{Placed, Runner};
use super::source::{FIRST_POLL, ItemSource, POLL_INTERVAL, Seen};
use crate::exit_code::Exit;
use crate::failure::{Failure, Outage, Setback, advice};
use crate::ledger::{Item, LeasedItem, LedgerError};
use crate::text::count;
use crate::ui::{BatchProgress, HEARTBEAT};

/// The delay before one item is tried during an outage, at first and at most.
const FIRST_PROBE: Duration = Duration::from_secs(2);
const LONGEST_PROBE: Duration = Duration::from_secs(60);

/// How often an item may meet an outage that others do not meet.
const MAX_OWN_OUTAGES: u32 = 3;

/// The limits of a run.
pub(crate) struct Limits {
    /// Maximum number of items at the same time.
    pub(crate) concurrency: usize,
    /// Maximum duration of an outage. `None` if an outage ends the item that meets it.
    pub(crate) max_pause: Option<Duration>,
    /// Whether the outcome has the saved items.
    pub(crate) keeps_saved: bool,
}

/// The result of a run.
#[derive(Default)]
pub(crate) struct RunOutcome {
    /// Items without a clip, and why, in the order in which they were given up.
    pub(crate) unfinished: Vec<(Item, Setback)>,
    /// Items whose clips are at their destination, if the limits ask for them.
    pub(crate) saved: Vec<Item>,
    /// Clips that are saved, and for which a command failed.
    pub(crate) after_save_failures: usize,
    /// Why the run ended early.
    pub(crate) stopped: Option<Failure>,
    /// Items that another live process works on.
    pub(crate) elsewhere: Vec<String>,
    /// Items that met an outage and will be tried again.
    held: VecDeque<LeasedItem>,
    /// For each item the number of outages that it met, and the number of accepted requests at its first one.
    outages: HashMap<String, (u32, u64)>,
    /// Items that this run works on, holds or has given up. They are not leased again.
    pub(super) seen: Seen,
}

/// How fast items are begun.
enum Pace {
    Full,
    Paused {
        outage: Outage,
        since: Instant,
        delay: Duration,
        next: Instant,
    },
    /// The item with this id is tried. `successes` are those before it.
    Probing {
        outage: Outage,
        since: Instant,
        delay: Duration,
        successes: (u64, u64),
        item: String,
    },
}

type Done = (LeasedItem, Result<Placed, Setback>);

/// Items that are worked on, and those that finished while something else was awaited.
#[derive(Default)]
struct Running<'w> {
    items: FuturesUnordered<Pin<Box<dyn Future<Output = Done> + 'w>>>,
    done: VecDeque<Done>,
}

impl Running<'_> {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.done.is_empty()
    }

    /// Awaits a future while the items continue: one of them may hold what the future waits for.
    async fn beside<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                output = &mut future => return output,
                Some(done) = self.items.next() => self.done.push_back(done),
            }
        }
    }

    /// The next item that finishes. Pending if there is none.
    async fn next(&mut self) -> Done {
        if let Some(done) = self.done.pop_front() {
            return done;
        }
        match self.items.next().await {
            Some(done) => done,
            None => std::future::pending().await,
        }
    }
}

impl RunOutcome {
    /// Commands that failed for clips that are saved.
    pub(crate) fn after_save_failure(&self) -> Option<Failure> {
        let failures = (self.after_save_failures > 0).then(|| count(self.after_save_failures, "clip"))?;
        let are = if self.after_save_failures == 1 { "is" } else { "are" };
        let message = format!("--open or --exec failed for {failures}, which {are} saved");
        Some(Failure::new(Exit::AfterSave, message).next("run the command for those clips again"))
    }
}

impl Runner<'_> {
    /// Finishes the items of the source.
    pub(crate) async fn run(
        &self,
        source: &mut ItemSource,
        limits: &Limits,
        progress: &BatchProgress,
    ) -> RunOutcome {
        let mut run =
            Run { runner: self, limits, progress, pace: Pace::Full, outcome: RunOutcome::default() };
        let mut running = Running::default();
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        let mut idle_interval = FIRST_POLL;
        loop {
            let free = run.free_slots(running.items.len());
            let mut is_idle = false;
            if free > 0 {
                match running.beside(run.next_items(source, free)).await {
                    Ok(items) => {
                        is_idle = items.is_empty();
                        run.probe_if_paused(items.first());
                        for mut leased in items {
                            idle_interval = FIRST_POLL;
                            run.outcome.seen.insert(&leased.item.id);
                            let item_progress = progress.begin(&leased.item);
                            running.items.push(Box::pin(async move {
                                let result = self.finish(&mut leased, &item_progress).await;
                                (leased, result)
                            }));
                        }
                    }
                    Err(error) => run.outcome.stopped = Some(self.ctx.ledger_failed(&error)),
                }
            }
            if running.is_empty() {
                // No item is held if none was found.
                if run.outcome.stopped.is_some() || is_idle && run.is_finished(source).await {
                    return run.outcome;
                }
                if is_idle {
                    // A failover of the database may have lost that an item is finished. The heartbeat would extend its lease.
                    let _at_the_next_poll = self.ledger.release_all().await;
                    // Other processes work on the rest. Most of them end soon after this one, but one may die.
                    tokio::select! {
                        () = sleep(idle_interval) => idle_interval = (2 * idle_interval).min(POLL_INTERVAL),
                        _ = heartbeat.tick() => progress.heartbeat(),
                    }
                    continue;
                }
            }
            let wake_up = match &run.pace {
                // Items of another process may become available.
                _ if is_idle => Some(Instant::now() + POLL_INTERVAL),
                Pace::Paused { next, .. } => Some(*next),
                _ => None,
            };
            tokio::select! {
                (leased, result) = running.next() => running.beside(run.settle(leased, result)).await,
                () = self.advanced() => if run.outage_is_over() {
                    run.resume();
                },
                () = sleep_until(wake_up.unwrap_or_else(Instant::now)), if wake_up.is_some() => {}
                _ = heartbeat.tick() => progress.heartbeat(),
            }
        }
    }
}

/// The state of a run.
struct Run<'a> {
    runner: &'a Runner<'a>,
    limits: &'a Limits,
    progress: &'a BatchProgress,
    pace: Pace,
    outcome: RunOutcome,
}

impl Run<'_> {
    /// How many items can be begun now.
    fn free_slots(&self, running: usize) -> usize {
        match &self.pace {
            _ if self.outcome.stopped.is_some() => 0,
            Pace::Full => self.limits.concurrency.saturating_sub(running),
            Pace::Paused { next, .. } => usize::from(Instant::now() >= *next),
            Pace::Probing { .. } => 0,
        }
    }

    /// Items to begin. During an outage a new item is preferred to those that met it: they may be the reason.
    async fn next_items(
        &mut self,
        source: &mut ItemSource,
        max: usize,
    ) -> Result<Vec<LeasedItem>, LedgerError> {
        let held = &mut self.outcome.held;
        let mut items = Vec::new();
        if matches!(self.pace, Pace::Full) {
            items.extend(held.drain(..max.min(held.len())));
        }
        let RunOutcome { seen, elsewhere, .. } = &mut self.outcome;
        items.extend(source.lease(self.runner, max - items.len(), seen, elsewhere).await?);
        if items.is_empty() {
            items.extend(self.outcome.held.pop_front());
        }
        Ok(items)
    }

    /// Whether the items of the source are finished, also those of other processes.
    async fn is_finished(&mut self, source: &mut ItemSource) -> bool {
        source.is_finished(self.runner, &self.outcome.seen).await.unwrap_or_else(|error| {
            self.outcome.stopped = Some(self.runner.ctx.ledger_failed(&error));
            true
        })
    }

    fn probe_if_paused(&mut self, tried: Option<&LeasedItem>) {
        let (Some(leased), &Pace::Paused { outage, since, delay, .. }) = (tried, &self.pace) else { return };
        // An item that has a job shows nothing about credit, or whether requests are accepted.
        self.pace = match outage == Outage::Unreachable || leased.item.job_id.is_none() {
            true => {
                let (successes, item) = (self.runner.successes(), leased.item.id.clone());
                Pace::Probing { outage, since, delay, successes, item }
            }
            false => Pace::Paused { outage, since, delay, next: Instant::now() + delay },
        };
    }

    /// Whether this item is the one that is tried.
    fn is_probe(&self, item: &Item) -> bool {
        matches!(&self.pace, Pace::Probing { item: tried, .. } if *tried == item.id)
    }

    /// Records the result of an item.
    async fn settle(&mut self, leased: LeasedItem, result: Result<Placed, Setback>) {
        let is_paused = matches!(result, Err(Setback::Paused { .. }));
        // Items that were begun before the pause show nothing: they need no further credit.
        if self.is_probe(&leased.item) && !is_paused {
            self.resume();
        }
        let ctx = self.runner.ctx;
        let budget = &self.runner.budget;
        match result {
            Ok(placed) => {
                budget.settle(&leased.item);
                self.progress.finished(&leased.item, "");
                if placed == Placed::Now {
                    self.after_save(&leased.item).await;
                }
                if self.limits.keeps_saved {
                    self.outcome.saved.push(leased.item);
                }
            }
            Err(Setback::TakenOver) => {
                budget.settle(&leased.item);
                let label = leased.item.label();
                ctx.output.status("note", &format!("{label}: another process has taken it over"));
                self.outcome.seen.remove(&leased.item.id);
                self.outcome.elsewhere.push(leased.item.id);
            }
            Err(Setback::Paused { outage, why })
                if self.limits.max_pause.is_some() && !self.is_own_outage(&leased.item) =>
            {
                if !matches!(self.pace, Pace::Probing { .. }) || self.is_probe(&leased.item) {
                    self.pause(outage, &why);
                }
                self.outcome.held.push_back(leased);
            }
            Err(setback @ Setback::Stopped { exit: cause, .. }) => {
                let item = leased.release().await;
                let failure = || {
                    let failure = Failure::of_stop(&ctx.invocation, cause, &setback.why(&item));
                    failure.with_exit(setback.exit(&item))
                };
                self.outcome.stopped.get_or_insert_with(failure);
            }
            Err(Setback::Ledger(error)) => {
                self.outcome.stopped.get_or_insert_with(|| ctx.ledger_failed(&error));
            }
            Err(setback) => {
                budget.settle(&leased.item);
                self.progress.finished(&leased.item, &setback.why(&leased.item));
                // Another process may finish it. If this one kept the lease, two processes could wait for each other.
                self.outcome.unfinished.push((leased.release().await, setback));
            }
        }
    }

    /// Opens a clip, or runs a command for it. A failure is reported at once.
    async fn after_save(&mut self, item: &Item) {
        let Some(path) = &item.path else { return };
        let runner = self.runner;
        let Some(args) = runner.after_save else { return };
        let after_save = AfterSave { args, output: &runner.ctx.output, collects_output: true };
        if let Err(failure) = after_save.run(path.as_ref()).await {
            runner.ctx.output.important("note", failure.message());
            self.outcome.after_save_failures += 1;
        }
    }

    /// Whether an item repeatedly meets an outage while others are accepted. Such an item is given up.
    fn is_own_outage(&mut self, item: &Item) -> bool {
        let accepted = self.runner.successes().0;
        let (times, first) = self.outcome.outages.entry(item.id.clone()).or_insert((0, accepted));
        *times += 1;
        *times > MAX_OWN_OUTAGES && accepted > *first
    }

    fn pause(&mut self, outage: Outage, why: &str) {
        let ctx = self.runner.ctx;
        let now = Instant::now();
        let (since, delay) = match &self.pace {
            Pace::Full => (now, FIRST_PROBE),
            // Other items were in progress when the pause began.
            Pace::Paused { .. } => return,
            Pace::Probing { since, delay, .. } => (*since, (*delay * 2).min(LONGEST_PROBE)),
        };
        let end = self.limits.max_pause.and_then(|max_pause| since.checked_add(max_pause));
        if end.is_some_and(|end| now + delay > end) {
            let failure = || Failure::of_outage(&ctx.invocation, outage, why);
            self.outcome.stopped.get_or_insert_with(failure);
            return;
        }
        if matches!(self.pace, Pace::Full) {
            ctx.output.statuses(&advice::pause_notice(&ctx.invocation, outage, why));
        }
        self.progress.set_paused(Some(why));
        self.pace = Pace::Paused { outage, since, delay, next: now + delay };
    }

    /// Whether the item that is tried has shown that the outage is over.
    fn outage_is_over(&self) -> bool {
        let Pace::Probing { outage, successes, .. } = &self.pace else { return false };
        let (accepted, polled) = self.runner.successes();
        accepted > successes.0 || *outage == Outage::Unreachable && polled > successes.1
    }

    fn resume(&mut self) {
        self.pace = Pace::Full;
        self.progress.set_paused(None);
        self.runner.ctx.output.status("resuming", "the service accepts requests again");
    }
}
