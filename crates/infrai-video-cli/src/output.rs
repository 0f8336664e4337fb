//! The two streams: data on stdout, everything else on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressDrawTarget};
use schemars::JsonSchema;
use serde::Serialize;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use unicode_width::UnicodeWidthStr as _;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::{clean, clean_json, fit};

/// The column in which text starts after the word that says what it is about.
pub(crate) const WORD: usize = 11;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CARE: Style = AnsiColor::Yellow.on_default().bold();
const PLAIN: Style = Style::new().bold();

/// Where everything is written. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// Whether stderr is a terminal that may be drawn on.
    pub(crate) live: bool,
    /// Whether somebody can be asked.
    pub(crate) can_ask: bool,
    /// Whether stdout is a terminal.
    pub(crate) stdout_is_terminal: bool,
    pub(crate) bars: MultiProgress,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
        Self {
            json: global.json,
            quiet: global.quiet,
            live: terminal && !dumb && !ci && !global.quiet,
            can_ask: terminal && io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
        }
    }

    /// Before the options are known.
    pub(crate) fn plain() -> Self {
        Self {
            json: false,
            quiet: false,
            live: false,
            can_ask: false,
            stdout_is_terminal: false,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
        }
    }

    /// A line on stderr about how things go, unless the user wants quiet.
    pub(crate) fn say(&self, word: &str, text: &str) {
        if !self.quiet {
            self.tell(word, text);
        }
    }

    /// A line on stderr that is never left out.
    pub(crate) fn tell(&self, word: &str, text: &str) {
        let style = match word {
            "done" | "cancelled" | "deleted" => GOOD,
            "error" => BAD,
            "note" | "sandbox" | "detached" => CARE,
            _ => PLAIN,
        };
        let line = format!(
            "{style}{word}{style:#}{:gap$}{}\n",
            "",
            clean(text),
            gap = WORD.saturating_sub(word.len())
        );
        self.bars.suspend(|| {
            // Where stderr is gone there is nobody to tell.
            let _nobody = anstream::stderr().write_all(line.as_bytes());
        });
    }

    /// Why a command failed, and what to run next.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message().is_empty() {
            return;
        }
        if self.json {
            return self.failure_line(failure);
        }
        self.tell(failure.word(), failure.message());
        for (index, step) in failure.steps().iter().enumerate() {
            self.tell(if index == 0 { "next" } else { "" }, step);
        }
    }

    /// A line of data on stdout.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.write(&clean(text))
    }

    /// A line of data in columns: aligned on a terminal by the caller, with tabs between elsewhere.
    pub(crate) fn row(&self, cells: &[&str]) -> Result<(), Failure> {
        let cells: Vec<_> = cells.iter().map(|cell| clean(cell)).collect();
        self.write(cells.join("\t").trim_end_matches('\t'))
    }

    /// One JSON document on one line of stdout. What a command prints has a row in `schema/rows.rs`.
    pub(crate) fn json(&self, value: &(impl Serialize + JsonSchema)) -> Result<(), Failure> {
        let json = serde_json::to_string(value)
            .map_err(|error| Failure::new(Exit::Other, format!("no JSON form: {error}")))?;
        self.write(&clean_json(&json))
    }

    /// Names and values: aligned on a terminal, with a tab between elsewhere. Values that are not known are left out.
    pub(crate) fn facts(&self, facts: &[(&str, Option<String>)]) -> Result<(), Failure> {
        let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in facts.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
            match self.stdout_is_terminal {
                true => self.write(&format!("{name:widest$}  {}", clean(value)))?,
                false => self.row(&[name, value])?,
            }
        }
        Ok(())
    }

    /// Rows under headings: a table that fits the terminal, or lines with tabs elsewhere. The column `give` is made narrower
    /// first.
    pub(crate) fn table(&self, headings: &[&str], rows: &[Vec<String>], give: usize) -> Result<(), Failure> {
        if !self.stdout_is_terminal {
            return rows
                .iter()
                .try_for_each(|row| self.row(&row.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        for line in table(headings, rows, give, columns) {
            self.write(&line)?;
        }
        Ok(())
    }

    fn write(&self, line: &str) -> Result<(), Failure> {
        self.verbatim(format!("{line}\n").as_bytes())
    }

    /// Bytes on stdout, as they are.
    pub(crate) fn verbatim(&self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        });
        written.map_err(|error| match error.kind() {
            // Whoever read has read enough, as in `infrai-video list --all | head`.
            io::ErrorKind::BrokenPipe => Failure::shown(Exit::Success),
            _ => Failure::new(Exit::Other, format!("stdout cannot be written: {error}"))
                .next("check where the output goes, such as the free space there"),
        })
    }

    /// Ends the line of a question that nobody answered.
    pub(crate) fn end_line(&self) {
        self.bars.suspend(|| {
            let _nobody = anstream::stderr().write_all(b"\n");
        });
    }

    /// Asks a question that is answered with one line. Blocks, and leaves others free to write meanwhile.
    pub(crate) fn ask(&self, question: &str) -> io::Result<String> {
        self.bars.suspend(|| {
            let mut stderr = anstream::stderr();
            write!(stderr, "{} ", clean(question))?;
            stderr.flush()
        })?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().to_lowercase())
    }
}

