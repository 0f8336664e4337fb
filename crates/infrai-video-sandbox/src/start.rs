//! The initial state of a sandbox: empty, or loaded from a directory.

#[cfg(feature = "persist")]
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

#[cfg(feature = "persist")]
use crate::app_state::clip_request;
use crate::clips::clip_store::ClipStore;
use crate::clips::source::ClipRequest;
#[cfg(feature = "persist")]
use crate::clock::Clock;
use crate::model::ids::Seed;
use crate::model::money::Usd;
use crate::network::settings::StartError;
use crate::store::{Durable, State};
#[cfg(feature = "persist")]
use crate::store::{Opened, PersistError};

/// The state that a sandbox starts with.
pub(crate) struct InitialState {
    pub(crate) seed: Seed,
    pub(crate) state: State,
    /// The initial time of the clock.
    pub(crate) epoch: Timestamp,
    /// The number of the first request and link. No two starts on one state use the same number.
    pub(crate) first_number: u64,
    pub(crate) durable: Option<Durable>,
}

impl InitialState {
    /// An empty state.
    pub(crate) fn empty(seed: Seed, opening: Usd, epoch: Timestamp) -> Self {
        Self { seed, state: State::opening_at(opening), epoch, first_number: 0, durable: None }
    }

    /// The state of a directory. A requested epoch later than the stored time takes precedence.
    #[cfg(feature = "persist")]
    pub(crate) fn loaded(opened: Opened, clock: Clock, requested: Option<Timestamp>) -> Self {
        let start = match opened.clock {
            // Real time passed while no sandbox ran.
            Some(_) if clock.is_real() => Some(requested.unwrap_or_else(|| clock.default_epoch())),
            Some(_) => requested,
            None => Some(requested.unwrap_or_else(|| clock.default_epoch())),
        };
        let epoch = start.max(opened.clock).unwrap_or_else(|| clock.default_epoch());
        // No run makes 2^40 requests or links.
        let first_number = opened.starts << 40;
        let durable = Some(opened.durable);
        Self { seed: Seed(opened.seed), state: opened.state, epoch, first_number, durable }
    }

    /// Opens the clips on the disk. Also returns the clips whose production was interrupted.
    #[cfg(feature = "persist")]
    pub(crate) fn clip_store(&self) -> Result<(Option<ClipStore>, Vec<ClipRequest>), StartError> {
        let Some(durable) = &self.durable else {
            return Ok((None, Vec::new()));
        };
        let (mut uses, mut wanted, mut unfinished) = (HashMap::new(), HashSet::new(), Vec::new());
        for job in self.state.jobs() {
            let request = clip_request(self.seed, job);
            let name = request.name();
            *uses.entry(name.clone()).or_default() += 1;
            let now = self.state.time_of(&job.account, self.epoch);
            if job.cancelled.is_none() && job.failure.is_none() && !job.clip_is_gone(now) {
                if !job.state(now).is_terminal() {
                    unfinished.push((name.clone(), request));
                }
                wanted.insert(name);
            }
        }
        let path = durable.clips();
        let store = ClipStore::open(path.clone(), uses, &wanted)
            .map_err(|source| PersistError::Directory { path, source })?;
        unfinished.retain(|(name, _)| !store.has(name));
        Ok((Some(store), unfinished.into_iter().map(|(_, request)| request).collect()))
    }

    #[cfg(not(feature = "persist"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "a directory can be rejected")]
    pub(crate) fn clip_store(&self) -> Result<(Option<ClipStore>, Vec<ClipRequest>), StartError> {
        Ok((None, Vec::new()))
    }
}
