//! A table that changes on a terminal.

use std::sync::{Arc, Mutex};

use super::table::Room;
use super::terminal_lines::{LineHandle, TerminalLine};
use super::{LABEL_WIDTH, Output, Table, lock};

/// A table at the bottom of a terminal, which disappears when this is dropped.
pub(crate) struct LiveTable {
    current: Arc<Current>,
    _line: LineHandle,
}

/// The table, once there is one.
#[derive(Default)]
struct Current(Mutex<Option<Table>>);

impl LiveTable {
    pub(crate) fn new(output: &Output) -> Self {
        let current = Arc::new(Current::default());
        Self { _line: output.lines.add(current.clone()), current }
    }

    pub(crate) fn set(&self, table: Table) {
        *lock(&self.current.0) = Some(table);
    }

    /// Removes the table from the terminal, and returns it.
    pub(crate) fn into_last(self) -> Option<Table> {
        lock(&self.current.0).take()
    }
}

impl TerminalLine for Current {
    fn state(&self) -> String {
        "jobs".to_owned()
    }

    fn line(&self, _columns: usize) -> String {
        format!("{:LABEL_WIDTH$}for the list of jobs", "waiting")
    }

    /// As many lines of the table as there is room for, and the number of the others.
    fn lines(&self, columns: usize, rows: usize) -> Vec<String> {
        let table = lock(&self.0);
        let Some(table) = &*table else { return vec![self.line(columns)] };
        let mut lines = match table.rows.is_empty() {
            true => vec!["there are no such jobs".to_owned()],
            false => table.lines(Room { columns, can_move_cursor: true }),
        };
        if lines.len() > rows {
            let hidden = lines.len() - rows.saturating_sub(1);
            lines.truncate(rows.saturating_sub(1));
            lines.push(format!("and {hidden} more"));
        }
        lines
    }
}
