//! What the command runs on: a thread for each core only where there is something to do for them.

use std::fs::File;
use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::args::{Command, Global};

/// How many threads a command has for its own work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The one that there is.
    One,
    /// One for each core.
    Many,
}

/// A sandbox serves and renders beside the command, and clips come over several connections. All else asks, and waits.
pub(crate) fn threads(global: &Global, command: &Command) -> Threads {
    match command {
        _ if global.sandbox() => Threads::Many,
        Command::Status(_)
        | Command::Get(_)
        | Command::List(_)
        | Command::Cancel(_)
        | Command::Delete(_)
        | Command::DeleteAll(_)
        | Command::DownloadUrl(_)
        | Command::SetRetention(_)
        | Command::Capabilities
        | Command::Schema(_)
        | Command::Man(_)
        | Command::Completions(_) => Threads::One,
        _ => Threads::Many,
    }
}

pub(crate) fn build(threads: Threads) -> io::Result<Runtime> {
    spare_files(FILES)?;
    if threads == Threads::Many {
        spare_threads(thread::available_parallelism()?.get())?;
    }
    let mut builder = match threads {
        Threads::One => Builder::new_current_thread(),
        Threads::Many => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

/// As many files as a runtime opens.
const FILES: usize = 8;

/// Whether the system lets this process open so many files more. The runtime itself panics where it does not.
fn spare_files(number: usize) -> io::Result<()> {
    (0..number)
        .map(|_| File::open(if cfg!(unix) { "/dev/null" } else { "NUL" }))
        .collect::<io::Result<Vec<_>>>()?;
    Ok(())
}

/// Whether the system lets this process have so many threads more. The runtime itself panics where it does not.
pub(crate) fn spare_threads(number: usize) -> io::Result<()> {
    let mut threads = Vec::with_capacity(number);
    for _ in 0..number {
        let (release, released) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || {
            let _released = released.recv();
        })?;
        threads.push((release, thread));
    }
    for (release, thread) in threads {
        drop(release);
        let _ended = thread.join();
    }
    Ok(())
}

/// Lets a write past the limit of file sizes (`ulimit -f`) fail, where it would end the process without a word.
pub(crate) fn outlive_size_limit() {
    #[cfg(all(unix, not(any(target_arch = "mips", target_arch = "mips64"))))]
    {
        use tokio::signal::unix::{SignalKind, signal};

        /// On Linux, macOS and the BSDs.
        const SIGXFSZ: i32 = 25;

        let _ended_as_before = signal(SignalKind::from_raw(SIGXFSZ));
    }
}
