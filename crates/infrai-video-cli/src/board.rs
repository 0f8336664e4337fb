//! How many items look while they are worked on: a bar and a line for each on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex};

use infrai_video::Progress;
use tokio::time::Instant;

use crate::layout::{fit, roomiest};
use crate::ledger::{Item, Stage};
use crate::live::{Changing, Place};
use crate::output::{Screen, WORD};
use crate::progress::{Arrived, lock};
use crate::text::{clean, clock, count, size};

/// How wide the name of an item may be on its line.
const NAME: usize = 32;

const BAR: usize = 24;

/// The items of a batch, or of a `resume`.
pub(crate) struct Board {
    screen: Screen,
    sums: Arc<Sums>,
    place: Option<Place>,
}

/// How far all items are together.
struct Sums {
    total: usize,
    started: Instant,
    numbers: Mutex<Numbers>,
}

#[derive(Default)]
struct Numbers {
    saved: usize,
    without: usize,
    under_way: usize,
    paused: Option<String>,
}

impl Board {
    /// `saved` of the items were finished before.
    pub(crate) fn new(screen: &Screen, total: usize, saved: usize) -> Self {
        let numbers = Mutex::new(Numbers { saved, ..Numbers::default() });
        let sums = Arc::new(Sums { total, started: Instant::now(), numbers });
        let place = screen.live.then(|| screen.foot.add(sums.clone()));
        Self { screen: screen.clone(), sums, place }
    }

    /// The line of an item that is begun.
    pub(crate) fn meter(&self, item: &Item) -> Meter {
        lock(&self.sums.numbers).under_way += 1;
        let seen = Arc::new(SeenItem {
            name: clean(&label(item)).into_owned(),
            started: Instant::now(),
            state: Mutex::new(item.stage.to_string()),
            arrived: Mutex::default(),
        });
        let place = self.screen.live.then(|| self.screen.foot.add(seen.clone()));
        Meter { seen, sums: Arc::clone(&self.sums), _place: place }
    }

    /// An item came to its end.
    pub(crate) fn ended(&self, item: &Item, why: &str) {
        let done = {
            let mut numbers = lock(&self.sums.numbers);
            match item.stage {
                Stage::Saved => numbers.saved += 1,
                _ => numbers.without += 1,
            }
            numbers.saved + numbers.without
        };
        let rest = match (item.stage, &item.path) {
            (Stage::Saved, Some(path)) => {
                let bytes = item.bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
                format!("{path}  {}", size(bytes))
            }
            (Stage::Saved, None) => format!("job {}", item.job_id.as_deref().unwrap_or_default()),
            _ => format!("{}  {why}", label(item)),
        };
        let is_open = item.stage.is_under_way() || item.stage == Stage::Planned;
        let word = if is_open { "left" } else { item.stage.as_str() };
        self.screen.say(word, &format!("{rest}  ({done} of {})", self.sums.total));
    }

    /// Nothing is begun until something is over.
    pub(crate) fn pause(&self, why: Option<&str>) {
        lock(&self.sums.numbers).paused = why.map(str::to_owned);
    }

    /// Says how far it is, where no changing line does.
    pub(crate) fn heartbeat(&self) {
        if self.place.is_none() {
            self.screen.say("running", &self.sums.words().join("  "));
        }
    }
}

impl Sums {
    fn words(&self) -> Vec<String> {
        let numbers = lock(&self.numbers);
        let mut words = vec![format!("{} of {}", numbers.saved, count(self.total, "clip"))];
        if numbers.without > 0 {
            words.push(format!("{} without", numbers.without));
        }
        words.push(format!("{} under way", numbers.under_way));
        words.push(clock(self.started.elapsed()));
        words.extend(numbers.paused.as_ref().map(|why| format!("paused: {}", clean(why))));
        words
    }
}

impl Changing for Sums {
    fn word(&self) -> String {
        "batch".to_owned()
    }

    fn line(&self, columns: usize) -> String {
        let (words, done) = (self.words(), {
            let numbers = lock(&self.numbers);
            numbers.saved + numbers.without
        });
        let full = BAR * done.min(self.total) / self.total.max(1);
        let bar = format!("{}{}", "=".repeat(full), " ".repeat(BAR - full));
        let word = format!("{:WORD$}", self.word());
        let lines = [
            format!("{word}[{bar}]  {}", words.join("  ")),
            format!("{word}{}", words.join("  ")),
            format!("{word}{}", words[0]),
        ];
        roomiest(lines, columns)
    }
}

/// The line of one item.
pub(crate) struct Meter {
    seen: Arc<SeenItem>,
    sums: Arc<Sums>,
    _place: Option<Place>,
}

/// What is known of an item.
struct SeenItem {
    name: String,
    started: Instant,
    state: Mutex<String>,
    arrived: Mutex<Option<Arrived>>,
}

impl Meter {
    /// Shows how far the item is.
    pub(crate) fn stage(&self, item: &Item) {
        let state = match item.stage {
            Stage::Sent => "submitting".to_owned(),
            Stage::Accepted => item.job_state.clone().unwrap_or_else(|| "accepted".to_owned()),
            stage => stage.to_string(),
        };
        *lock(&self.seen.state) = clean(&state).into_owned();
    }

    /// What a download reports to.
    pub(crate) fn reporter(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let seen = Arc::clone(&self.seen);
        move |progress| {
            let mut arrived = lock(&seen.arrived);
            arrived.get_or_insert_default().count(progress.bytes, progress.total, Instant::now());
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        lock(&self.sums.numbers).under_way -= 1;
    }
}

impl Changing for SeenItem {
    fn word(&self) -> String {
        lock(&self.state).clone()
    }

    fn line(&self, columns: usize) -> String {
        let elapsed = clock(self.started.elapsed());
        let amount = lock(&self.arrived).as_ref().map(|arrived| arrived.amount(Instant::now()).join("  "));
        let (word, rest) = match amount {
            Some(amount) => ("saving".to_owned(), amount),
            None => (self.word(), elapsed),
        };
        let name = fit(&self.name, NAME);
        let lines = [
            format!("{word:WORD$}{name}  {rest}"),
            format!("{word:WORD$}{name}"),
            format!("{word} {}", fit(&self.name, columns.saturating_sub(word.len() + 1).max(6))),
        ];
        roomiest(lines, columns)
    }
}

/// What a person calls an item.
pub(crate) fn label(item: &Item) -> String {
    match (&item.name, item.line) {
        (Some(name), _) => name.clone(),
        (None, Some(line)) => format!("line {line}"),
        (None, None) => item.job_id.clone().unwrap_or_else(|| item.key.clone()),
    }
}
