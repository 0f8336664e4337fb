//! The progress of many items: a bar and a line for each on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex};

use infrai_video::download::Progress;
use tokio::time::Instant;

use super::batch_totals::Totals;
use super::download_progress::TransferMeter;
use super::job_progress::usually;
use super::terminal_lines::{LineHandle, TerminalLine};
use super::{BAR_WIDTH, LABEL_WIDTH, Output, bar, lock};
use crate::ledger::{Forecast, Item, Stage, Usual};
use crate::text::{clean, clock, first_that_fits, fit, size};

/// Maximum columns of the name of an item on its line.
const NAME_WIDTH: usize = 32;

/// The progress of a batch or of `resume`.
pub(crate) struct BatchProgress {
    output: Output,
    batch: Arc<Batch>,
    line: Option<LineHandle>,
    forecast: Forecast,
}

/// The progress of all items together.
struct Batch {
    started: Instant,
    totals: Mutex<Totals>,
}

impl BatchProgress {
    /// `saved` of the items were finished before.
    pub(crate) fn new(output: &Output, items: usize, saved: usize, forecast: Forecast) -> Self {
        let batch =
            Arc::new(Batch { started: Instant::now(), totals: Mutex::new(Totals::new(items, saved)) });
        let line = output.is_live.then(|| output.lines.add(batch.clone()));
        Self { output: output.clone(), batch, line, forecast }
    }

    /// Shows no remaining time, since that depends on more than this run: other processes, or a limit.
    pub(crate) fn without_eta(self) -> Self {
        lock(&self.batch.totals).set_no_eta();
        self
    }

    /// The line of an item that is begun.
    pub(crate) fn begin(&self, item: &Item) -> ItemProgress {
        let (now, usual) = (Instant::now(), self.forecast.of_item(item));
        let middle = usual.as_ref().map(|usual| (*usual.range.start() + *usual.range.end()) / 2);
        lock(&self.batch.totals).begin(item, middle, now);
        let current = Arc::new(CurrentItem {
            id: item.id.clone(),
            name: clean(&item.label()).into_owned(),
            started: now,
            usual,
            state: Mutex::new(item.stage.to_string()),
            download: Mutex::default(),
        });
        let line = self.output.is_live.then(|| self.output.lines.add(current.clone()));
        ItemProgress { current, batch: Arc::clone(&self.batch), _line: line }
    }

    /// An item was finished, or is given up.
    pub(crate) fn finished(&self, item: &Item, why: &str) {
        let (done, items) = {
            let mut totals = lock(&self.batch.totals);
            totals.finish(item);
            (totals.done(), totals.items)
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
        self.output.status(label, &format!("{rest}  ({done} of {items})"));
    }

    /// No item is begun while there is a reason.
    pub(crate) fn set_paused(&self, why: Option<&str>) {
        lock(&self.batch.totals).set_paused(why);
    }

    /// Prints the progress where no changing line shows it.
    pub(crate) fn heartbeat(&self) {
        if self.line.is_none() {
            self.output.status("running", &self.batch.parts().join("  "));
        }
    }
}

impl Batch {
    /// Counts, elapsed and remaining time, money, and why nothing is begun.
    fn parts(&self) -> Vec<String> {
        let (mut totals, now) = (lock(&self.totals), Instant::now());
        let elapsed = clock(self.started.elapsed());
        let known = [Some(totals.counts()), Some(elapsed), totals.left(now), totals.money(), totals.pause()];
        known.into_iter().flatten().collect()
    }
}

impl TerminalLine for Batch {
    fn state(&self) -> String {
        "batch".to_owned()
    }

    fn line(&self, columns: usize) -> String {
        let parts = self.parts();
        let bar = {
            let totals = lock(&self.totals);
            bar(BAR_WIDTH * totals.done().min(totals.items) / totals.items.max(1))
        };
        let label = format!("{:LABEL_WIDTH$}", self.state());
        let with_bar = format!("{label}[{bar}]  {}", parts.join("  "));
        let shorter = (1..=parts.len()).rev().map(|count| format!("{label}{}", parts[..count].join("  ")));
        first_that_fits(std::iter::once(with_bar).chain(shorter), columns)
    }
}

/// The line of one item.
pub(crate) struct ItemProgress {
    current: Arc<CurrentItem>,
    batch: Arc<Batch>,
    _line: Option<LineHandle>,
}

struct CurrentItem {
    id: String,
    name: String,
    started: Instant,
    usual: Option<Usual>,
    state: Mutex<String>,
    download: Mutex<Option<TransferMeter>>,
}

impl ItemProgress {
    /// Shows the stage of the item.
    pub(crate) fn update(&self, item: &Item) {
        let state = match item.stage {
            Stage::Sent => "submitting".to_owned(),
            // Its clip is requested.
            Stage::Accepted if item.job_state.as_deref() == Some("succeeded") => "saving".to_owned(),
            Stage::Accepted => item.job_state.clone().unwrap_or_else(|| "accepted".to_owned()),
            stage => stage.to_string(),
        };
        *lock(&self.current.state) = clean(&state).into_owned();
        lock(&self.batch.totals).update(item);
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
        lock(&self.batch.totals).end(&self.current.id, Instant::now());
    }
}

impl TerminalLine for CurrentItem {
    fn state(&self) -> String {
        lock(&self.state).clone()
    }

    fn line(&self, columns: usize) -> String {
        let amount = lock(&self.download).as_ref().map(|meter| meter.amount(Instant::now()).join("  "));
        let waited = self.started.elapsed();
        let usual = self.usual.as_ref().filter(|_| amount.is_none());
        let usual = usual.map(|usual| format!("  {}", usually(usual, waited))).unwrap_or_default();
        let (label, rest) = match amount {
            Some(amount) => ("saving".to_owned(), amount),
            None => (self.state(), clock(waited)),
        };
        let name = fit(&self.name, NAME_WIDTH);
        let lines = [
            format!("{label:LABEL_WIDTH$}{name}  {rest}{usual}"),
            format!("{label:LABEL_WIDTH$}{name}  {rest}"),
            format!("{label:LABEL_WIDTH$}{name}"),
            format!("{label} {}", fit(&self.name, columns.saturating_sub(label.len() + 1).max(6))),
        ];
        first_that_fits(lines, columns)
    }
}
