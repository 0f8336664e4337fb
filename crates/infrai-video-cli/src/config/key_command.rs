//! Runs `key_command`.

use std::io::{IsTerminal as _, stdin};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::{sleep, timeout};

use crate::subprocess;

/// After this time the user is told what is waited for. The command may ask for a passphrase.
const NOTICE: Duration = Duration::from_secs(5);

/// Maximum run time.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How long the output may follow the exit of the command. A process that it left in the background may keep the pipe open.
const GRACE: Duration = Duration::from_millis(200);

/// An API key is shorter.
const MAX_OUTPUT: u64 = 4096;

/// Why there is no key. The output of the command is not part of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyCommandError {
    #[error("it cannot be run: {0}")]
    Io(#[from] std::io::Error),
    #[error("it failed with {0}")]
    Failed(std::process::ExitStatus),
    #[error("it takes longer than {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("it prints nothing")]
    Empty,
    #[error("it prints more than the key, which must be one line")]
    TooMuch,
}

/// The output of the command, which is run by a shell. It shares stderr with this process, but stdin only if that is a terminal:
/// there may be a prompt or a plan.
pub(super) async fn run(command: &str, on_wait: impl FnOnce()) -> Result<String, KeyCommandError> {
    let mut process = tokio::process::Command::from(subprocess::shell(command));
    if !stdin().is_terminal() {
        process.stdin(Stdio::null());
    }
    // A command that asks for a passphrase must stay in the group that may use the terminal.
    #[cfg(unix)]
    if std::fs::File::open("/dev/tty").is_err() {
        process.process_group(0);
    }
    let mut child = Child(process.stdout(Stdio::piped()).kill_on_drop(true).spawn()?);
    let mut stdout = child.0.stdout.take().expect("stdout is in a pipe").take(MAX_OUTPUT);
    let read = async {
        let mut bytes = Vec::new();
        let mut output = Box::pin(async {
            while stdout.read_buf(&mut bytes).await? > 0 {}
            // More output would block the command.
            drop(stdout);
            Ok::<_, std::io::Error>(())
        });
        let status = tokio::select! {
            biased;
            result = &mut output => {
                result?;
                child.0.wait().await?
            }
            status = child.0.wait() => {
                timeout(GRACE, &mut output).await.unwrap_or(Ok(()))?;
                status?
            }
        };
        drop(output);
        Ok::<_, std::io::Error>((bytes, status))
    };
    let mut read = std::pin::pin!(timeout(TIMEOUT, read));
    let result = tokio::select! {
        result = &mut read => result,
        () = sleep(NOTICE) => {
            on_wait();
            read.await
        }
    };
    let (bytes, status) = result.map_err(|_| KeyCommandError::TimedOut)??;
    let text = String::from_utf8_lossy(&bytes);
    match text.trim() {
        // The rest was not read, of which the command may have died.
        _ if bytes.len() as u64 == MAX_OUTPUT => Err(KeyCommandError::TooMuch),
        _ if !status.success() => Err(KeyCommandError::Failed(status)),
        "" => Err(KeyCommandError::Empty),
        key if key.contains(char::is_whitespace) => Err(KeyCommandError::TooMuch),
        key => Ok(key.to_owned()),
    }
}

/// Killed when it is dropped, with its group if it has one of its own.
struct Child(tokio::process::Child);

#[cfg(unix)]
impl Drop for Child {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, getpgid, kill_process_group};

        // Without an id it has been waited for, and the id may be that of another process.
        let id = self.0.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(id) = id.filter(|id| getpgid(Some(*id)).is_ok_and(|group| group == *id)) {
            let _has_exited = kill_process_group(id, Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};

    use super::*;

    #[tokio::test]
    async fn a_command_that_is_given_up_is_killed_with_its_children() {
        if std::fs::File::open("/dev/tty").is_ok() {
            // Ctrl-C kills them.
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let command = format!("(echo started; sleep 100) >'{}' & wait", fifo.display());
        let mut key = Box::pin(run(&command, || ()));
        let started = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(std::fs::File::open(fifo).unwrap());
            lines.read_line(&mut String::new()).unwrap();
            lines
        });
        let mut lines = tokio::select! {
            key = &mut key => panic!("it does not wait: {key:?}"),
            lines = started => lines.unwrap(),
        };
        drop(key);
        lines.read_to_end(&mut Vec::new()).expect("the last process that writes has ended");
    }
}
