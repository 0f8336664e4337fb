//! The lines at the foot of a terminal that change while something is going on.
//!
//! After each drawing the cursor is left where the first of them starts. So however a terminal lays its lines out anew when
//! its size changes, everything from the cursor on is what was drawn, and can be drawn over. The cursor is never hidden:
//! there is nothing to put in order however the process ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use terminal_size::{Height, Width, terminal_size_of};

use crate::layout::fit;

/// How often the lines are drawn.
pub(crate) const TICK: Duration = Duration::from_millis(120);

/// What a line shows.
pub(crate) trait Changing: Send + Sync {
    /// What is going on, in a word.
    fn word(&self) -> String;

    /// The line, which is cut if it has more than so many columns.
    fn line(&self, columns: usize) -> String;
}

/// The lines, in the order in which they were added. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Live {
    foot: Arc<Mutex<Foot>>,
}

#[derive(Default)]
struct Foot {
    lines: BTreeMap<u64, Arc<dyn Changing>>,
    next: u64,
    drawn: Option<Frame>,
    is_ticking: bool,
}

/// What was drawn, and on a terminal of what size.
#[derive(PartialEq, Eq)]
struct Frame {
    size: (usize, usize),
    lines: Vec<String>,
}

/// A line's place. The line goes when this is dropped.
pub(crate) struct Place {
    live: Live,
    number: u64,
}

impl Live {
    /// Adds a line below the others, and draws it from now on.
    pub(crate) fn add(&self, line: Arc<dyn Changing>) -> Place {
        let mut foot = self.foot();
        let number = foot.next;
        foot.next += 1;
        foot.lines.insert(number, line);
        foot.draw();
        if !foot.is_ticking {
            foot.is_ticking = true;
            tokio::spawn(tick(self.clone()));
        }
        Place { live: self.clone(), number }
    }

    /// Does something to the terminal while no line is there.
    pub(crate) fn suspend<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut foot = self.foot();
        foot.erase();
        let done = act();
        foot.draw();
        done
    }

    fn foot(&self) -> MutexGuard<'_, Foot> {
        self.foot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut foot = self.live.foot();
        foot.lines.remove(&self.number);
        foot.draw();
    }
}

async fn tick(live: Live) {
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        let mut foot = live.foot();
        if foot.lines.is_empty() {
            foot.is_ticking = false;
            return;
        }
        foot.draw();
    }
}

impl Foot {
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
            // A terminal drops what it has not read yet on Ctrl-C: also the half of a drawing.
            write("\u{1b}[?7h\r\u{1b}[J");
        }
    }
}

impl Frame {
    fn of(lines: &BTreeMap<u64, Arc<dyn Changing>>, size: (usize, usize)) -> Self {
        let (columns, rows) = size;
        // A line up to the edge, or one in the last row, could make the terminal go on to the next.
        let (columns, rows) = (columns.saturating_sub(1).max(1), rows.saturating_sub(1).max(1));
        let shown = if lines.len() <= rows { rows } else { rows - 1 };
        let mut texts: Vec<String> = lines.values().take(shown).map(|line| line.line(columns)).collect();
        if lines.len() > shown {
            texts.push(summary(lines.values().skip(shown).map(|line| line.word())));
        }
        Self { size, lines: texts.iter().map(|text| fit(text, columns).into_owned()).collect() }
    }

    /// What draws it from the cursor on, and leaves the cursor where it was.
    fn escapes(&self) -> String {
        let lines = self.lines.join("\u{1b}[K\r\n");
        let up = match self.lines.len() {
            0 | 1 => String::new(),
            count => format!("\u{1b}[{}A", count - 1),
        };
        // No line is wrapped, even if the size has just changed.
        format!("\r\u{1b}[?7l{lines}\u{1b}[J\u{1b}[?7h\r{up}")
    }
}

/// `and 12 more: 10 queued, 2 running`, for the lines that have no room.
fn summary(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    let kinds: Vec<String> = words
        .iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|kind| format!("{} {}", words.iter().filter(|word| *word == kind).count(), kind))
        .collect();
    format!("and {} more: {}", words.len(), kinds.join(", "))
}

/// The columns and rows of the terminal that stderr is.
fn size() -> (usize, usize) {
    let size = terminal_size_of(std::io::stderr()).filter(|(Width(columns), _)| *columns > 0);
    size.map_or((80, 24), |(Width(columns), Height(rows))| (columns.into(), rows.into()))
}

/// Not through anstream: where no colours are wanted, it would take the cursor's moves out too.
fn write(escapes: &str) {
    let mut stderr = std::io::stderr().lock();
    // Where the terminal is gone there is nobody to draw for.
    let _nobody = stderr.write_all(escapes.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static str);

    impl Changing for Fixed {
        fn word(&self) -> String {
            self.0.to_owned()
        }

        fn line(&self, _columns: usize) -> String {
            format!("{}     00:01", self.0)
        }
    }

    fn lines(words: &[&'static str], size: (usize, usize)) -> Vec<String> {
        let lines = words.iter().map(|word| Arc::new(Fixed(word)) as Arc<dyn Changing>);
        Frame::of(&(0..).zip(lines).collect(), size).lines
    }

    #[test]
    fn each_line_is_shown_as_far_as_there_is_room() {
        assert_eq!(lines(&["queued", "running"], (80, 24)), ["queued     00:01", "running     00:01"]);
        assert_eq!(lines(&["queued"], (10, 24)), ["queued..."]);
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let words = ["queued", "running", "queued", "queued", "running"];
        assert_eq!(lines(&words, (80, 6)).len(), 5);
        assert_eq!(
            lines(&words, (80, 4)),
            ["queued     00:01", "running     00:01", "and 3 more: 2 queued, 1 running"]
        );
        assert_eq!(lines(&words, (80, 1)), ["and 5 more: 3 queued, 2 running"]);
    }
}
