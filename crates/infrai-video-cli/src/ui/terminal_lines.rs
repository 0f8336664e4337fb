//! Changing lines at the bottom of a terminal.
//!
//! After each drawing the cursor is at the start of the first line. However the terminal rearranges its lines when its size
//! changes, everything from the cursor on was drawn here and can be overwritten. The cursor is never hidden, so that nothing has
//! to be restored when the process exits.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use terminal_size::{Height, Width, terminal_size_of};

use super::lock;
use crate::text::fit;

/// How often the lines are drawn.
pub(super) const TICK: Duration = Duration::from_millis(120);

/// A changing line.
pub(super) trait TerminalLine: Send + Sync {
    /// The state in one word.
    fn state(&self) -> String;

    /// The line for this many columns. A longer one is cut.
    fn line(&self, columns: usize) -> String;

    /// Its lines on the terminal, for something that has up to `rows` of them. None may be longer than `columns`.
    fn lines(&self, columns: usize, _rows: usize) -> Vec<String> {
        vec![fit(&self.line(columns), columns).into_owned()]
    }
}

/// The lines in the order in which they were added. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct TerminalLines {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    lines: BTreeMap<u64, Arc<dyn TerminalLine>>,
    next: u64,
    drawn: Option<Frame>,
    is_ticking: bool,
}

/// What was drawn, and the size of the terminal (columns and rows).
#[derive(PartialEq, Eq)]
struct Frame {
    size: (usize, usize),
    lines: Vec<String>,
}

/// A line on the terminal, which disappears when this is dropped.
pub(super) struct LineHandle {
    lines: TerminalLines,
    number: u64,
}

impl TerminalLines {
    /// Adds a line below the others and draws it from now on.
    pub(super) fn add(&self, line: Arc<dyn TerminalLine>) -> LineHandle {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.lines.insert(number, line);
        inner.draw();
        if !inner.is_ticking {
            inner.is_ticking = true;
            tokio::spawn(tick(self.clone()));
        }
        LineHandle { lines: self.clone(), number }
    }

    /// Runs `write` while no line is drawn.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        let mut inner = self.lock();
        inner.erase();
        let written = write();
        inner.draw();
        written
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl std::fmt::Debug for TerminalLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalLines").finish_non_exhaustive()
    }
}

impl Drop for LineHandle {
    fn drop(&mut self) {
        let mut inner = self.lines.lock();
        inner.lines.remove(&self.number);
        inner.draw();
    }
}

async fn tick(lines: TerminalLines) {
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        let mut inner = lines.lock();
        if inner.lines.is_empty() {
            inner.is_ticking = false;
            return;
        }
        inner.draw();
    }
}

impl Inner {
    fn draw(&mut self) {
        if self.lines.is_empty() {
            return self.erase();
        }
        let frame = Frame::of(&self.lines, size());
        if self.drawn.as_ref() != Some(&frame) {
            write(&frame.escapes());
            self.drawn = Some(frame);
        }
    }

    fn erase(&mut self) {
        if self.drawn.take().is_some() {
            // On Ctrl-C a terminal drops unread output, which may be half of a drawing.
            write("\u{1b}[?7h\r\u{1b}[J");
        }
    }
}

impl Frame {
    fn of(lines: &BTreeMap<u64, Arc<dyn TerminalLine>>, size: (usize, usize)) -> Self {
        let (columns, rows) = size;
        // A line up to the edge, or one in the last row, could make the terminal scroll.
        let (columns, rows) = (columns.saturating_sub(1).max(1), rows.saturating_sub(1).max(1));
        let shown = if lines.len() <= rows { rows } else { rows - 1 };
        // One of them may have more lines, if the others leave room.
        let room = rows.saturating_sub(lines.len() - 1).max(1);
        let mut texts: Vec<String> =
            lines.values().take(shown).flat_map(|line| line.lines(columns, room)).collect();
        if lines.len() > shown {
            let rest = summary(lines.values().skip(shown).map(|line| line.state()));
            texts.push(fit(&rest, columns).into_owned());
        }
        Self { size, lines: texts }
    }

    /// The escape sequences that draw it from the cursor on and restore the cursor.
    fn escapes(&self) -> String {
        let lines = self.lines.join("\u{1b}[K\r\n");
        let up = match self.lines.len() {
            0 | 1 => String::new(),
            count => format!("\u{1b}[{}A", count - 1),
        };
        // Wrapping is off meanwhile, in case the size has just changed.
        format!("\r\u{1b}[?7l{lines}\u{1b}[J\u{1b}[?7h\r{up}")
    }
}

/// `and 12 more: 10 queued, 2 running`, for lines without room.
fn summary(states: impl Iterator<Item = String>) -> String {
    let states: Vec<String> = states.collect();
    let counts: Vec<String> = states
        .iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|state| format!("{} {state}", states.iter().filter(|other| *other == state).count()))
        .collect();
    format!("and {} more: {}", states.len(), counts.join(", "))
}

/// The columns and rows of the terminal on stderr.
fn size() -> (usize, usize) {
    let size = terminal_size_of(std::io::stderr()).filter(|(Width(columns), _)| *columns > 0);
    size.map_or((80, 24), |(Width(columns), Height(rows))| (columns.into(), rows.into()))
}

/// Bypasses anstream, which would remove the cursor movements where colours are off.
fn write(escapes: &str) {
    let mut stderr = std::io::stderr().lock();
    // A closed terminal has nothing to draw on.
    let _closed = stderr.write_all(escapes.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static str);

    impl TerminalLine for Fixed {
        fn state(&self) -> String {
            self.0.to_owned()
        }

        fn line(&self, _columns: usize) -> String {
            format!("{}     00:01", self.0)
        }
    }

    fn lines(states: &[&'static str], size: (usize, usize)) -> Vec<String> {
        let lines = states.iter().map(|state| Arc::new(Fixed(state)) as Arc<dyn TerminalLine>);
        Frame::of(&(0..).zip(lines).collect(), size).lines
    }

    #[test]
    fn a_line_that_is_too_long_is_cut() {
        assert_eq!(lines(&["queued", "running"], (80, 24)), ["queued     00:01", "running     00:01"]);
        assert_eq!(lines(&["queued"], (10, 24)), ["queued..."]);
    }

    #[test]
    fn lines_without_room_are_counted() {
        let states = ["queued", "running", "queued", "queued", "running"];
        assert_eq!(lines(&states, (80, 6)).len(), 5);
        assert_eq!(
            lines(&states, (80, 4)),
            ["queued     00:01", "running     00:01", "and 3 more: 2 queued, 1 running"]
        );
        assert_eq!(lines(&states, (80, 1)), ["and 5 more: 3 queued, 2 running"]);
    }
}
