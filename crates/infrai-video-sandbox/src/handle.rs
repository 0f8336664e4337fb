//! The control interface of a running sandbox.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

use crate::account_handle::AccountHandle;
use crate::app_state::AppState;
use crate::clock::ClockHandle;
use crate::faults::scenario::Scenario;
use crate::faults::{Fault, FaultRecord};
use crate::model::catalogue::{Catalogue, UnknownVendor, VendorState};
use crate::network::limits::Limits;
use crate::store::journal::Seen;
use crate::store::{JobRecord, Ledger};

/// Controls and inspects a running sandbox. Cheap to clone.
///
/// [`Sandbox`](crate::Sandbox) and [`SandboxRouter`](crate::SandboxRouter) both dereference to it.
#[derive(Clone)]
pub struct Handle {
    app: Arc<AppState>,
}

impl Handle {
    pub(crate) fn new(app: Arc<AppState>) -> Self {
        Self { app }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.app.limits
    }

    /// The base URL of the API, such as `http://127.0.0.1:8787`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.app.api_base
    }

    /// The base URL of the file host, without a slash at the end.
    pub fn file_base_url(&self) -> &str {
        &self.app.file_base
    }

    /// The clock.
    pub fn clock(&self) -> &ClockHandle {
        &self.app.clock
    }

    /// The account of an API key, which can be controlled alone.
    pub fn account(&self, key: &str) -> AccountHandle {
        AccountHandle::of(Arc::clone(&self.app), key)
    }

    /// Every balance, charge and refund up to now.
    pub fn ledger(&self) -> Ledger {
        self.app.store.ledger(self.app.now(), None)
    }

    /// Every request, oldest first, except for those to `/__sandbox/` and `/healthz`. Beyond the
    /// [`JournalLimits`](crate::JournalLimits) the oldest are dropped.
    pub fn journal(&self) -> Vec<Seen> {
        self.app.journal.seen()
    }

    /// The requests of [`Handle::journal`] after the one with this [`Seen::sequence`], without a copy of the rest.
    pub fn journal_after(&self, sequence: u64) -> Vec<Seen> {
        self.app.journal.seen_after(sequence)
    }

    /// Every job except deleted ones, oldest first.
    pub fn jobs(&self) -> Vec<JobRecord> {
        self.app.store.jobs(self.app.now(), None)
    }

    /// The bytes of a job's clip, also if it cannot be downloaded now. Produces the clip if necessary. `None` if there is
    /// no such job, or if rendering fails.
    pub async fn clip_bytes(&self, job_id: &str) -> Option<bytes::Bytes> {
        let job = self.app.store.find(job_id)?;
        self.app.clips.files(self.app.clip_request(&job)).await.ok().map(|files| files.clip.bytes)
    }

    /// The fault rules, and how often each has matched and acted.
    pub fn faults(&self) -> Vec<FaultRecord> {
        self.app.faults.records(None)
    }

    /// Replaces the fault rules. The counts of the new rules start at 0.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.app.faults.replace(faults.into_iter().collect());
    }

    /// Replaces the catalogue, for new jobs.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        *self.app.catalogue.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }

    /// The states of the vendors by name.
    pub fn vendors(&self) -> BTreeMap<String, VendorState> {
        self.app.catalogue.read().unwrap_or_else(PoisonError::into_inner).states()
    }

    /// Sets a vendor up or down, for new jobs.
    ///
    /// # Errors
    /// If the catalogue has no vendor of that name.
    pub fn set_vendor(&self, name: &str, state: VendorState) -> Result<(), UnknownVendor> {
        self.set_vendors(&BTreeMap::from([(name.to_owned(), state)]))
    }

    /// Sets several vendors up or down, or none of them if one is unknown.
    pub(crate) fn set_vendors(&self, states: &BTreeMap<String, VendorState>) -> Result<(), UnknownVendor> {
        self.app.catalogue.write().unwrap_or_else(PoisonError::into_inner).set_states(states)
    }

    /// Resets the sandbox as [`Handle::reset`] does, and starts a scenario. Its settings and fault rules replace those of the
    /// previous scenario and the fault rules of the builder. Other settings are those of the builder.
    pub fn play(&self, scenario: &Scenario) {
        self.app.play(scenario);
    }

    /// Writes pending changes to the disk.
    pub(crate) fn stop(&self) {
        self.app.store.stop(self.app.now());
    }

    /// Forgets all jobs, accounts, keys and requests, and resets the counts of the fault rules. The clock continues.
    pub fn reset(&self) {
        self.app.reset();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("base_url", &self.app.api_base).finish_non_exhaustive()
    }
}
