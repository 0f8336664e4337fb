//! How many items look while they are worked on: a bar and a line for each on a terminal, plain lines elsewhere.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use infrai_video::Progress;
use tokio::time::Instant;

use crate::ledger::{Item, Stage};
use crate::output::{Screen, WORD};
use crate::text::{clean, clock, count, fit, size};

/// How wide the name of an item may be on its line.
const NAME: usize = 32;

/// Rows of the terminal that are left to other things than items.
const OTHER_ROWS: usize = 4;

const TICK: Duration = Duration::from_millis(200);

/// The items of a batch, or of a `resume`.
pub(crate) struct Board {
    screen: Screen,
    total: usize,
    done: Cell<usize>,
    failed: Cell<usize>,
    running: Rc<Cell<usize>>,
    /// How many more items fit on the terminal.
    rows: Rc<Cell<usize>>,
    overall: Option<ProgressBar>,
    started: Instant,
    paused: RefCell<Option<String>>,
}

impl Board {
    /// `done` of the items were finished before.
    pub(crate) fn new(screen: &Screen, total: usize, done: usize) -> Self {
        let height = terminal_size::terminal_size_of(std::io::stderr())
            .map_or(24, |(_, height)| usize::from(height.0));
        let overall = screen.live.then(|| {
            let bar = screen.bars.add(ProgressBar::new(total as u64));
            bar.set_style(style(&format!("{{prefix:{WORD}}}{{bar:24}}  {{wide_msg}}")).progress_chars("=> "));
            bar.set_prefix("batch");
            bar.enable_steady_tick(TICK);
            bar
        });
        let board = Self {
            screen: screen.clone(),
            total,
            done: Cell::new(done),
            failed: Cell::new(0),
            running: Rc::default(),
            rows: Rc::new(Cell::new(height.saturating_sub(OTHER_ROWS).max(1))),
            overall,
            started: Instant::now(),
            paused: RefCell::default(),
        };
        board.refresh();
        board
    }

    /// The line of an item that is begun.
    pub(crate) fn meter(&self, item: &Item) -> Meter {
        self.running.set(self.running.get() + 1);
        let bar = (self.screen.live && self.rows.get() > 0).then(|| {
            self.rows.set(self.rows.get() - 1);
            let bar = self.screen.bars.add(ProgressBar::new_spinner());
            bar.set_style(style(&format!("{:WORD$}{{prefix}}  {{wide_msg}}", "")));
            bar.set_prefix(fit(&clean(&label(item)), NAME).into_owned());
            bar
        });
        self.refresh();
        let (rows, running) = (Rc::clone(&self.rows), Rc::clone(&self.running));
        Meter { bar, rows, running, started: Instant::now() }
    }

    /// An item came to its end.
    pub(crate) fn ended(&self, item: &Item, why: &str) {
        match item.stage {
            Stage::Saved => self.done.set(self.done.get() + 1),
            _ => self.failed.set(self.failed.get() + 1),
        }
        let rest = match (item.stage, &item.path) {
            (Stage::Saved, Some(path)) => {
                let bytes = size(item.bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default());
                format!("{path}  {bytes}")
            }
            (Stage::Saved, None) => format!("job {}", item.job_id.as_deref().unwrap_or_default()),
            _ => format!("{}  {why}", label(item)),
        };
        let word = if item.stage.is_under_way() || item.stage == Stage::Planned {
            "left"
        } else {
            item.stage.as_str()
        };
        self.screen
            .say(word, &format!("{rest}  ({} of {})", self.done.get() + self.failed.get(), self.total));
        self.refresh();
    }

    /// Nothing is begun until something is over.
    pub(crate) fn pause(&self, why: Option<&str>) {
        *self.paused.borrow_mut() = why.map(str::to_owned);
        self.refresh();
    }

    /// Says how far it is, where no bar does.
    pub(crate) fn heartbeat(&self) {
        match self.overall {
            Some(_) => self.refresh(),
            None => self.screen.say("running", &self.summary()),
        }
    }

    fn refresh(&self) {
        if let Some(bar) = &self.overall {
            bar.set_position((self.done.get() + self.failed.get()) as u64);
            bar.set_message(self.summary());
        }
    }

    fn summary(&self) -> String {
        let mut parts = vec![format!("{} of {}", self.done.get(), count(self.total, "clip"))];
        if self.failed.get() > 0 {
            parts.push(format!("{} without", self.failed.get()));
        }
        parts.push(format!("{} under way", self.running.get()));
        parts.push(clock(self.started.elapsed()));
        parts.extend(self.paused.borrow().iter().map(|why| format!("paused: {why}")));
        parts.join("  ")
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Some(bar) = &self.overall {
            bar.finish_and_clear();
        }
    }
}

/// The line of one item.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    rows: Rc<Cell<usize>>,
    running: Rc<Cell<usize>>,
    started: Instant,
}

impl Meter {
    /// Shows how far the item is.
    pub(crate) fn stage(&self, item: &Item) {
        let Some(bar) = &self.bar else { return };
        let state = match item.stage {
            Stage::Sent => "submitting".to_owned(),
            Stage::Accepted => item.job_state.clone().unwrap_or_else(|| "accepted".to_owned()),
            stage => stage.to_string(),
        };
        bar.set_message(format!("{}  {}", clean(&state), clock(self.started.elapsed())));
    }

    /// What a download reports to.
    pub(crate) fn reporter(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let bar = self.bar.clone();
        let started = Instant::now();
        move |progress| {
            let Some(bar) = &bar else { return };
            let rate = progress.bytes as f64 / started.elapsed().as_secs_f64().max(0.001);
            let total = progress.total.map(|total| format!(" of {}", size(total))).unwrap_or_default();
            let left = progress.total.map(|total| {
                let seconds = total.saturating_sub(progress.bytes) as f64 / rate.max(1.0);
                format!("  {} left", clock(Duration::from_secs_f64(seconds.min(359_999.0))))
            });
            let left = left.unwrap_or_default();
            bar.set_message(format!(
                "saving  {}{total}  {}/s{left}",
                size(progress.bytes),
                size(rate as u64)
            ));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.running.set(self.running.get().saturating_sub(1));
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.rows.set(self.rows.get() + 1);
        }
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is fixed and well formed")
}
