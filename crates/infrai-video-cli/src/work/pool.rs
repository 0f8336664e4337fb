//! Many items at once: so many at a time, paused as a whole where all would meet the same.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, interval_at, sleep, sleep_until};

use super::source::{LOOK, Source};
use super::{Outage, Setback, Work};
use crate::board::{Board, label};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::{Entry, Item, LedgerError, Stage};
use crate::progress;

/// How soon after an outage one item is tried, at first and at last.
const FIRST_PROBE: Duration = Duration::from_secs(2);
const LAST_PROBE: Duration = Duration::from_secs(60);

/// How often an item may meet an outage that others do not meet.
const TRIES: u32 = 3;

/// How a run is to go.
pub(crate) struct Settings {
    /// How many items at the same time.
    pub(crate) at_once: usize,
    /// How long an outage may last. Nothing where an outage ends the item that met it.
    pub(crate) patience: Option<Duration>,
}

/// What became of the items of a run.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Items that are not saved, and why, in the order in which they were given up.
    pub(crate) set_aside: Vec<(Item, Setback)>,
    /// Items whose clips are where they should be.
    pub(crate) saved: Vec<Item>,
    /// Why the run ended early.
    pub(crate) stopped: Option<Failure>,
    /// Items that another live process works on.
    pub(crate) elsewhere: Vec<String>,
    /// Items that met an outage, and are to be tried again.
    held: VecDeque<Entry>,
    /// How often an item met one, and how many requests had been accepted when it first did.
    outages: HashMap<String, (u32, u64)>,
    /// Items that this run works on, holds or has set aside: it does not take them once more.
    pub(super) met: HashSet<String>,
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
    /// One item is tried. The marks tell what was achieved before.
    Probing {
        outage: Outage,
        since: Instant,
        delay: Duration,
        marks: (u64, u64),
    },
}

type Done = (Entry, Result<(), Setback>);

/// Items that are worked on, and those that came to an end while something else was waited for.
#[derive(Default)]
struct Running<'w> {
    items: FuturesUnordered<Pin<Box<dyn Future<Output = Done> + 'w>>>,
    done: VecDeque<Done>,
}

impl Running<'_> {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.done.is_empty()
    }

    /// Waits for something, and lets the items go on meanwhile: one of them may hold what it waits for.
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

    /// The next that comes to an end. Waits for ever where there is none.
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

impl Work<'_> {
    /// Brings the items of the source to their end.
    pub(crate) async fn run(&self, source: &mut Source, settings: &Settings, board: &Board) -> Outcome {
        let mut outcome = Outcome::default();
        let mut running = Running::default();
        let mut pace = Pace::Full;
        let mut heartbeat = interval_at(Instant::now() + progress::HEARTBEAT, progress::HEARTBEAT);
        loop {
            let free = match &pace {
                _ if outcome.stopped.is_some() => 0,
                Pace::Full => settings.at_once.saturating_sub(running.items.len()),
                Pace::Paused { next, .. } => usize::from(Instant::now() >= *next),
                Pace::Probing { .. } => 0,
            };
            let mut idle = false;
            if free > 0 {
                match running.beside(self.more(source, free, &pace, &mut outcome)).await {
                    Ok(entries) => {
                        idle = entries.is_empty();
                        if let (false, &Pace::Paused { outage, since, delay, .. }) = (idle, &pace) {
                            pace = Pace::Probing { outage, since, delay, marks: self.marks() };
                        }
                        for mut entry in entries {
                            outcome.met.insert(entry.item.id.clone());
                            let meter = board.meter(&entry.item);
                            running.items.push(Box::pin(async move {
                                let result = self.finish(&mut entry, &meter).await;
                                (entry, result)
                            }));
                        }
                    }
                    Err(error) => outcome.stopped = Some(self.app.ledger_failed(&error)),
                }
            }
            if running.is_empty() {
                // Nothing is held any more where nothing else was found.
                if outcome.stopped.is_some() || idle && source.is_over(self, &mut outcome).await {
                    return outcome;
                }
                if idle {
                    // Others work on the rest; one of them may die.
                    tokio::select! {
                        () = sleep(LOOK) => {}
                        _ = heartbeat.tick() => board.heartbeat(),
                    }
                    continue;
                }
            }
            let probe = match &pace {
                // Somebody else's items may become free while there is room for them.
                _ if idle => Some(Instant::now() + LOOK),
                Pace::Paused { next, .. } => Some(*next),
                _ => None,
            };
            tokio::select! {
                (entry, result) = running.next() => {
                    let settle = self.settle(entry, result, settings, board, &mut pace, &mut outcome);
                    running.beside(settle).await;
                }
                () = self.progress() => if self.is_over(&pace) {
                    self.go_on(&mut pace, board);
                },
                () = sleep_until(probe.unwrap_or_else(Instant::now)), if probe.is_some() => {}
                _ = heartbeat.tick() => board.heartbeat(),
            }
        }
    }

    /// Items to be begun. During an outage another one is tried first than those that met it: the reason may be theirs.
    async fn more(
        &self,
        source: &mut Source,
        most: usize,
        pace: &Pace,
        outcome: &mut Outcome,
    ) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = Vec::new();
        if matches!(pace, Pace::Full) {
            entries.extend(outcome.held.drain(..most.min(outcome.held.len())));
        }
        entries.extend(source.take(self, most - entries.len(), outcome).await?);
        if entries.is_empty() {
            entries.extend(outcome.held.pop_front());
        }
        Ok(entries)
    }

    /// What becomes of an item that was worked on.
    async fn settle(
        &self,
        entry: Entry,
        result: Result<(), Setback>,
        settings: &Settings,
        board: &Board,
        pace: &mut Pace,
        outcome: &mut Outcome,
    ) {
        let probed = matches!(pace, Pace::Probing { .. }) && !matches!(result, Err(Setback::Paused { .. }));
        if probed {
            self.go_on(pace, board);
        }
        match result {
            Ok(()) => {
                board.ended(&entry.item, "");
                outcome.saved.push(entry.item);
            }
            Err(Setback::Lost) => {
                self.app
                    .screen
                    .say("note", &format!("{}: another process has taken it over", label(&entry.item)));
                outcome.met.remove(&entry.item.id);
                outcome.elsewhere.push(entry.item.id);
            }
            Err(Setback::Paused { outage, why })
                if settings.patience.is_some() && !self.is_its_own(&entry, outcome) =>
            {
                outcome.held.push_back(entry);
                self.pause(outage, why, settings, board, pace, outcome);
            }
            Err(setback @ Setback::Stopped { exit: cause, .. }) => {
                let item = entry.release().await;
                let stopped = || self.app.stopped(setback.exit(&item), cause, &setback.why(&item));
                outcome.stopped.get_or_insert_with(stopped);
            }
            Err(Setback::Ledger(error)) => {
                outcome.stopped.get_or_insert_with(|| self.app.ledger_failed(&error));
            }
            Err(setback) => {
                board.ended(&entry.item, &setback.why(&entry.item));
                // Another process may have more luck. If this one kept it, two of them would wait for each other.
                outcome.set_aside.push((entry.release().await, setback));
            }
        }
    }

    /// Whether an item meets what others do not: it is given up then.
    fn is_its_own(&self, entry: &Entry, outcome: &mut Outcome) -> bool {
        let accepted = self.marks().0;
        let (times, first) = outcome.outages.entry(entry.item.id.clone()).or_insert((0, accepted));
        *times += 1;
        *times > TRIES && accepted > *first
    }

    fn pause(
        &self,
        outage: Outage,
        why: String,
        settings: &Settings,
        board: &Board,
        pace: &mut Pace,
        outcome: &mut Outcome,
    ) {
        let now = Instant::now();
        let (since, delay) = match pace {
            Pace::Full => (now, FIRST_PROBE),
            // Others were under way when it began.
            Pace::Paused { .. } => return,
            Pace::Probing { since, delay, .. } => (*since, (*delay * 2).min(LAST_PROBE)),
        };
        let end = settings.patience.and_then(|patience| since.checked_add(patience));
        if end.is_some_and(|end| now + delay > end) {
            outcome.stopped.get_or_insert_with(|| self.app.paused_too_long(outage, &why));
            return;
        }
        if matches!(pace, Pace::Full) {
            for line in self.app.paused(outage, &why) {
                self.app.screen.say(line.0, &line.1);
            }
        }
        board.pause(Some(&why));
        *pace = Pace::Paused { outage, since, delay, next: now + delay };
    }

    /// Whether the item that is tried has shown that the outage is over.
    fn is_over(&self, pace: &Pace) -> bool {
        let Pace::Probing { outage, marks, .. } = pace else { return false };
        let (accepted, heard) = self.marks();
        accepted > marks.0 || *outage == Outage::Unreachable && heard > marks.1
    }

    fn go_on(&self, pace: &mut Pace, board: &Board) {
        *pace = Pace::Full;
        board.pause(None);
        self.app.screen.say("goes on", "the service takes requests again");
    }
}

