//! Ends a sandbox together with the program that started it.

use std::future::Future;
use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Waits until standard input ends or the parent process exits. Returns which of them happened.
///
/// Standard input alone would not be enough: a process that the parent has forked may keep the other end of the pipe open.
pub(super) async fn gone() -> io::Result<&'static str> {
    let input_ended = input_ended()?;
    Ok(tokio::select! {
        () = input_ended => "standard input has ended",
        () = parent_exited() => "the parent process has exited",
    })
}

/// Reads standard input to its end on a thread of its own, which does not delay the exit of this process.
fn input_ended() -> io::Result<impl Future<Output = ()>> {
    let (ended, wait) = oneshot::channel::<()>();
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        // An input that cannot be read has ended too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(ended);
    })?;
    Ok(async {
        // The sender is dropped without a message.
        let _ = wait.await;
    })
}

#[cfg(unix)]
async fn parent_exited() {
    use std::os::unix::process::parent_id;
    use std::time::Duration;

    /// There is no notification: the id of the parent changes when it has exited.
    const POLL_INTERVAL: Duration = Duration::from_millis(500);

    let parent = parent_id();
    while parent_id() == parent {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Windows closes the pipe of a process that exits, unless another process has it too.
#[cfg(not(unix))]
async fn parent_exited() {
    std::future::pending().await
}
