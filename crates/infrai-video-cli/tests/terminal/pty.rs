//! A pseudo-terminal for the command, and two emulators that interpret its output.

use std::num::NonZeroU16;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

/// A timeout that only a failed test reaches.
const STUCK: Duration = Duration::from_secs(60);

/// Runs the command in a session that a shell leads, so that the system does not discard the last output of the command and passes
/// on a closed terminal. A second shell survives that and Ctrl-C. It writes the command's process id and exit code to a directory, and
/// marks the end of the output by an invisible sequence.
const LEADER: &str = r#"trap : INT; /bin/sh -c "$@"; :"#;
const SHELL: &str = r#"
trap : INT HUP
directory=$1; shift
/bin/sh -c 'echo $$ > "$0"; exec "$@"' "$directory/id" "$@"
echo $? > "$directory/code"
printf '\033]0;over\007' > /dev/tty
read -r enter < /dev/tty
"#;
const OVER: &[u8] = b"\x1b]0;over\x07";

pub(crate) const CTRL_C: &str = "\u{3}";

/// A command on a terminal.
pub(crate) struct Terminal {
    pty: pty_process::Pty,
    shell: Child,
    /// The directory with the process id and the exit code.
    directory: TempDir,
    /// Cuts its lines when it becomes narrower, as xterm does.
    cutting: vt100::Parser,
    /// Wraps its lines when it becomes narrower, as most others do.
    wrapping: avt::Terminal,
    /// Everything that was written.
    written: Vec<u8>,
    /// The number of bytes that `wrapping` has read. A character may arrive in parts.
    told: usize,
}

/// The result of a command.
pub(crate) struct End {
    /// The exit code.
    pub(crate) code: i32,
    /// The lines of the screen.
    pub(crate) screen: Vec<String>,
    pub(crate) written: String,
    /// The output on stdout if that is not a terminal.
    pub(crate) stdout: String,
}

impl Terminal {
    /// Starts the command with all its streams on a terminal with this many columns.
    pub(crate) fn start(command: Command, columns: u16) -> Self {
        Self::with(command, (columns, 24), |command| command)
    }

    /// Starts it with stdout in a pipe, as in `clip=$(infrai-video ...)`.
    pub(crate) fn start_piped(command: Command, columns: u16) -> Self {
        Self::with(command, (columns, 24), |command| command.stdout(Stdio::piped()))
    }

    /// Starts it on a terminal of this size.
    pub(crate) fn start_sized(command: Command, size: (u16, u16)) -> Self {
        Self::with(command, size, |command| command)
    }

    fn with(
        command: Command,
        (columns, rows): (u16, u16),
        streams: impl FnOnce(pty_process::Command) -> pty_process::Command,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut shell = Command::new("/usr/bin/env");
        if cfg!(target_os = "linux") {
            // Tests that run under nohup inherit that SIGHUP is ignored.
            shell.arg("--default-signal=HUP");
        }
        shell.args(["/bin/sh", "-c", LEADER, "sh", SHELL, "sh"]).arg(directory.path());
        shell.arg(command.get_program()).args(command.get_args());
        shell.env_clear().env("TERM", "xterm-256color");
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(command.get_current_dir().expect("a test has a directory"));
        let (pty, pts) = pty_process::open().expect("the system has terminals");
        pty.resize(pty_process::Size::new(rows, columns)).expect("a terminal has a size");
        let shell = pty_process::Command::from(tokio::process::Command::from(shell)).kill_on_drop(true);
        let shell = streams(shell).spawn(pts).expect("the command starts");
        let wrapping = avt::Terminal::new(columns.into(), rows.into()).expect("there is room");
        let cutting = vt100::Parser::new(size(rows), size(columns), 0);
        Self { pty, shell, directory, cutting, wrapping, written: Vec::new(), told: 0 }
    }

    /// Types on the keyboard.
    pub(crate) async fn types(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.expect("the terminal is open");
    }

