//! Sends requests, and records them with their responses.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use jiff::SignedDuration;
use jiff::fmt::rfc2822;

use crate::exchange::{Exchange, Request, Response};
use crate::journal::Journal;
use crate::server::{Lost, Server};

/// How often a request is sent if no response arrives.
const ATTEMPTS: u32 = 4;
/// How often a malformed one is.
const MALFORMED_ATTEMPTS: u32 = 2;
/// How often a request is sent if the server asks to wait, and if it fails.
const REPETITIONS: [usize; 2] = [6, 3];
/// How long to wait if the server does not say how long.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the keys of an interrupted run are used: less than the 24 hours of the contract.
const LIFETIME: SignedDuration = SignedDuration::from_hours(23);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Sends requests to a server and stores each exchange. What an interrupted run has stored is not sent again.
pub(crate) struct Recorder<'a> {
    server: &'a mut dyn Server,
    journal: Option<Journal>,
    stored: VecDeque<Exchange>,
    /// Gets a line for each request, wait and charge.
    pub(crate) say: &'a mut dyn FnMut(String),
    /// Distinguishes the idempotency keys of this run from others.
    pub(crate) run: String,
    /// All exchanges so far. Their numbers count from 1.
    pub(crate) exchanges: Vec<Exchange>,
}

impl<'a> Recorder<'a> {
    /// Without a journal, a run cannot continue another one.
    pub(crate) fn new(
        server: &'a mut dyn Server,
        mut journal: Option<Journal>,
        say: &'a mut dyn FnMut(String),
    ) -> Self {
        let stored = journal.as_mut().map(|journal| std::mem::take(&mut journal.stored)).unwrap_or_default();
        let run = journal.as_ref().map_or_else(|| "run".to_owned(), |journal| journal.run.clone());
        Self { server, journal, stored: stored.into(), say, run, exchanges: Vec::new() }
    }

    /// Checks that the server still knows the idempotency keys of the run that is continued: otherwise a request that is sent again
    /// would be a new one. Only the clock of the server can tell.
    pub(crate) fn check_age(&mut self) -> anyhow::Result<()> {
        let Some(first) = self.stored.front().map(|first| first.response.clone()) else { return Ok(()) };
        let now =
            self.server.send(&Request::get("/v1/video/capabilities")).map_err(|lost| anyhow!("{lost}"))?;
        let date =
            |response: &Response| rfc2822::parse(response.header("date")?).ok().map(|date| date.timestamp());
        let age = date(&first).zip(date(&now)).map(|(first, now)| now.duration_since(first));
        ensure!(
            age.is_some_and(|age| !age.is_negative() && age < LIFETIME),
            "the interrupted run is too old to be continued: the server may have forgotten its idempotency keys, and would charge \
             again; look for its jobs in the journal and delete them, and then the journal"
        );
        Ok(())
    }

    /// Sends a request until the response is not one that asks for another attempt. Returns the numbers of its exchanges; the last one has
    /// the response.
    ///
    /// Only requests that can be repeated may be sent: those that change nothing or have an idempotency key.
    pub(crate) fn send(&mut self, purpose: &str, request: &Request) -> anyhow::Result<RangeInclusive<usize>> {
        self.exchange(purpose, request, ATTEMPTS)?.map_err(|lost| anyhow!(lost.0))
    }

    /// As [`Self::send`], but a server may leave the request without a response, because it is malformed: `None`.
    pub(crate) fn send_malformed(
        &mut self,
        purpose: &str,
        request: &Request,
    ) -> anyhow::Result<Option<RangeInclusive<usize>>> {
        Ok(self.exchange(purpose, request, MALFORMED_ATTEMPTS)?.ok())
    }

    fn exchange(
        &mut self,
        purpose: &str,
        request: &Request,
        attempts: u32,
    ) -> anyhow::Result<Result<RangeInclusive<usize>, Lost>> {
        let first = self.exchanges.len() + 1;
        loop {
            // A request without a response is not stored: the interrupted run has gone on with another one.
            if let Some(next) = self.stored.front().filter(|next| next.request != *request) {
                return Ok(Err(Lost(format!(
                    "the journal of the interrupted run continues with {:?}, and this run with {purpose:?}: delete the \
                     journal, and the jobs that it names",
                    next.purpose
                ))));
            }
            let exchange = match self.stored.pop_front() {
                Some(stored) => stored,
                None => match self.send_now(purpose, request, attempts)? {
                    Ok(exchange) => exchange,
                    Err(lost) => return Ok(Err(lost)),
                },
            };
            let most = attempts_after(&exchange.response);
            let pause = exchange.response.header("retry-after").and_then(|value| value.parse().ok());
            self.exchanges.push(exchange);
            let last = self.exchanges.len();
            if last + 1 - first >= most {
                return Ok(Ok(first..=last));
            }
            let pause = pause.map_or(PAUSE, Duration::from_secs).min(LONGEST_PAUSE);
            let status = self.exchanges[last - 1].response.status;
            (self.say)(format!("{status}  again in {} s", pause.as_secs()));
            self.wait(pause);
        }
    }

    fn send_now(
        &mut self,
        purpose: &str,
        request: &Request,
        attempts: u32,
    ) -> anyhow::Result<Result<Exchange, Lost>> {
        if let Some(journal) = self.journal.as_mut().filter(|_| request.method != "GET") {
            journal.sending(request)?;
        }
        let mut attempt = 1;
        let response = loop {
            match self.server.send(request) {
                Ok(response) => break response,
                Err(lost) if attempt == attempts => {
                    return Ok(Err(Lost(format!(
                        "no response to {} {} after {attempts} attempts: {lost}; run the same command again to continue",
                        request.method,
                        request.path().unwrap_or("of a link")
                    ))));
                }
                Err(lost) => {
                    let pause = Duration::from_secs(1 << attempt);
                    (self.say)(format!("no response ({lost}), again in {} s", pause.as_secs()));
                    self.server.wait(pause);
                }
            }
            attempt += 1;
        };
        let exchange = Exchange { purpose: purpose.to_owned(), request: request.clone(), response };
        if let Some(journal) = &mut self.journal {
            journal.exchange(&exchange)?;
        }
        Ok(Ok(exchange))
    }

    /// Lets time pass, unless the next response is stored.
    pub(crate) fn wait(&mut self, time: Duration) {
        if self.stored.is_empty() {
            self.server.wait(time);
        }
    }

    /// Returns all exchanges. The journal can be removed once they are stored elsewhere.
    pub(crate) fn finish(self) -> (Vec<Exchange>, Option<Journal>) {
        (self.exchanges, self.journal)
    }
}

/// How often a request with this response is sent at most.
fn attempts_after(response: &Response) -> usize {
    let is_retryable = || response.json().is_some_and(|body| body["error"]["retryable"] == true);
    match response.status {
        429 | 503 => REPETITIONS[0],
        // The first request is still in progress.
        409 | 423 | 425 if is_retryable() => REPETITIONS[0],
        408 | 500 | 502 | 504 => REPETITIONS[1],
        _ => 1,
    }
}
