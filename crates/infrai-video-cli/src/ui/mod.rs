//! What users see: stdout and stderr, changing lines on a terminal, tables, and questions.

mod batch_progress;
mod batch_totals;
mod confirm;
mod download_progress;
mod job_progress;
mod live_table;
mod log;
mod output;
mod table;
mod terminal_lines;
mod waiting;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use self::batch_progress::{BatchProgress, ItemProgress};
pub(crate) use self::confirm::{Consent, Reply, ask, ask_yes_or_no};
pub(crate) use self::download_progress::DownloadProgress;
pub(crate) use self::job_progress::JobProgress;
pub(crate) use self::live_table::LiveTable;
pub(crate) use self::log::install_log;
pub(crate) use self::output::Output;
pub(crate) use self::table::{Step, Table};

/// How often a plain line is printed while nothing changes.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(30);

/// The column in which text starts after its label.
const LABEL_WIDTH: usize = 11;

/// Columns of a progress bar.
const BAR_WIDTH: usize = 24;

/// A progress bar without its brackets.
fn bar(full: usize) -> String {
    let full = full.min(BAR_WIDTH);
    format!("{}{}", "=".repeat(full), " ".repeat(BAR_WIDTH - full))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