    /// Resizes the window.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        // Earlier output was drawn for the old size, and is rearranged before anything else is drawn.
        self.cutting.set_size(size(rows), size(columns));
        self.wrapping.resize(columns.into(), rows.into());
        self.pty.resize(pty_process::Size::new(rows, columns)).expect("a terminal has a size");
    }

    /// Waits until the screen is right on both kinds of terminal.
    #[track_caller]
    pub(crate) fn until<'a>(
        &'a mut self,
        is_right: impl Fn(&[String]) -> bool + 'a,
    ) -> impl Future<Output = Vec<String>> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            // A line that changes all the time must not postpone the end.
            let end = tokio::time::Instant::now() + STUCK;
            while !(is_right(&self.screen()) && is_right(&self.wrapped_screen())) {
                let is_open = tokio::time::timeout_at(end, self.read()).await;
                if !is_open.unwrap_or_default() {
                    panic!("{caller}: the screen does not become right: {:#?}", self.seen());
                }
            }
            self.screen()
        }
    }

    /// Waits until a line of the screen starts with this text.
    #[track_caller]
    pub(crate) fn shows<'a>(&'a mut self, start: &'a str) -> impl Future<Output = Vec<String>> + 'a {
        self.until(move |screen| screen.iter().any(|line| line.starts_with(start)))
    }

    /// Sends the command a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = std::fs::read_to_string(self.directory.path().join("id")).expect("it was started");
        let id = id.trim_end();
        assert!(Command::new("kill").args([name, id]).status().expect("kill is there").success());
    }

    /// Closes the terminal. Returns the exit code. Stdout must be a pipe.
    pub(crate) async fn close(self) -> i32 {
        let Self { pty, mut shell, directory, .. } = self;
        let mut stdout = shell.stdout.take().expect("stdout is in a pipe");
        drop(pty);
        // It stays open until all processes have exited.
        let ended = tokio::time::timeout(STUCK, stdout.read_to_end(&mut Vec::new())).await;
        ended.expect("it ends").expect("a pipe can be read");
        code(&directory)
    }

    /// Waits until the command exits, and checks that it restores the terminal.
    pub(crate) async fn end(mut self) -> End {
        let mut stdout = String::new();
        let piped = self.shell.stdout.take();
        let all = async {
            let read = async {
                while !self.written.ends_with(OVER) {
                    assert!(self.read().await, "the terminal was closed: {:#?}", self.seen());
                }
                self.types("\n").await;
            };
            let pipe = async {
                if let Some(mut piped) = piped {
                    piped.read_to_string(&mut stdout).await.expect("stdout is text");
                }
            };
            tokio::join!(read, pipe);
        };
        if tokio::time::timeout(STUCK, all).await.is_err() {
            panic!("the command does not end: {:#?}", self.seen());
        }
        let code = code(&self.directory);
        let screen = self.cutting.screen();
        assert!(!screen.hide_cursor() && self.wrapping.cursor().visible, "the cursor is hidden");
        assert_eq!(screen.cursor_position().1, 0, "the prompt would start in the middle: {:#?}", self.seen());
        assert_eq!((screen.fgcolor(), screen.bgcolor()), (vt100::Color::Default, vt100::Color::Default));
        assert!(!screen.bold() && !screen.underline() && !screen.inverse(), "the next text would be styled");
        let written = &self.written[..self.written.len() - OVER.len()];
        let written = String::from_utf8(written.to_vec()).expect("it is text");
        let wraps = written.rfind("\u{1b}[?7h") >= written.rfind("\u{1b}[?7l");
        assert!(wraps, "long lines would be cut: {written:?}");
        End { code, screen: self.screen(), written, stdout }
    }

    /// The lines of the screen up to the last that is not empty, without trailing spaces.
    pub(crate) fn screen(&self) -> Vec<String> {
        let (_, columns) = self.cutting.screen().size();
        lines(self.cutting.screen().rows(0, columns.get()))
    }

    fn wrapped_screen(&self) -> Vec<String> {
        lines(self.wrapping.screen().visible_lines().map(avt::Line::text))
    }

    fn seen(&self) -> (Vec<String>, Vec<String>) {
        (self.screen(), self.wrapped_screen())
    }

    /// Reads more output. Returns whether there was any.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        // Linux returns an error when all other processes have closed the terminal.
        let count = self.pty.read(&mut bytes).await.unwrap_or_default();
        self.cutting.process(&bytes[..count]);
        self.written.extend(&bytes[..count]);
        let new = &self.written[self.told..];
        let whole = std::str::from_utf8(new).map_or_else(|error| error.valid_up_to(), str::len);
        self.wrapping.feed(std::str::from_utf8(&new[..whole]).expect("it was looked at"));
        self.told += whole;
        count > 0
    }
}

fn lines(rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn size(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has a size")
}

/// The exit code as the shell reports it; 128 plus the signal that terminated the command.
fn code(directory: &TempDir) -> i32 {
    let code = std::fs::read_to_string(directory.path().join("code")).expect("it has ended");
    code.trim_end().parse().expect("it is a number")
}
