//! What happens to a clip after it is saved and recorded: `--open` and `--exec`. A failure does not lose the clip.

use std::io;
use std::path::{MAIN_SEPARATOR, Path};
use std::process::Stdio;

use crate::args::AfterSaveArgs;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::subprocess;
use crate::ui::Output;

/// What stands for the path in a command.
const PLACEHOLDER: &str = "{}";

/// Opens clips, or runs a command for them.
pub(crate) struct AfterSave<'a> {
    pub(crate) args: &'a AfterSaveArgs,
    pub(crate) output: &'a Output,
    /// Whether other lines may be written meanwhile, so that the output of the command is printed when it has ended.
    pub(crate) collects_output: bool,
}

impl AfterSave<'_> {
    /// Fails with the exit code of failed commands. The clip stays saved.
    pub(crate) async fn run(&self, path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        let failed = |what: &str, why: String, next: String| {
            Failure::new(Exit::AfterSave, format!("{shown} is saved, but {what} {why}")).next(next)
        };
        let opened = if self.args.open { open(path).await } else { Ok(()) };
        if let Some(command) = &self.args.exec {
            let Some(line) = command_line(command, path) else {
                let why = "takes only paths in UTF-8".to_owned();
                return Err(failed("--exec", why, "name another file with -o FILE".to_owned()));
            };
            self.execute(&line).await.map_err(|why| failed("--exec", why, line))?;
        }
        opened.map_err(|why| failed("--open", why, format!("open {shown} yourself")))
    }

    /// Runs a command line with its output on stderr. Returns why it failed.
    async fn execute(&self, line: &str) -> Result<(), String> {
        let mut command = tokio::process::Command::from(subprocess::shell(line));
        command.stdin(Stdio::null());
        let status = if self.collects_output {
            command.output().await.map(|output| {
                for text in [&output.stdout, &output.stderr] {
                    String::from_utf8_lossy(text).lines().for_each(|line| self.output.plain_line(line));
                }
                output.status
            })
        } else {
            command.stdout(io::stderr()).status().await
        };
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("failed with {status}")),
            Err(error) => Err(format!("cannot be run: {error}")),
        }
    }
}

async fn open(path: &Path) -> Result<(), String> {
    let path = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || open::that_detached(path)).await;
    opened.map_err(io::Error::other).flatten().map_err(|error| format!("failed: {error}"))
}

/// The command line with the path in it. `None` if the path is not UTF-8.
fn command_line(command: &str, path: &Path) -> Option<String> {
    let text = path.to_str()?;
    // It would be read as an option.
    let text = if text.starts_with('-') { format!(".{MAIN_SEPARATOR}{text}") } else { text.to_owned() };
    let quoted = quoted(&text);
    Some(match command.contains(PLACEHOLDER) {
        true => command.replace(PLACEHOLDER, &quoted),
        false => format!("{} {quoted}", command.trim_end()),
    })
}

/// One word for `sh`, or for `cmd` on Windows, where no path has a quotation mark.
fn quoted(text: &str) -> String {
    if cfg!(windows) { format!("\"{text}\"") } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_one_word_of_the_command() {
        for (command, path, expected) in [
            ("mpv", "a b.mp4", "mpv 'a b.mp4'"),
            ("mpv {} --loop", "a b.mp4", "mpv 'a b.mp4' --loop"),
            ("cp {} {}.bak", "it's.mp4", "cp 'it'\\''s.mp4' 'it'\\''s.mp4'.bak"),
            ("rm", "-rf.mp4", "rm './-rf.mp4'"),
            ("x", "$(touch y)\n;`z`.mp4", "x '$(touch y)\n;`z`.mp4'"),
        ] {
            assert_eq!(command_line(command, Path::new(path)).as_deref(), Some(expected));
        }
    }
}
