//! The two streams: data on stdout, everything else on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;

use super::LABEL_WIDTH;
use super::table::{Room, Table, beside};
use super::terminal_lines::TerminalLines;
use crate::args::Global;
use crate::exit_code::Exit;
use crate::failure::{Failure, FailureLine};
use crate::text::{clean, clean_json, isolate};

/// A terminal with fewer columns than this has narrower gaps.
const NARROW: usize = 60;

const SUCCESS: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const PLAIN: Style = Style::new().bold();

/// Where everything is written. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// Whether stderr is a terminal with changing lines.
    pub(crate) is_live: bool,
    /// Whether the user can answer questions.
    pub(crate) is_interactive: bool,
    pub(crate) stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    /// Whether the terminal supports escape sequences.
    supports_escapes: bool,
    pub(super) lines: TerminalLines,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let stderr_is_terminal = io::stderr().is_terminal();
        let supports_escapes = supports_escapes();
        let is_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
        Self {
            json: global.json,
            quiet: global.quiet,
            is_live: stderr_is_terminal && supports_escapes && !is_ci && !global.quiet,
            is_interactive: stderr_is_terminal && io::stdin().is_terminal() && !is_ci,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal,
            supports_escapes,
            lines: TerminalLines::default(),
        }
    }

    /// For use before the options are known.
    pub(crate) fn plain() -> Self {
        Self {
            json: false,
            quiet: false,
            is_live: false,
            is_interactive: false,
            stdout_is_terminal: false,
            stderr_is_terminal: io::stderr().is_terminal(),
            supports_escapes: false,
            lines: TerminalLines::default(),
        }
    }

    /// A line on stderr about what happens, unless `--quiet` is set.
    pub(crate) fn status(&self, label: &str, text: &str) {
        if !self.quiet {
            self.important(label, text);
        }
    }

    /// A line on stderr without a label, from a command of the user.
    pub(crate) fn plain_line(&self, line: &str) {
        self.to_stderr(&format!("{}\n", clean(line)));
    }

    /// Rings the bell of the terminal, and shows a notification where it supports that. Nothing happens without a terminal.
    pub(crate) fn notify(&self, text: &str) {
        if !self.stderr_is_terminal {
            return;
        }
        // The console of Linux would show the text.
        let is_console = std::env::var_os("TERM").is_some_and(|term| term == "linux");
        let notification = match self.supports_escapes && !is_console {
            true => format!("\x1b]9;{}\x1b\\", clean(text)),
            false => String::new(),
        };
        // Not by anstream, which removes sequences without colours.
        self.lines.suspend(|| {
            let _closed = io::stderr().write_all(format!("{notification}\x07").as_bytes());
        });
    }

    /// A line of a log on stderr, without a label. Its text is safe to print.
    #[cfg(feature = "sandbox")]
    pub(crate) fn log_line(&self, line: &str) {
        self.to_stderr(&format!("{line}\n"));
    }

    /// Several such lines.
    pub(crate) fn statuses(&self, lines: &[(&str, String)]) {
        for (label, text) in lines {
            self.status(label, text);
        }
    }

    /// A line on stderr that is printed even if `--quiet` is set.
    pub(crate) fn important(&self, label: &str, text: &str) {
        let text = clean(text);
        match self.stderr_is_terminal {
            true => self.labelled(label, &isolate(&text)),
            false => self.labelled(label, &text),
        }
    }

    fn labelled(&self, label: &str, text: &str) {
        let style = match label {
            "done" | "cancelled" | "deleted" => SUCCESS,
            "error" => ERROR,
            "note" | "sandbox" | "detached" | "stopped" => WARNING,
            _ => PLAIN,
        };
        let gap = LABEL_WIDTH.saturating_sub(label.len());
        self.to_stderr(&format!("{style}{label}{style:#}{:gap$}{text}\n", ""));
    }

    /// Styles are removed where stderr does not support them.
    fn to_stderr(&self, text: &str) {
        self.lines.suspend(|| {
            // A closed stderr has no reader to inform.
            let _closed = anstream::stderr().write_all(text.as_bytes());
        });
    }

    /// Why a command failed, and what to do next.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message().is_empty() {
            return;
        }
        if self.json {
            return self.failure_line(failure);
        }
        self.important(failure.label(), failure.message());
        for (index, step) in failure.steps().iter().enumerate() {
            // Users copy these lines, so they contain no direction marks.
            self.labelled(if index == 0 { "next" } else { "" }, &clean(step));
        }
    }

    /// Why a command failed, as a line of JSON on stderr.
    pub(crate) fn failure_line(&self, failure: &Failure) {
        let line = FailureLine::from(failure);
        let json = serde_json::to_string(&line).expect("strings and numbers have a JSON form");
        self.to_stderr(&format!("{}\n", clean_json(&json)));
    }

    /// A line of data on stdout.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.write(&clean(text))
    }

    /// A line of data with tabs between its cells, also of empty ones.
    pub(crate) fn row(&self, cells: &[&str]) -> Result<(), Failure> {
        let cells: Vec<_> = cells.iter().map(|cell| clean(cell)).collect();
        self.write(&cells.join("\t"))
    }

    /// A JSON document on one line of stdout. `schema/rows.rs` lists the types that each command prints.
    pub(crate) fn json(&self, value: &(impl Serialize + JsonSchema)) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(|error| {
            Failure::new(Exit::Other, format!("the result cannot be converted to JSON: {error}"))
        })?;
        self.write(&clean_json(&json))
    }

    /// Names and values, aligned on a terminal and separated by tabs elsewhere. Unknown values are left out.
    pub(crate) fn fields(&self, fields: &[(&str, Option<String>)]) -> Result<(), Failure> {
        let known = || fields.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let widest = known().map(|(name, _)| name.len()).max().unwrap_or_default();
        let gap = widest + if columns() < NARROW { 1 } else { 2 };
        for (name, value) in known() {
            match self.stdout_is_terminal {
                true => {
                    let lines = beside(name, &clean(value), gap, columns());
                    lines.iter().try_for_each(|line| self.write(line))?;
                }
                false => self.row(&[name, value])?,
            }
        }
        Ok(())
    }

    /// Rows under headings: a table that fits the terminal, or lines with tabs elsewhere.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        if !self.stdout_is_terminal {
            let as_lines = |row: &Vec<String>| self.row(&row.iter().map(String::as_str).collect::<Vec<_>>());
            return table.rows.iter().try_for_each(as_lines);
        }
        let room = Room {
            columns: columns(),
            can_move_cursor: self.supports_escapes,
            has_colors: self.has_colors(),
        };
        table.lines(room).iter().try_for_each(|line| self.write(line))
    }

    /// Whether the terminal on stdout shows colours, and the user wants them.
    pub(super) fn has_colors(&self) -> bool {
        self.stdout_is_terminal && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
    }

    fn write(&self, line: &str) -> Result<(), Failure> {
        self.verbatim(format!("{line}\n").as_bytes())
    }

    /// Bytes on stdout, unchanged.
    pub(crate) fn verbatim(&self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.lines.suspend(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        });
        written.map_err(|error| match error.kind() {
            // The reader has read enough, as in `infrai-video list --all | head`.
            io::ErrorKind::BrokenPipe => Failure::printed(Exit::Success),
            _ => Failure::new(Exit::Other, format!("stdout cannot be written: {error}"))
                .next("check where stdout goes, such as the free space there"),
        })
    }

    /// Ends the line of an unanswered question.
    pub(super) fn end_question(&self) {
        self.to_stderr("\n");
    }

    /// Asks a question and reads one line. Blocks this thread; others may write meanwhile.
    pub(super) fn read_reply(&self, question: &str) -> io::Result<String> {
        self.lines.suspend(|| {
            let mut stderr = anstream::stderr();
            stderr.write_all(format!("{} ", clean(question)).as_bytes())?;
            stderr.flush()
        })?;
        let mut reply = String::new();
        if io::stdin().read_line(&mut reply)? == 0 {
            self.end_question();
        }
        Ok(reply.trim().to_lowercase())
    }
}

/// Whether the terminal supports escape sequences.
fn supports_escapes() -> bool {
    #[cfg(windows)]
    return anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
    #[cfg(not(windows))]
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// The columns of the terminal on stdout.
fn columns() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0).unwrap_or(80)
}
