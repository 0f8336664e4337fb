//! What a test may look at and turn while a sandbox runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

use crate::app::App;
use crate::catalogue::{Catalogue, UnknownVendor, VendorState};
use crate::clock::ClockHandle;
use crate::faults::{Fault, FaultRecord};
use crate::journal::Seen;
use crate::limits::Limits;
use crate::scenario::Scenario;
use crate::store::{JobRecord, Ledger};

/// A view into a running sandbox, cheap to clone.
///
/// [`Sandbox`](crate::Sandbox) and [`SandboxRouter`](crate::SandboxRouter) both deref to it.
#[derive(Clone)]
pub struct Handle {
    app: Arc<App>,
}

impl Handle {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.app.limits
    }

    /// Where the API is, such as `http://127.0.0.1:8787`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.app.api_base
    }

    /// Where the links lead, without a slash at the end.
    pub fn file_base_url(&self) -> &str {
        &self.app.file_base
    }

    /// The clock.
    pub fn clock(&self) -> &ClockHandle {
        &self.app.clock
    }

    /// Every balance, charge and refund up to now.
    pub fn ledger(&self) -> Ledger {
        self.app.store.ledger(self.app.now())
    }

    /// Every request that was seen, oldest first, but for those to `/__sandbox/` and `/healthz`. The oldest are
    /// forgotten beyond the [`JournalLimits`](crate::JournalLimits).
    pub fn journal(&self) -> Vec<Seen> {
        self.app.journal.seen()
    }

    /// The requests of [`Handle::journal`] that came after the one with this [`Seen::sequence`]: what is new since a last
    /// look, without a copy of the rest.
    pub fn journal_after(&self, sequence: u64) -> Vec<Seen> {
        self.app.journal.seen_after(sequence)
    }

    /// Every job that was not deleted, oldest first.
    pub fn jobs(&self) -> Vec<JobRecord> {
        self.app.store.jobs(self.app.now())
    }

    /// The bytes of a job's clip, whether or not it may be downloaded now. They are made if they were not yet.
    /// Nothing if there is no such job, or if rendering fails.
    pub async fn clip_bytes(&self, job_id: &str) -> Option<bytes::Bytes> {
        let job = self.app.store.find(job_id)?;
        self.app.studio.files(self.app.clip_request(&job)).await.ok().map(|files| files.clip.bytes)
    }

    /// The fault rules, and how often each has matched and acted.
    pub fn faults(&self) -> Vec<FaultRecord> {
        self.app.faults.records()
    }

    /// Sets other fault rules in place of the ones there are. Each starts counting at 0.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.app.faults.replace(faults.into_iter().collect());
    }

    /// Sets another catalogue for the jobs to come.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        *self.app.catalogue.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }

    /// Which vendors are up and which are down, by their names.
    pub fn vendors(&self) -> BTreeMap<String, VendorState> {
        self.app.catalogue.read().unwrap_or_else(PoisonError::into_inner).states()
    }

    /// Lets a vendor go down or come up again. It counts for the jobs to come.
    ///
    /// # Errors
    /// If the catalogue has no vendor of that name.
    pub fn set_vendor(&self, name: &str, state: VendorState) -> Result<(), UnknownVendor> {
        self.set_vendors(&BTreeMap::from([(name.to_owned(), state)]))
    }

    /// Lets several vendors go down or come up again, or none if one of them is unknown.
    pub(crate) fn set_vendors(&self, states: &BTreeMap<String, VendorState>) -> Result<(), UnknownVendor> {
        self.app.catalogue.write().unwrap_or_else(PoisonError::into_inner).set_states(states)
    }

    /// Starts over as [`Handle::reset`] does, with the settings and fault rules of a scenario in place of those of the
    /// scenario before. What it does not name is as the builder set it; the builder's own rules are gone too.
    pub fn play(&self, scenario: &Scenario) {
        self.app.play(scenario);
    }

    /// Writes to the disk what is not there yet.
    pub(crate) fn stop(&self) {
        self.app.store.stop(self.app.now());
    }

    /// Forgets all jobs, accounts, keys and requests, and lets the fault rules count anew. The clock goes on.
    pub fn reset(&self) {
        self.app.reset();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("base_url", &self.app.api_base).finish_non_exhaustive()
    }
}