impl Setback {
    /// The reason in words.
    pub(crate) fn why(&self, item: &Item) -> String {
        let of_item = || item.error.clone().unwrap_or_else(|| "no reason given".to_owned());
        match self {
            Self::Ended => of_item(),
            Self::StillRunning => "the job goes on, and is billed once".to_owned(),
            Self::Taken(why) => format!("the job is fine, its clip is not saved: {why}"),
            Self::NotSaved(why) => format!("the job is fine, its clip is not saved: {why}"),
            Self::Missing { why, .. } => why.clone(),
            Self::OtherKey => "it was begun with another API key than the one in use".to_owned(),
            Self::Unsafe(why) | Self::Unknown(why) | Self::Paused { why, .. } | Self::Stopped { why, .. }
                if item.stage == Stage::Sent =>
            {
                format!("{why}; the job may exist, under the idempotency key {}", item.key)
            }
            Self::Unsafe(why)
            | Self::Unknown(why)
            | Self::Stuck { why, .. }
            | Self::Paused { why, .. }
            | Self::Stopped { why, .. } => why.clone(),
            Self::Lost => "another process has taken it over".to_owned(),
            Self::Ledger(error) => error.to_string(),
        }
    }

    /// The exit code of a run that met only this.
    pub(crate) fn exit(&self, item: &Item) -> Exit {
        match self {
            Self::Ended => match item.stage {
                Stage::Cancelled => Exit::Cancelled,
                Stage::Refused => Exit::Refused,
                _ => Exit::JobFailed,
            },
            Self::StillRunning => Exit::StillRunning,
            Self::OtherKey => Exit::Authentication,
            Self::Missing { .. } => Exit::Incomplete,
            // The service says that it did nothing.
            Self::Paused { outage: Outage::Credit, .. } => Exit::Credit,
            // It may have been carried out, now or before.
            Self::Paused { .. } | Self::Stopped { .. } if item.stage == Stage::Sent => Exit::OutcomeUnknown,
            Self::NotSaved(_) | Self::Taken(_) => Exit::Download,
            Self::Unsafe(_) | Self::Unknown(_) => Exit::OutcomeUnknown,
            Self::Stuck { exit, .. } | Self::Stopped { exit, .. } => *exit,
            Self::Paused { outage, .. } => outage.exit(),
            Self::Lost | Self::Ledger(_) => Exit::Other,
        }
    }
}
