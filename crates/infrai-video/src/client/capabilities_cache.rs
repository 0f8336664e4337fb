//! The vendors' capabilities, cached for the preflight.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use infrai_video_client::types::VideoCapabilities;
use tokio::time::Instant;

use crate::error::Error;

const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The lifetime of an error, so that many checks in a row fail once.
const ERROR_LIFETIME: Duration = Duration::from_secs(30);

pub(crate) type CachedCapabilities = Result<Arc<VideoCapabilities>, Error>;

#[derive(Default)]
pub(crate) struct CapabilitiesCache(Mutex<Option<(Instant, CachedCapabilities)>>);

impl CapabilitiesCache {
    pub(crate) fn get(&self) -> Option<CachedCapabilities> {
        let (at, capabilities) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let lifetime = if capabilities.is_ok() { LIFETIME } else { ERROR_LIFETIME };
        (at.elapsed() < lifetime).then_some(capabilities)
    }

    pub(crate) fn set(&self, capabilities: CachedCapabilities) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), capabilities));
    }
}
