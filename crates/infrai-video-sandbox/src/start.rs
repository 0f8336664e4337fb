//! What a sandbox starts from: nothing, or what a directory holds.

#[cfg(feature = "persist")]
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

#[cfg(feature = "persist")]
use crate::app::clip_request;
#[cfg(feature = "persist")]
use crate::clock::Clock;
use crate::ids::Seed;
use crate::library::Library;
use crate::money::Usd;
use crate::reach::StartError;
use crate::source::ClipRequest;
use crate::store::{Durable, State};
#[cfg(feature = "persist")]
use crate::store::{Opened, PersistError};
#[cfg(feature = "persist")]
use crate::studio::name_of;

/// What is there when a sandbox starts.
pub(crate) struct Ground {
    pub(crate) seed: Seed,
    pub(crate) state: State,
    /// When the clock starts.
    pub(crate) epoch: Timestamp,
    /// Where requests and links are numbered from. No two starts on one state give the same number.
    pub(crate) first_number: u64,
    pub(crate) durable: Option<Durable>,
}

impl Ground {
    pub(crate) fn fresh(seed: Seed, opening: Usd, epoch: Timestamp) -> Self {
        Self { seed, state: State::opening_at(opening), epoch, first_number: 0, durable: None }
    }

    /// What was found in a directory. A clock that is to start later than the stored time does so.
    #[cfg(feature = "persist")]
    pub(crate) fn of(opened: Opened, clock: Clock, asked: Option<Timestamp>) -> Self {
        let start = match opened.clock {
            // Outside, time went on while nothing ran.
            Some(_) if clock.is_real() => Some(asked.unwrap_or_else(|| clock.default_epoch())),
            Some(_) => asked,
            None => Some(asked.unwrap_or_else(|| clock.default_epoch())),
        };
        let epoch = start.max(opened.clock).unwrap_or_else(|| clock.default_epoch());
        // No run makes as many requests and links as there are numbers in between.
        let first_number = opened.starts << 40;
        let durable = Some(opened.durable);
        Self { seed: Seed(opened.seed), state: opened.state, epoch, first_number, durable }
    }

    /// The clips on the disk, and those that are to be made because a stop came in between.
    #[cfg(feature = "persist")]
    pub(crate) fn library(&self) -> Result<(Option<Library>, Vec<ClipRequest>), StartError> {
        let Some(durable) = &self.durable else {
            return Ok((None, Vec::new()));
        };
        let (mut uses, mut wanted, mut unfinished) = (HashMap::new(), HashSet::new(), Vec::new());
        for job in self.state.jobs() {
            let scene = clip_request(self.seed, job);
            let name = name_of(&scene);
            *uses.entry(name.clone()).or_default() += 1;
            if job.cancelled.is_none() && job.failure.is_none() && !job.clip_is_gone(self.epoch) {
                if !job.state(self.epoch).is_terminal() {
                    unfinished.push((name.clone(), scene));
                }
                wanted.insert(name);
            }
        }
        let path = durable.clips();
        let library = Library::open(path.clone(), uses, &wanted)
            .map_err(|source| PersistError::Directory { path, source })?;
        unfinished.retain(|(name, _)| !library.has(name));
        Ok((Some(library), unfinished.into_iter().map(|(_, scene)| scene).collect()))
    }

    #[cfg(not(feature = "persist"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "a directory can be refused")]
    pub(crate) fn library(&self) -> Result<(Option<Library>, Vec<ClipRequest>), StartError> {
        Ok((None, Vec::new()))
    }
}
