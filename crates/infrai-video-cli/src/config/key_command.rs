//! Runs `key_command`.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::{sleep, timeout};

use crate::subprocess;

/// After this time the user is told what is waited for. The command may ask for a passphrase.
const NOTICE: Duration = Duration::from_secs(5);

/// Maximum run time.
const TIMEOUT: Duration = Duration::from_secs(120);

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

/// The output of the command, which is run by a shell. It shares stdin and stderr with this process.
pub(super) async fn run(command: &str, on_wait: impl FnOnce()) -> Result<String, KeyCommandError> {
    let mut process = tokio::process::Command::from(subprocess::shell(command));
    let mut child = process.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut stdout = child.stdout.take().expect("stdout is in a pipe").take(MAX_OUTPUT);
    let read = async {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).await?;
        // More output would block the command.
        drop(stdout);
        Ok::<_, std::io::Error>((bytes, child.wait().await?))
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