/// Lines of a table of at most so many columns.
fn table(headings: &[&str], rows: &[Vec<String>], give: usize, columns: usize) -> Vec<String> {
    const GAP: usize = 2;
    let head = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect())
        .collect();
    let width_of =
        |column: usize| lines.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let mut widths: Vec<usize> =
        (0..headings.len()).map(|column| width_of(column).unwrap_or_default()).collect();
    let whole = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    if let Some(width) = widths.get_mut(give) {
        *width = width.saturating_sub(whole.saturating_sub(columns)).max(8.min(*width));
    }
    lines
        .iter()
        .map(|row| {
            let line = row.iter().zip(&widths).fold(String::new(), |line, (cell, width)| {
                let cell = fit(cell, *width);
                let padding = " ".repeat(width.saturating_sub(cell.width()) + GAP);
                line + &cell + &padding
            });
            fit(line.trim_end(), columns).into_owned()
        })
        .collect()
}

/// Sends the SDK's own log to stderr: warnings always, all else with -v. Other crates' logs could hold a key and stay off.
pub(crate) fn install_log(screen: &Screen, global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::OFF,
        (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_target("infrai_video", level).with_target("infrai_video_client", level);
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .compact()
        .with_writer(Log(screen.clone()));
    tracing_subscriber::registry().with(targets).with(layer).init();
}

struct Log(Screen);

struct LogLine<'a> {
    screen: &'a Screen,
    word: &'static str,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> LogLine<'a> {
        LogLine { screen: &self.0, word: "note" }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> LogLine<'a> {
        LogLine { screen: &self.0, word: if *meta.level() <= Level::WARN { "note" } else { "log" } }
    }
}

impl io::Write for LogLine<'_> {
    /// The formatter hands over one whole event at a time.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.screen.say(self.word, text.trim());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn a_table_is_aligned_and_fits() {
        let rows = [
            row(&["vj_1", "succeeded", ""]),
            row(&["vj_22", "failed", "the vendor refused the prompt for its words"]),
        ];
        let wide = table(&["JOB", "STATE", "REASON"], &rows, 2, 100);
        assert_eq!(wide[0], "JOB    STATE      REASON");
        assert_eq!(wide[1], "vj_1   succeeded");
        assert_eq!(wide[2], "vj_22  failed     the vendor refused the prompt for its words");
        let narrow = table(&["JOB", "STATE", "REASON"], &rows, 2, 40);
        assert_eq!(narrow[2], "vj_22  failed     the vendor refused ...");
        assert!(table(&["JOB", "STATE", "REASON"], &rows, 2, 10).iter().all(|line| line.width() <= 10));
    }

    #[test]
    fn a_table_shows_no_control_characters() {
        let lines = table(&["JOB"], &[row(&["a\u{1b}[31m\tb"])], 0, 80);
        assert_eq!(lines[1], "a\\u{1b}[31m\\tb");
    }
}
