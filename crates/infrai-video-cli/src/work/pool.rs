//! Many items at once: so many at a time, paused as a whole where all would meet the same.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, interval_at, sleep, sleep_until};

use super::{Outage, Setback, Work};
use crate::args::PlanArgs;
use crate::board::{Board, label};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::{Entry, Item, LedgerError, Place, Stage, Take};
use crate::progress;

/// How soon after an outage one item is tried, at first and at last.
const FIRST_PROBE: Duration = Duration::from_secs(2);
const LAST_PROBE: Duration = Duration::from_secs(60);

/// How often an item may meet an outage that others do not meet.
const TRIES: u32 = 3;

/// How often items are looked for that another process may have left.
const LOOK: Duration = Duration::from_secs(2);

/// Where items come from.
pub(crate) enum Source {
    /// These, and no others.
    Ids(VecDeque<String>),
    Batch(Batch),
}

/// The items of a batch, and how many may be begun.
pub(crate) struct Batch {
    name: String,
    /// Where this process puts clips, by the id of the item.
    places: HashMap<String, Place>,
    replace: bool,
    max_jobs: Option<usize>,
    max_seconds: Option<f64>,
    /// What was begun by this run.
    begun: HashSet<String>,
    seconds: f64,
    /// Whether a limit lets no more be begun.
    is_full: bool,
    /// Planned items that this version of the plan does not have.
    foreign: HashSet<String>,
}

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
    pub(crate) set_aside: Vec<(Entry, Setback)>,
    /// Items whose clips are where they should be.
    pub(crate) saved: Vec<Entry>,
    /// Why the run ended early.
    pub(crate) stopped: Option<Failure>,
    /// Items that another live process works on.
    pub(crate) elsewhere: Vec<String>,
    /// Items that met an outage, and are to be tried again.
    held: VecDeque<Entry>,
    /// How often an item met one, and how many requests had been accepted when it first did.
    outages: HashMap<String, (u32, u64)>,
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
                    pace = Pace::Full;
                    tokio::select! {
                        () = sleep(LOOK) => {}
                        _ = heartbeat.tick() => board.heartbeat(),
                    }
                    continue;
                }
            }
            let probe = match &pace {
                Pace::Paused { next, .. } => Some(*next),
                // Somebody else's items may become free while there is room for them.
                _ if idle => Some(Instant::now() + LOOK),
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
                outcome.saved.push(entry);
            }
            Err(Setback::Lost) => {
                self.app
                    .screen
                    .say("note", &format!("{}: another process has taken it over", label(&entry.item)));
            }
            Err(Setback::Paused { outage, why })
                if settings.patience.is_some() && !self.is_its_own(&entry, outcome) =>
            {
                outcome.held.push_back(entry);
                self.pause(outage, why, settings, board, pace, outcome);
            }
            Err(Setback::Stopped { exit, why }) => {
                entry.release().await;
                outcome.stopped.get_or_insert_with(|| self.app.stopped(exit, &why));
            }
            Err(Setback::Ledger(error)) => {
                outcome.stopped.get_or_insert_with(|| self.app.ledger_failed(&error));
            }
            Err(setback) => {
                board.ended(&entry.item, &setback.why(&entry.item));
                outcome.set_aside.push((entry, setback));
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

impl Source {
    /// Takes up to so many items.
    async fn take(
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
                    match work.ledger.take(&service, Take::One(&id), 1).await?.pop() {
                        Some(item) => entries.push(Entry::new(&work.ledger, item)),
                        None => outcome.elsewhere.push(id),
                    }
                }
                Ok(entries)
            }
            Self::Batch(batch) => batch.take(work, &service, most).await,
        }
    }

    /// Whether there is nothing more to be done, also for others.
    async fn is_over(&self, work: &Work<'_>, outcome: &mut Outcome) -> bool {
        let batch = match self {
            Self::Ids(ids) => return ids.is_empty(),
            Self::Batch(batch) => batch,
        };
        let items = match work.ledger.batch(&work.app.service(), &batch.name).await {
            Ok(items) => items,
            Err(error) => {
                outcome.stopped = Some(work.app.ledger_failed(&error));
                return true;
            }
        };
        let aside: HashSet<_> = outcome.set_aside.iter().map(|(entry, _)| entry.item.id.as_str()).collect();
        batch.is_full
            || items.iter().all(|item| {
                let is_foreign = item.stage == Stage::Planned && !batch.places.contains_key(&item.id);
                item.stage.is_final() || is_foreign || aside.contains(item.id.as_str())
            })
    }
}

impl Batch {
    pub(crate) fn new(name: &str, places: HashMap<String, Place>, how: &PlanArgs) -> Self {
        Self {
            name: name.to_owned(),
            places,
            replace: how.force,
            max_jobs: how.max_jobs,
            max_seconds: how.max_seconds,
            begun: HashSet::new(),
            seconds: 0.0,
            is_full: false,
            foreign: HashSet::new(),
        }
    }

    /// What was begun comes first, also where its line is no longer in the plan: it is paid. What is set aside stays this
    /// process's until its end, so it is not taken again.
    async fn take(&mut self, work: &Work<'_>, service: &str, most: usize) -> Result<Vec<Entry>, LedgerError> {
        let mut items = work.ledger.take(service, Take::Begun(&self.name), most).await?;
        while items.len() < most && !self.is_full {
            let Some(item) = work.ledger.take(service, Take::Planned(&self.name), 1).await?.pop() else {
                break;
            };
            if !self.places.contains_key(&item.id) {
                self.foreign.insert(item.id);
                continue;
            }
            if self.allows(&item) {
                items.push(item);
            } else {
                self.is_full = true;
                Entry::new(&work.ledger, item).release().await;
            }
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

impl Setback {
    /// The reason in words.
    pub(crate) fn why(&self, item: &Item) -> String {
        let of_item = || item.error.clone().unwrap_or_else(|| "no reason given".to_owned());
        match self {
            Self::Ended => of_item(),
            Self::StillRunning => "the job goes on, and is billed once".to_owned(),
            Self::NotSaved(why) => format!("the job is fine, its clip is not saved: {why}"),
            Self::Unsafe(why) => (*why).to_owned(),
            Self::Unknown(why) => format!("the job may exist: {why}"),
            Self::Stuck { why, .. } | Self::Paused { why, .. } | Self::Stopped { why, .. } => why.clone(),
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
            Self::NotSaved(_) => Exit::Download,
            Self::Unsafe(_) | Self::Unknown(_) => Exit::OutcomeUnknown,
            Self::Stuck { exit, .. } | Self::Stopped { exit, .. } => *exit,
            Self::Paused { outage, .. } => outage.exit(),
            Self::Lost | Self::Ledger(_) => Exit::Other,
        }
    }
}
