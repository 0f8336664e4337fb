//! Sends requests, and records them with their responses.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use crate::exchange::{Body, Exchange, Request, Response};
use crate::journal::Journal;
use crate::server::Server;

/// How often a request is sent if no response arrives, and if that is a result, too.
const ATTEMPTS: [u32; 2] = [4, 2];
/// How long to wait if the server does not say how long.
const PAUSE: Duration = Duration::from_secs(5);
/// A server that asks for a longer wait ends the run.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// How long the idempotency keys of an interrupted run are used: less than the 24 hours of the contract.
const LIFETIME: SignedDuration = SignedDuration::from_hours(23);

/// Sends requests to a server and stores each exchange. What an interrupted run has stored is not sent again.
pub(crate) struct Recorder<'a> {
    server: &'a mut dyn Server,
    journal: Option<Journal>,
    stored: VecDeque<Exchange>,
    /// The request that the interrupted run has sent last, if no response to it is stored.
    pending: Option<Request>,
    /// When the interrupted run began, on the clock of the server.
    continued: Option<Option<Timestamp>>,
    /// Gets a line for each request, wait and charge.
    pub(crate) progress: &'a mut dyn FnMut(String),
    /// Distinguishes the idempotency keys of this run from others.
    pub(crate) run: String,
    /// All exchanges so far. Their numbers count from 1.
    pub(crate) exchanges: Vec<Exchange>,
    /// The waits of the run, including those of the interrupted one.
    pub(crate) waited: Duration,
}

/// What it means if no response arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The run cannot go on.
    Stops,
    /// The server may not respond to such a request, or another host may not be reachable: the status is 0.
    Counts,
}

/// The exchanges of a request.
pub(crate) struct Sent {
    /// Their numbers. The last one has the response.
    pub(crate) numbers: RangeInclusive<usize>,
    /// How often the server may have carried the request out before it was sent for the last time.
    pub(crate) repeats: u32,
}

impl<'a> Recorder<'a> {
    /// Without a journal, a run cannot continue another one.
    pub(crate) fn new(
        server: &'a mut dyn Server,
        mut journal: Option<Journal>,
        progress: &'a mut dyn FnMut(String),
    ) -> Self {
        let (stored, pending) = journal.as_mut().map(Journal::take_stored).unwrap_or_default();
        let continued = (!stored.is_empty()).then(|| stored.first().and_then(|first| date(&first.response)));
        let run = journal.as_ref().map_or_else(|| "run".to_owned(), |journal| journal.run.clone());
        Self {
            server,
            journal,
            stored: stored.into(),
            pending,
            continued,
            progress,
            run,
            exchanges: Vec::new(),
            waited: Duration::ZERO,
        }
    }

    /// Sends a request until the response is not one that asks for another attempt.
    ///
    /// Only requests that can be repeated may be sent: those that change nothing or have an idempotency key.
    pub(crate) fn send(
        &mut self,
        purpose: &str,
        request: &Request,
        silence: Silence,
    ) -> anyhow::Result<Sent> {
        let first = self.exchanges.len() + 1;
        let mut repeats = 0;
        loop {
            let exchange = match self.stored.pop_front() {
                Some(stored) => {
                    ensure!(
                        stored.request == *request,
                        "the journal of the interrupted run continues with {:?}, and this run with {purpose:?}: delete the \
                         jobs that it names, and then the journal",
                        stored.purpose
                    );
                    stored
                }
                None => {
                    repeats += u32::from(self.pending.take().is_some_and(|pending| pending == *request));
                    self.send_now(purpose, request, silence, &mut repeats)?
                }
            };
            let most = attempts_after(&exchange.response);
            let pause = retry_after(&exchange.response).unwrap_or(PAUSE);
            let status = exchange.response.status;
            self.exchanges.push(exchange);
            let last = self.exchanges.len();
            if last + 1 - first >= most {
                return Ok(Sent { numbers: first..=last, repeats });
            }
            repeats += u32::from(!(300..500).contains(&status));
            if pause > LONGEST_PAUSE {
                bail!(
                    "the server responds {status} and asks to wait {} s; run the same command again after that",
                    pause.as_secs()
                );
            }
            (self.progress)(format!("{status}  again in {} s", pause.as_secs()));
            self.wait(pause);
        }
    }

