//! A question to the user that a signal can break off.

use std::io::{self, IsTerminal as _};

use crate::interrupt::{Signal, Signals};
use crate::output::Screen;

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One line in small letters.
    Given(String),
    /// A signal came first.
    Interrupted(Signal),
}

impl Screen {
    /// Asks something that is answered with one line.
    pub(crate) async fn question(&self, question: &str, signals: &mut Signals) -> Answer {
        let (screen, question) = (self.clone(), question.to_owned());
        let answer = tokio::task::spawn_blocking(move || screen.ask(&question));
        tokio::select! {
            answer = answer => match answer.ok().and_then(Result::ok) {
                Some(answer) if !answer.is_empty() || io::stderr().is_terminal() => Answer::Given(answer),
                // The terminal was closed, and its signal has yet to come.
                _ => Answer::Interrupted(Signal::HangUp),
            },
            signal = signals.next() => {
                self.end_line();
                Answer::Interrupted(signal)
            }
        }
    }
}
