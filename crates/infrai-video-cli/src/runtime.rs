//! What the command runs on: a thread for each core only where there is something to do for them.

use std::io;

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
    let mut builder = match threads {
        Threads::One => Builder::new_current_thread(),
        Threads::Many => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}
