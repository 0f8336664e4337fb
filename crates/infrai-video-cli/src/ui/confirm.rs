//! Questions to the user, which a signal interrupts.

use std::io::{self, IsTerminal as _};

use super::Output;
use crate::signals::{Signal, Signals};

/// The reply to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// One line in lower case.
    Text(String),
    /// A signal arrived first.
    Interrupted(Signal),
}

/// The reply to a question that is answered with yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Yes,
    No,
    /// A signal arrived first.
    Interrupted(Signal),
}

/// Asks a question that is answered with y or n. An empty reply is a no. Any other reply asks again.
pub(crate) async fn ask_yes_or_no(output: &Output, question: &str, signals: &mut Signals) -> Consent {
    let mut prompt = format!("{question} [y/N]");
    loop {
        match ask(output, &prompt, signals).await {
            Reply::Text(reply) if ["y", "yes"].contains(&reply.as_str()) => return Consent::Yes,
            Reply::Text(reply) if ["", "n", "no"].contains(&reply.as_str()) => return Consent::No,
            Reply::Text(_) => prompt = "Please type y for yes or n for no [y/N]".to_owned(),
            Reply::Interrupted(signal) => return Consent::Interrupted(signal),
        }
    }
}

/// Asks a question that is answered with one line.
pub(crate) async fn ask(output: &Output, question: &str, signals: &mut Signals) -> Reply {
    let (terminal, question) = (output.clone(), question.to_owned());
    let reply = tokio::task::spawn_blocking(move || terminal.read_reply(&question));
    tokio::select! {
        reply = reply => match reply.ok().and_then(Result::ok) {
            Some(reply) if !reply.is_empty() || io::stderr().is_terminal() => Reply::Text(reply),
            // The terminal was closed, and its signal has not arrived yet.
            _ => Reply::Interrupted(Signal::HangUp),
        },
        signal = signals.next() => {
            output.end_question();
            Reply::Interrupted(signal)
        }
    }
}
