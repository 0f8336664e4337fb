//! Preflight: compares a request with the capabilities that the vendors list, before anything is charged.

mod capability_match;

use std::sync::Arc;
use std::time::Duration;

pub use capability_match::CapabilityMatch;
use capability_match::match_capabilities;

use crate::client::{CachedCapabilities, Client};
use crate::error::{Error, ErrorKind};
use crate::operations::Generate;

/// The maximum delay of a request by its preflight.
const MAX_ELAPSED: Duration = Duration::from_secs(8);

const MAX_ATTEMPTS: u32 = 2;

impl Generate {
    /// Compares the request with the vendors' capabilities, before anything is charged. The capabilities are cached for five
    /// minutes.
    ///
    /// A vendor that lists values supports only those. If a vendor lists none, or the capabilities cannot be read within 8
    /// seconds, the [`warnings`](CapabilityMatch::warnings) of the result say what was not checked. They are not a reason to stop.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] with the supported values if no vendor supports the request; [`ErrorKind::InvalidInput`] for a
    /// value out of range; [`ErrorKind::Authentication`] and [`ErrorKind::InsufficientCredit`] if the service rejects the account.
    pub async fn preflight(&self) -> Result<CapabilityMatch, Error> {
        let request = self.checked_request()?;
        match capabilities(self.client()).await {
            Ok(capabilities) => match_capabilities(request, &capabilities),
            Err(error) if concerns_every_call(&error) => Err(error),
            Err(error) => {
                let status = error.status().map(|status| format!(" (status {status})")).unwrap_or_default();
                let why = format!("the vendors' capabilities could not be read: {}{status}", error.message());
                Ok(CapabilityMatch::not_checked(&why))
            }
        }
    }
}

async fn capabilities(client: &Client) -> CachedCapabilities {
    let cache = &client.shared.capabilities;
    if let Some(capabilities) = cache.get() {
        return capabilities;
    }
    let policy = &client.shared.retry;
    let policy = policy.clone().with_max_attempts(policy.max_attempts().min(MAX_ATTEMPTS));
    let max_elapsed = policy.max_elapsed().min(MAX_ELAPSED);
    // The cache is not locked meanwhile: concurrent checks may read twice, but do not wait for each other's retries.
    let read = client.capabilities().with_retry_policy(policy.with_max_elapsed(max_elapsed)).await;
    let result = read.map(|capabilities| Arc::new(capabilities.into_inner()));
    if !result.as_ref().is_err_and(concerns_every_call) {
        cache.set(result.clone());
    }
    result
}

/// Whether every other call would fail in the same way.
fn concerns_every_call(error: &Error) -> bool {
    match error.kind() {
        // An API key may permit submissions but no capabilities (403).
        ErrorKind::Authentication => error.status() != Some(403),
        ErrorKind::InsufficientCredit | ErrorKind::Config | ErrorKind::InvalidInput => true,
        // An untrusted certificate, or a proxy that refuses.
        ErrorKind::Unreachable => !error.is_retryable(),
        _ => false,
    }
}
