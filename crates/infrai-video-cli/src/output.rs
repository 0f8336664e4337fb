//! The two streams: data on stdout, everything else on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::layout::isolate;
use crate::live::Live;
use crate::table::{Room, Table, beside};
use crate::text::{clean, clean_json};

/// The column in which text starts after the word that says what it is about.
pub(crate) const WORD: usize = 11;

/// A terminal of fewer columns has none to spare.
const NARROW: usize = 60;

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
    /// Whether stderr is a terminal.
    stderr_is_terminal: bool,
    /// Whether a terminal does as escapes say.
    obeys: bool,
    /// The lines that change.
    pub(crate) foot: Live,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal();
        let obeys = obeys();
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
        Self {
            json: global.json,
            quiet: global.quiet,
            live: terminal && obeys && !ci && !global.quiet,
            can_ask: terminal && io::stdin().is_terminal() && !ci,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: terminal,
            obeys,
            foot: Live::default(),
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
            stderr_is_terminal: io::stderr().is_terminal(),
            obeys: false,
            foot: Live::default(),
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
        let text = clean(text);
        match self.stderr_is_terminal {
            true => self.put(word, &isolate(&text)),
            false => self.put(word, &text),
        }
    }

    fn put(&self, word: &str, text: &str) {
        let style = match word {
            "done" | "cancelled" | "deleted" => GOOD,
            "error" => BAD,
            "note" | "sandbox" | "detached" => CARE,
            _ => PLAIN,
        };
        let gap = WORD.saturating_sub(word.len());
        let line = format!("{style}{word}{style:#}{:gap$}{text}\n", "");
        self.foot.suspend(|| {
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
            // A step is made to be copied, and must hold nothing but itself.
            self.put(if index == 0 { "next" } else { "" }, &clean(step));
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
        let known = || facts.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
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
    pub(crate) fn table(&self, table: &Table<'_>) -> Result<(), Failure> {
        if !self.stdout_is_terminal {
            let as_lines = |row: &Vec<String>| self.row(&row.iter().map(String::as_str).collect::<Vec<_>>());
            return table.rows.iter().try_for_each(as_lines);
        }
        let room = Room { columns: columns(), can_move: self.obeys };
        table.lines(room).iter().try_for_each(|line| self.write(line))
    }

    fn write(&self, line: &str) -> Result<(), Failure> {
        self.verbatim(format!("{line}\n").as_bytes())
    }

    /// Bytes on stdout, as they are.
    pub(crate) fn verbatim(&self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.foot.suspend(|| {
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
        self.foot.suspend(|| {
            let _nobody = anstream::stderr().write_all(b"\n");
        });
    }

    /// Asks a question that is answered with one line. Blocks, and leaves others free to write meanwhile.
    pub(crate) fn ask(&self, question: &str) -> io::Result<String> {
        self.foot.suspend(|| {
            let mut stderr = anstream::stderr();
            stderr.write_all(format!("{} ", clean(question)).as_bytes())?;
            stderr.flush()
        })?;
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer)? == 0 {
            self.end_line();
        }
        Ok(answer.trim().to_lowercase())
    }
}

/// Whether the terminal does as escapes say, as every one but the dumbest does.
fn obeys() -> bool {
    #[cfg(windows)]
    return anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
    #[cfg(not(windows))]
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// The columns of the terminal that stdout is.
fn columns() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0).unwrap_or(80)
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
