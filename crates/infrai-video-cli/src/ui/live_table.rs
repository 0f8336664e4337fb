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
struct Current {
    table: Mutex<Option<Table>>,
    has_colors: bool,
    /// Shown instead of a table without rows.
    empty: &'static str,
}

impl LiveTable {
    pub(crate) fn new(output: &Output, empty: &'static str) -> Self {
        let current = Arc::new(Current { table: Mutex::default(), has_colors: output.has_colors(), empty });
        Self { _line: output.lines.add(current.clone()), current }
    }

    pub(crate) fn set(&self, table: Table) {
        *lock(&self.current.table) = Some(table);
    }

    /// Removes the table from the terminal, and returns it if it has rows.
    pub(crate) fn into_last(self) -> Option<Table> {
        lock(&self.current.table).take().filter(|table| !table.rows.is_empty())
    }
}

impl TerminalLine for Current {
    fn state(&self) -> String {
        "jobs".to_owned()
    }

    fn line(&self, _columns: usize) -> String {
        format!("{:LABEL_WIDTH$}for the list of jobs", "waiting")
    }

    /// As many rows of the table as there is room for, and the number of the others.
    fn lines(&self, columns: usize, rows: usize) -> Vec<String> {
        let table = lock(&self.table);
        let Some(table) = &*table else { return vec![self.line(columns)] };
        if table.rows.is_empty() {
            return vec![self.empty.to_owned()];
        }
        let blocks = table.blocks(Room { columns, can_move_cursor: true, has_colors: self.has_colors });
        if blocks.iter().map(Vec::len).sum::<usize>() <= rows {
            return blocks.concat();
        }
        let mut lines = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            if lines.len() + block.len() > rows.saturating_sub(1) {
                lines.push(format!("and {} more", blocks.len() - index));
                break;
            }
            lines.extend_from_slice(block);
        }
        lines
    }
}
