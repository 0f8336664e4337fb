//! What a run counted.

use serde::{Deserialize, Serialize};

use super::database::LedgerCounts;
use super::item::{STEPS, Step};
use super::queue::{MINUTE, Micros};
use super::scenario::Scenario;
use super::service::ServiceCounts;
use super::violations::Violations;

/// The items at each step when their processes died.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deaths([u64; STEPS.len()]);

impl Deaths {
    pub(super) fn add(&mut self, step: Step) {
        self.0[step as usize] += 1;
    }

    pub(crate) fn of(&self, step: Step) -> u64 {
        self.0[step as usize]
    }
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) items: u32,
    /// When the last clip was saved.
    pub(crate) makespan: Micros,
    /// Items by their end.
    pub(crate) saved: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
    /// Not sent again, since their keys have expired: a person must look whether they have a job.
    pub(crate) unknown: u64,
    pub(crate) unfinished: u64,
    pub(crate) service: ServiceCounts,
    pub(crate) ledger: LedgerCounts,
    /// Attempts of calls after the first.
    pub(crate) retries: u64,
    /// Times that a process paused its items.
    pub(crate) pauses: u64,
    /// Times that a process gave an unfinished item up for another one to continue.
    pub(crate) given_up: u64,
    pub(crate) processes: u64,
    pub(crate) kills: u64,
    pub(crate) stalls: u64,
    pub(crate) partitions: u64,
    pub(crate) deaths: Deaths,
    pub(crate) events: u64,
    pub(crate) violations: Violations,
    /// Clips saved in each minute.
    pub(crate) by_minute: Vec<u32>,
    /// Begin, duration and name of what stopped all processes.
    pub(crate) marks: Vec<(Micros, Micros, String)>,
    /// The time between the end of a job and its detection, of all jobs.
    pub(crate) delays: Micros,
    pub(super) has_topped_up: bool,
}

impl Report {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self { items: scenario.items, ..Self::default() }
    }

    pub(super) fn saved_at(&mut self, now: Micros) {
        self.makespan = self.makespan.max(now);
        let minute = usize::try_from(now / MINUTE).expect("a run is not that long");
        if self.by_minute.len() <= minute {
            self.by_minute.resize(minute + 1, 0);
        }
        self.by_minute[minute] += 1;
    }

    pub(super) fn mark(&mut self, at: Micros, duration: Micros, name: &'static str) {
        self.marks.push((at, duration, name.to_owned()));
    }

    pub(super) fn finish(
        mut self,
        service: ServiceCounts,
        ledger: LedgerCounts,
        violations: Violations,
    ) -> Self {
        (self.service, self.ledger, self.violations) = (service, ledger, violations);
        self
    }

    /// When this share of the clips was saved, in minutes.
    pub(crate) fn minutes_until(&self, share: f64) -> usize {
        let wanted = (f64::from(self.items) * share) as u64;
        let mut saved = 0;
        let reaches = |count: &u32| {
            saved += u64::from(*count);
            saved >= wanted
        };
        self.by_minute.iter().position(reaches).map_or(0, |minute| minute + 1)
    }

    /// Charges that were not refunded.
    pub(crate) fn net_charges(&self) -> u64 {
        self.service.charges - self.service.refunds
    }
}
