//! What a run asks the server.
//!
//! The requests depend only on the responses and the settings, so that a run can continue one that was interrupted.

mod clip;
mod file;
mod list;
mod reading;
mod reply;
mod writes;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::budget::{Allowance, Budget, dollars};
use crate::exchange::{Exchange, Request};
use crate::findings::Findings;
use crate::journal::Journal;
use crate::judge::Judge;
use crate::recorder::Recorder;
use crate::server::Server;
use crate::statement::Contract;
pub(crate) use reply::{Job, JobId, Reply};

/// The characters of a path that are shown.
const SHOWN_PATH: usize = 60;

/// What a run may do.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What it may spend; `None`: it only reads.
    pub allowance: Option<Allowance>,
    /// Whether it deletes all jobs of the account at the end.
    pub delete_all: bool,
    /// How long it waits for a clip.
    pub timeout: Duration,
}

/// What a run has found.
#[derive(Debug)]
pub struct Outcome {
    /// The verdicts.
    pub findings: Findings,
    /// The exchanges, with everything that the server sent.
    pub exchanges: Vec<Exchange>,
    /// The charges, in millionths of a US dollar.
    pub spent: u64,
    /// Parts that were left out, and why.
    pub left_out: Vec<String>,
    /// The journal, which is no longer needed once the evidence is stored.
    pub journal: Option<Journal>,
}

/// Probes a server.
///
/// `say` gets a line for each request and each charge.
///
/// # Errors
/// If no response arrives, or the journal cannot be used. Jobs that were made may still exist: the same run finishes the work.
pub fn run(
    contract: &Contract,
    server: &mut dyn Server,
    journal: Option<Journal>,
    options: Options,
    say: &mut dyn FnMut(String),
) -> anyhow::Result<Outcome> {
    let mut probe = Probe {
        judge: Judge::new(contract),
        recorder: Recorder::new(server, journal, say),
        budget: Budget::new(options.allowance.unwrap_or(Allowance { spend: 0, clip_price: 0 })),
        options,
        made: Vec::new(),
        left_out: Vec::new(),
    };
    if options.allowance.is_some() {
        probe.recorder.check_age()?;
    }
    let capabilities = probe.capabilities()?;
    probe.api_keys()?;
    let jobs = probe.lists()?;
    probe.unknown_jobs()?;
    probe.existing_jobs(&jobs)?;
    if options.allowance.is_some() {
        probe.clips(&capabilities)?;
        probe.delete_made()?;
    }
    if options.delete_all {
        probe.delete_all()?;
    }
    let last = probe.recorder.exchanges.len();
    let spent = probe.budget.spent();
    let (exchanges, journal) = probe.recorder.finish();
    Ok(Outcome { findings: probe.judge.finish(last), exchanges, spent, left_out: probe.left_out, journal })
}

/// A run.
struct Probe<'a> {
    judge: Judge<'a>,
    recorder: Recorder<'a>,
    budget: Budget,
    options: Options,
    /// The jobs that this run has made and not yet deleted.
    made: Vec<JobId>,
    left_out: Vec<String>,
}

impl Probe<'_> {
    /// Sends a request, and judges its responses by the document.
    fn ask(&mut self, purpose: &str, request: Request) -> anyhow::Result<Reply> {
        let numbers = self.recorder.send(purpose, &request)?;
        Ok(self.judged(purpose, numbers))
    }

    /// As [`Self::ask`], for a request that some servers never respond to. Without a response, nothing is known.
    fn ask_malformed(&mut self, purpose: &str, request: Request) -> anyhow::Result<Option<Reply>> {
        let numbers = self.recorder.send_malformed(purpose, &request)?;
        if numbers.is_none() {
            self.leave_out(format!("{purpose}: the server does not respond"));
        }
        Ok(numbers.map(|numbers| self.judged(purpose, numbers)))
    }

    fn judged(&mut self, purpose: &str, numbers: RangeInclusive<usize>) -> Reply {
        let last = *numbers.end();
        for number in numbers {
            let exchange = &self.recorder.exchanges[number - 1];
            self.judge.exchange(number, exchange);
            let place =
                exchange.request.path().unwrap_or("(link)").chars().take(SHOWN_PATH).collect::<String>();
            self.say(format!(
                "{}  {:6} {place}  {purpose}",
                exchange.response.status, exchange.request.method
            ));
        }
        Reply::new(last, self.recorder.exchanges[last - 1].response.clone())
    }

    fn say(&mut self, line: String) {
        (self.recorder.say)(line);
    }

    /// An idempotency key of this run.
    fn key(&self, name: &str) -> String {
        format!("verify-{}-{name}", self.recorder.run)
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.say(format!("left out: {what}"));
        self.left_out.push(what);
    }

    /// Adds a job that a response of `generate` names, if it is a new one. Returns whether it is.
    fn made(&mut self, reply: &Reply, known: &[&JobId]) -> bool {
        let Some(id) = reply.job().and_then(|job| job.id()) else { return false };
        if !reply.response.is_success() || known.contains(&&id) {
            return false;
        }
        let cost = self.budget.charge(reply.metadata());
        let total = dollars(self.budget.spent());
        let allowed = self.options.allowance.map_or(0, |allowance| allowance.spend);
        self.say(format!(
            "charged {} USD, {total} of {} USD so far: job {id}",
            dollars(cost),
            dollars(allowed)
        ));
        self.made.push(id);
        true
    }
}
