//! Ctrl-C, SIGTERM and SIGHUP, for the commands that have something to leave in order.

use std::io;

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;

/// What interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl Signal {
    /// How the process exits after it.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
            Self::HangUp => Exit::HungUp,
        }
    }
}

/// The signals of this process. Once this exists, they no longer end it by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Only where there is a terminal that can be closed. Elsewhere it may have to be ignored, as under nohup.
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
}

impl App {
    /// Catches the signals from now on.
    pub(crate) fn signals(&self) -> Result<Signals, Failure> {
        Signals::new().map_err(|error| {
            Failure::new(Exit::Other, format!("signals cannot be caught: {error}")).next(self.same_command())
        })
    }
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn new() -> io::Result<Self> {
        use std::io::IsTerminal as _;

        use tokio::signal::unix::{SignalKind, signal};

        let has_terminal =
            io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: has_terminal.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Signal {
        let hung_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = hung_up => Signal::HangUp,
        }
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
