//! The progress of many items: a bar and a line for each on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex};

use infrai_video::download::Progress;
use tokio::time::Instant;

use super::download_progress::TransferMeter;
use super::terminal_lines::{LineHandle, TerminalLine};
use super::{BAR_WIDTH, LABEL_WIDTH, Output, bar, lock};
use crate::ledger::{Item, Stage};
use crate::text::{clean, clock, count, first_that_fits, fit, size};

/// Maximum columns of the name of an item on its line.
const NAME_WIDTH: usize = 32;

/// The progress of a batch or of `resume`.
pub(crate) struct BatchProgress {
    output: Output,
    totals: Arc<Totals>,
    line: Option<LineHandle>,
}

/// The progress of all items together.
struct Totals {
    items: usize,
    started: Instant,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    saved: usize,
    without_clip: usize,
    in_progress: usize,
    paused: Option<String>,
}

impl BatchProgress {
    /// `saved` of the items were finished before.
    pub(crate) fn new(output: &Output, items: usize, saved: usize) -> Self {
        let counts = Mutex::new(Counts { saved, ..Counts::default() });
        let totals = Arc::new(Totals { items, started: Instant::now(), counts });
        let line = output.is_live.then(|| output.lines.add(totals.clone()));
        Self { output: output.clone(), totals, line }
    }

    /// The line of an item that is begun.
    pub(crate) fn begin(&self, item: &Item) -> ItemProgress {
        lock(&self.totals.counts).in_progress += 1;
        let current = Arc::new(CurrentItem {
            name: clean(&item.label()).into_owned(),
            started: Instant::now(),
            state: Mutex::new(item.stage.to_string()),
            download: Mutex::default(),
        });
        let line = self.output.is_live.then(|| self.output.lines.add(current.clone()));
        ItemProgress { current, totals: Arc::clone(&self.totals), _line: line }
    }

    /// An item was finished, or is given up.
    pub(crate) fn finished(&self, item: &Item, why: &str) {
        let done = {
            let mut counts = lock(&self.totals.counts);
            match item.stage {
                Stage::Saved => counts.saved += 1,
                _ => counts.without_clip += 1,
            }
            counts.saved + counts.without_clip
        };
        let rest = match (item.stage, &item.path) {
            (Stage::Saved, Some(path)) => {
                let bytes = item.bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
                format!("{path}  {}", size(bytes))
            }
            (Stage::Saved, None) => format!("job {}", item.job_id.as_deref().unwrap_or_default()),
            _ => format!("{}  {why}", item.label()),
        };
        let is_open = item.stage.is_in_progress() || item.stage == Stage::Planned;
        let label = if is_open { "left" } else { item.stage.as_str() };
        self.output.status(label, &format!("{rest}  ({done} of {})", self.totals.items));
    }

    /// No item is begun while there is a reason.
    pub(crate) fn set_paused(&self, why: Option<&str>) {
        lock(&self.totals.counts).paused = why.map(str::to_owned);
    }

    /// Prints the progress where no changing line shows it.
    pub(crate) fn heartbeat(&self) {
        if self.line.is_none() {
            self.output.status("running", &self.totals.parts().join("  "));
        }
    }
}

impl Totals {
    fn parts(&self) -> Vec<String> {
        let counts = lock(&self.counts);
        let mut parts = vec![format!("{} of {}", counts.saved, count(self.items, "clip"))];
        if counts.without_clip > 0 {
            parts.push(format!("{} without", counts.without_clip));
        }
        parts.push(format!("{} in progress", counts.in_progress));
        parts.push(clock(self.started.elapsed()));
        parts.extend(counts.paused.as_ref().map(|why| format!("paused: {}", clean(why))));
        parts
    }
}

impl TerminalLine for Totals {
    fn state(&self) -> String {
        "batch".to_owned()
    }

    fn line(&self, columns: usize) -> String {
        let (parts, done) = (self.parts(), {
            let counts = lock(&self.counts);
            counts.saved + counts.without_clip
        });
        let bar = bar(BAR_WIDTH * done.min(self.items) / self.items.max(1));
        let label = format!("{:LABEL_WIDTH$}", self.state());
        let lines = [
            format!("{label}[{bar}]  {}", parts.join("  ")),
            format!("{label}{}", parts.join("  ")),
            format!("{label}{}", parts[0]),
        ];
        first_that_fits(lines, columns)
    }
}

/// The line of one item.
pub(crate) struct ItemProgress {
    current: Arc<CurrentItem>,
    totals: Arc<Totals>,
    _line: Option<LineHandle>,
}

struct CurrentItem {
    name: String,
    started: Instant,
    state: Mutex<String>,
    download: Mutex<Option<TransferMeter>>,
}

impl ItemProgress {
    /// Shows the stage of the item.
    pub(crate) fn update(&self, item: &Item) {
        let state = match item.stage {
            Stage::Sent => "submitting".to_owned(),
            Stage::Accepted => item.job_state.clone().unwrap_or_else(|| "accepted".to_owned()),
            stage => stage.to_string(),
        };
        *lock(&self.current.state) = clean(&state).into_owned();
    }

    /// The callback for the download of its clip.
    pub(crate) fn download_callback(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let current = Arc::clone(&self.current);
        move |progress| {
            let mut download = lock(&current.download);
            download.get_or_insert_default().record(progress.bytes, progress.total, Instant::now());
        }
    }
}

impl Drop for ItemProgress {
    fn drop(&mut self) {
        lock(&self.totals.counts).in_progress -= 1;
    }
}

impl TerminalLine for CurrentItem {
    fn state(&self) -> String {
        lock(&self.state).clone()
    }

    fn line(&self, columns: usize) -> String {
        let amount = lock(&self.download).as_ref().map(|meter| meter.amount(Instant::now()).join("  "));
        let (label, rest) = match amount {
            Some(amount) => ("saving".to_owned(), amount),
            None => (self.state(), clock(self.started.elapsed())),
        };
        let name = fit(&self.name, NAME_WIDTH);
        let lines = [
            format!("{label:LABEL_WIDTH$}{name}  {rest}"),
            format!("{label:LABEL_WIDTH$}{name}"),
            format!("{label} {}", fit(&self.name, columns.saturating_sub(label.len() + 1).max(6))),
        ];
        first_that_fits(lines, columns)
    }
}