    fn send_now(
        &mut self,
        purpose: &str,
        request: &Request,
        silence: Silence,
        repeats: &mut u32,
    ) -> anyhow::Result<Exchange> {
        if request.method != "GET" {
            self.check_age(request)?;
            if let Some(journal) = &mut self.journal {
                journal.sending(request)?;
            }
        }
        let [usual, silent] = ATTEMPTS;
        let attempts = if silence == Silence::Counts { silent } else { usual };
        let mut attempt = 1;
        let response = loop {
            match self.server.send(request) {
                Ok(response) => break response,
                Err(lost) if attempt == attempts && silence == Silence::Counts => {
                    break Response::none(&lost.0);
                }
                Err(lost) if attempt == attempts => {
                    return Err(anyhow!(
                        "no response to {} {} after {attempts} attempts: {lost}; run the same command again to continue",
                        request.method,
                        request.path().unwrap_or_default()
                    ));
                }
                Err(lost) => {
                    *repeats += 1;
                    let pause = Duration::from_secs(1 << attempt);
                    (self.progress)(format!("no response ({lost}), again in {} s", pause.as_secs()));
                    self.server.wait(pause);
                }
            }
            attempt += 1;
        };
        let exchange = Exchange { purpose: purpose.to_owned(), request: request.clone(), response };
        if let Some(journal) = &mut self.journal {
            journal.exchange(&exchange)?;
        }
        Ok(exchange)
    }

    /// Checks that the server still knows the idempotency keys of the run that is continued: otherwise a request for a clip would make
    /// another one. Only the clock of the server can tell.
    fn check_age(&mut self, request: &Request) -> anyhow::Result<()> {
        let makes_a_clip = request.path().is_some_and(|path| path.ends_with("/generate"));
        let Some(began) = self.continued.filter(|_| makes_a_clip) else { return Ok(()) };
        let now = self.server.send(&Request::get("/v1/video/capabilities"));
        let now =
            now.map_err(|lost| anyhow!("no response: {lost}; run the same command again to continue"))?;
        let age = began.zip(date(&now)).map(|(began, now)| now.duration_since(began));
        ensure!(
            age.is_some_and(|age| !age.is_negative() && age < LIFETIME),
            "the interrupted run began {}: the server may have forgotten its idempotency keys, and would charge again; look \
             for its jobs in the journal and delete them, and then the journal",
            age.map_or_else(
                || "at an unknown time, since the server sends no Date".to_owned(),
                |age| format!("{} hours ago", age.as_hours())
            )
        );
        self.continued = None;
        Ok(())
    }

    /// Lets time pass, unless the next response is stored.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.waited += time;
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
pub(crate) fn attempts_after(response: &Response) -> usize {
    let retryable = response.json().map(|body| &body["error"]["retryable"]);
    let says = |value: bool| retryable.is_some_and(|retryable| *retryable == value);
    match response.status {
        _ if says(false) => 1,
        429 | 503 => 6,
        // The first request is still in progress.
        409 | 423 | 425 if says(true) => 6,
        408 | 500 | 502 | 504 => 3,
        // What succeeded cannot be read.
        200..=202 if matches!(&response.body, Body::Text(text) if !text.is_empty()) => 3,
        _ => 1,
    }
}

/// The value of `Retry-After`, in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(value).ok()?.timestamp().duration_since(date(response)?);
    Some(Duration::try_from(until).unwrap_or_default())
}

/// The value of `Date`.
pub(crate) fn date(response: &Response) -> Option<Timestamp> {
    rfc2822::parse(response.header("date")?).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: serde_json::Value) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: Body::Json(body) }
    }

    #[test]
    fn the_server_says_how_long_to_wait_in_seconds_or_as_a_date() {
        let wait = |value| {
            retry_after(&response(
                429,
                &[("date", "Fri, 20 Nov 2026 17:00:00 GMT"), ("retry-after", value)],
                json!({}),
            ))
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Fri, 20 Nov 2026 17:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Fri, 20 Nov 2026 16:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn a_request_is_repeated_only_if_that_can_help() {
        let attempts = |status, retryable| {
            attempts_after(&response(status, &[], json!({"error": {"retryable": retryable}})))
        };
        assert_eq!(
            [attempts(503, json!(null)), attempts(500, json!(true)), attempts(409, json!(true))],
            [6, 3, 6]
        );
        assert_eq!(
            [attempts(503, json!(false)), attempts(409, json!(null)), attempts(422, json!(true))],
            [1, 1, 1]
        );
    }
}
