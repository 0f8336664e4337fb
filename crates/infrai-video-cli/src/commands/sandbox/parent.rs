//! Whether the program that started a sandbox is still there.

use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// Resolves when the sandbox is no longer needed, with the reason.
pub(super) type Gone = Pin<Box<dyn Future<Output = &'static str>>>;

/// How long to wait before an input that has nothing yet is read again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Watches standard input and the parent process from this call on. The result resolves when the first of them is gone.
///
/// Standard input alone would not be enough: a process that the parent has forked may keep the other end of the pipe open.
/// A terminal is not read, since others read it too. `parent` is the id of the parent, if it is known to the caller.
pub(super) fn watch(parent: Option<u32>) -> io::Result<Gone> {
    let parent_exit = parent_exit(parent);
    if io::stdin().is_terminal() {
        return Ok(Box::pin(async {
            parent_exit.await;
            "the parent process has exited"
        }));
    }
    let input_end = input_end()?;
    Ok(Box::pin(async {
        tokio::select! {
            () = input_end => "standard input has ended; with --exit-with-parent it must stay open",
            () = parent_exit => "the parent process has exited",
        }
    }))
}

/// Reads standard input to its end on a thread of its own, which does not delay the exit of this process.
fn input_end() -> io::Result<impl Future<Output = ()>> {
    let (ended, wait) = oneshot::channel::<()>();
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        if read_to_end(io::stdin().lock()) {
            drop(ended);
        } else {
            // What happens to the parent still counts.
            std::mem::forget(ended);
        }
    })?;
    Ok(async {
        // The sender is dropped without a message.
        let _ = wait.await;
    })
}

/// Reads and discards everything. Returns whether the end was reached: not if the input cannot be read.
fn read_to_end(mut input: impl io::Read) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The parent has made its pipe non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL),
            Err(_) => return false,
        }
    }
}

/// There is no notification: the id of the parent changes when it has exited.
#[cfg(unix)]
fn parent_exit(parent: Option<u32>) -> impl Future<Output = ()> {
    use std::os::unix::process::parent_id;

    const POLL_INTERVAL: Duration = Duration::from_millis(500);

    let parent = parent.unwrap_or_else(parent_id);
    async move {
        while parent_id() == parent {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Windows closes the pipe of a process that exits, unless another process has it too.
#[cfg(not(unix))]
fn parent_exit(_: Option<u32>) -> impl Future<Output = ()> {
    std::future::pending()
}
