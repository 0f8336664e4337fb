//! What the ledger knows of jobs, for commands that show jobs of the service.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infrai_video::JobState;
use tokio::time::timeout;

use crate::context::Context;
use crate::ledger::{Item, KnownJob, Ledger, Stage};
use crate::schema::billed_cost;
use crate::text::{ago, now, rfc3339, usd};

/// How long a ledger on another machine may take: what the service says is worth more.
const MAX_OPENING: Duration = Duration::from_secs(5);

/// The ledger, if there is one that can be used.
pub(super) struct KnownJobs<'a> {
    ctx: &'a Context,
    ledger: Option<Arc<Ledger>>,
    /// There was no ledger yet. Another command may create it.
    is_missing: bool,
}

impl<'a> KnownJobs<'a> {
    /// Opens the ledger if it exists. A ledger that cannot be used is reported and ignored.
    pub(super) async fn open(ctx: &'a Context) -> Self {
        let mut known = Self { ctx, ledger: None, is_missing: true };
        known.look_again().await;
        known
    }

    /// Opens the ledger if there is one now.
    async fn look_again(&mut self) {
        if !self.ctx.ledger_location().is_ok_and(|location| location.exists()) {
            return;
        }
        self.is_missing = false;
        let why = match timeout(MAX_OPENING, self.ctx.open_ledger()).await {
            Ok(Ok(ledger)) => return self.ledger = ledger,
            Ok(Err(failure)) => failure.message().to_owned(),
            Err(_) => format!("the ledger did not respond within {} s", MAX_OPENING.as_secs()),
        };
        self.report(&why);
    }

    /// What it knows of each job, by the id of the job. Final states are recorded, for the report of what was charged.
    pub(super) async fn of(&mut self, jobs: &[(&str, &JobState)]) -> HashMap<String, KnownJob> {
        if self.is_missing {
            self.look_again().await;
        }
        let Some(ledger) = &self.ledger else { return HashMap::new() };
        let (service, ids) = (self.ctx.service(), jobs.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        match ledger.of_jobs(&service, &ids).await {
            Ok(items) => {
                let is_new = |(id, state): &&(&str, &JobState)| {
                    let known = items.get(*id).map(|known| known.item.job_state.as_deref());
                    state.is_final() && known.is_some_and(|known| known != Some(state.as_str()))
                };
                for (id, state) in jobs.iter().filter(is_new) {
                    // The ledger may be read-only.
                    let _later = ledger.set_charge_state(&service, id, state, false).await;
                }
                items
            }
            Err(error) => {
                self.report(self.ctx.ledger_failed(&error).message());
                self.ledger = None;
                HashMap::new()
            }
        }
    }

    fn report(&self, why: &str) {
        self.ctx.output.status("note", &format!("{why}; only what the service knows is shown"));
    }

    pub(super) async fn close(self) {
        if let Some(ledger) = self.ledger {
            ledger.close().await;
        }
    }
}

/// Who reads the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Person,
    Program,
}

/// When it was requested: relative for people.
pub(super) fn age(job: &KnownJob, reader: Reader) -> String {
    match reader {
        Reader::Person => ago(job.submitted_at, now()),
        Reader::Program => rfc3339(job.submitted_at),
    }
}

/// What the job costs in US dollars: nothing if it failed or was cancelled, since it is refunded.
pub(super) fn cost(item: &Item, state: &JobState) -> Option<String> {
    let is_charged = !state.is_final() || *state == JobState::Succeeded;
    let charged = billed_cost(item.stage, item.cost_usd).filter(|_| is_charged);
    item.cost_usd.map(|_| charged.map_or_else(|| "0".to_owned(), usd))
}

/// Where the clip is, if it was saved. People see paths below the working directory as they would type them, clips of other machines,
/// and clips that are missing.
pub(super) fn file(item: &Item, reader: Reader) -> Option<String> {
    let path = item.path.as_ref().filter(|_| item.stage == Stage::Saved)?;
    let is_here = item.machine.as_ref().is_none_or(|machine| gethostname::gethostname() == machine.as_str());
    let exists = is_here && Path::new(path).exists();
    match (reader, &item.machine) {
        (Reader::Program, _) => exists.then(|| path.clone()),
        (Reader::Person, Some(machine)) if !is_here => Some(format!("{machine}:{path}")),
        (Reader::Person, _) if exists => Some(below_working_directory(path).to_owned()),
        (Reader::Person, _) => Some(format!("missing: {}", below_working_directory(path))),
    }
}

fn below_working_directory(path: &str) -> &str {
    let directory = std::env::current_dir().unwrap_or_default();
    Path::new(path).strip_prefix(directory).ok().and_then(Path::to_str).unwrap_or(path)
}
