//! What a run asks the server.
//!
//! The requests depend only on the responses and the settings, so that a run can continue one that was interrupted.

mod clip;
mod file;
mod list;
mod reading;
mod reply;
mod writes;

use std::time::Duration;

use crate::budget::{Allowance, Budget, dollars};
use crate::exchange::{Exchange, Request};
use crate::findings::Findings;
use crate::journal::Journal;
use crate::judge::Judge;
use crate::recorder::{Recorder, Silence};
use crate::rules::Rule;
use crate::server::Server;
use crate::statement::Contract;
pub(crate) use reply::{JobId, Reply};

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
    /// Jobs that could not be deleted. The same run can delete them later, with its journal.
    pub undeleted: Vec<String>,
    /// The journal, which is no longer needed once the evidence is stored and all jobs are deleted.
    pub journal: Option<Journal>,
}

/// Probes a server.
///
/// `progress` gets a line for each request and each charge.
///
/// # Errors
/// If no response arrives, or the journal cannot be used. Jobs that were made may still exist: the same run finishes the work.
pub fn run(
    contract: &Contract,
    server: &mut dyn Server,
    journal: Option<Journal>,
    options: Options,
    progress: &mut dyn FnMut(String),
) -> anyhow::Result<Outcome> {
    let mut probe = Probe {
        judge: Judge::new(contract),
        recorder: Recorder::new(server, journal, progress),
        budget: Budget::new(options.allowance.unwrap_or(Allowance { spend: 0, clip_price: 0 })),
        options,
        existing: Vec::new(),
        made: Vec::new(),
        undeleted: Vec::new(),
        resent: 0,
        left_out: Vec::new(),
    };
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
    let undeleted = probe.undeleted.iter().map(JobId::to_string).collect();
    let findings = probe.judge.finish(last);
    Ok(Outcome { findings, exchanges, spent, left_out: probe.left_out, undeleted, journal })
}

/// A run.
struct Probe<'a> {
    judge: Judge<'a>,
    recorder: Recorder<'a>,
    budget: Budget,
    options: Options,
    /// The jobs of the account before this run has made any.
    existing: Vec<JobId>,
    /// The jobs that this run has made and not yet deleted.
    made: Vec<JobId>,
    undeleted: Vec<JobId>,
    /// How often requests for clips were sent again.
    resent: u32,
    left_out: Vec<String>,
}

impl Probe<'_> {
    /// Sends a request, and judges its responses by the document.
    fn ask(&mut self, purpose: &str, request: Request) -> anyhow::Result<Reply> {
        let silence = if request.path().is_some() { Silence::Stops } else { Silence::Counts };
        self.send(purpose, request, silence)
    }

    /// As [`Self::ask`], for a request that some servers never respond to.
    fn ask_malformed(&mut self, purpose: &str, request: Request) -> anyhow::Result<Reply> {
        self.send(purpose, request, Silence::Counts)
    }

    fn send(&mut self, purpose: &str, request: Request, silence: Silence) -> anyhow::Result<Reply> {
        let sent = self.recorder.send(purpose, &request, silence)?;
        let last = *sent.numbers.end();
        for number in sent.numbers {
            let exchange = &self.recorder.exchanges[number - 1];
            self.judge.exchange(number, exchange);
            // Without ids: others may read the output.
            let place =
                exchange.request.path().unwrap_or("(link)").split('/').take(4).collect::<Vec<_>>().join("/");
            self.progress(format!(
                "{}  {:6} {place}  {purpose}",
                exchange.response.status, exchange.request.method
            ));
        }
        let response = self.recorder.exchanges[last - 1].response.clone();
        let reply = Reply { number: last, response, repeats: sent.repeats };
        if reply.is_outage() {
            self.leave_out(format!("{purpose}: {}", reply.described()));
        }
        Ok(reply)
    }

    /// Confirms or contradicts a rule by a response. A server that is overloaded or broken says nothing about its rules.
    fn rule(&mut self, rule: &Rule, reply: &Reply, holds: bool, found: impl Into<String>) {
        if !reply.is_outage() {
            self.judge.findings.rule(rule, reply.number, holds, found);
        }
    }

    fn progress(&mut self, line: String) {
        (self.recorder.progress)(line);
    }

    /// An idempotency key of this run.
    fn key(&self, name: &str) -> String {
        format!("verify-{}-{name}", self.recorder.run)
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.progress(format!("left out: {what}"));
        self.left_out.push(what);
    }

    /// Adds a charge for a job that may exist.
    fn may_have_made(&mut self, why: &str) {
        self.budget.may_have_charged();
        self.leave_out(format!("a clip that may have been made and charged, since {why}: look at `list`"));
    }

    /// Adds the job that a response of `generate` names, and its charge. Returns the id, unless the request was rejected, or the job was
    /// there before this run: such a job is not deleted.
    fn made(&mut self, reply: &Reply, known: Option<&JobId>) -> Option<JobId> {
        if reply.is_rejected() {
            return None;
        }
        let Some(id) = reply.job().and_then(|job| job.id()).filter(|_| reply.response.is_success()) else {
            self.may_have_made(&format!("`generate` responds {} without a job id", reply.described()));
            return None;
        };
        if known == Some(&id) {
            return Some(id);
        }
        if self.existing.contains(&id) {
            self.may_have_made("`generate` responds with a job that was there before");
            return None;
        }
        self.resent += reply.repeats;
        let cost = self.budget.charge(reply.metadata());
        let total = dollars(self.budget.spent());
        let allowed = self.options.allowance.map_or(0, |allowance| allowance.spend);
        self.progress(format!(
            "charged {} USD, {total} of {} USD so far: job {id}",
            dollars(cost),
            dollars(allowed)
        ));
        self.made.push(id.clone());
        Some(id)
    }
}
