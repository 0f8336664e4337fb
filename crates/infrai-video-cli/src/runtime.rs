//! The async runtime: one thread, or one for each core if the command has work for them.

use std::fs::File;
use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::args::{Command, Global};

/// Number of runtime threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The current thread.
    One,
    /// One for each core.
    Many,
}

/// A sandbox inside this process serves and renders beside the command, and clips are downloaded over several connections. Other
/// commands send one request at a time.
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
        | Command::Config(_)
        | Command::Usage(_)
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
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS).build()
}

/// Number of threads that write, hash and sync clips. More do not make a batch faster, and each takes memory.
const BLOCKING_THREADS: usize = 128;

/// Number of files that a runtime opens.
const FILES: usize = 8;

/// Checks that this process can open so many more files. The runtime itself panics if it cannot.
fn spare_files(number: usize) -> io::Result<()> {
    // A container of this program alone has no /dev/null.
    (0..number).map(|_| File::open(if cfg!(unix) { "/" } else { "NUL" })).collect::<io::Result<Vec<_>>>()?;
    Ok(())
}

/// Checks that this process can start so many more threads. The runtime itself panics if it cannot.
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

/// Makes a write beyond the file size limit (`ulimit -f`) fail instead of terminating the process.
pub(crate) fn survive_file_size_limit() {
    #[cfg(all(unix, not(any(target_arch = "mips", target_arch = "mips64"))))]
    {
        use tokio::signal::unix::{SignalKind, signal};

        /// On Linux, macOS and the BSDs.
        const SIGXFSZ: i32 = 25;

        let _terminated_as_before = signal(SignalKind::from_raw(SIGXFSZ));
    }
}
