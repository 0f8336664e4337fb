//! The client: connections, settings and state that all calls share.

mod builder;
mod capabilities_cache;
mod rng;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use infrai_video_client as generated;

pub use builder::ClientBuilder;
pub(crate) use capabilities_cache::CachedCapabilities;
use capabilities_cache::CapabilitiesCache;
use rng::Rng;

use crate::clock::Clocks;
use crate::error::Error;
use crate::ids::IdempotencyKey;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::secrets::Secrets;
use crate::transport::Transport;
use crate::wait::PollBackoff;

/// The URL of the service.
pub const DEFAULT_BASE_URL: &str = "https://api.infrai.cc";

/// The environment variable with the API key.
pub const API_KEY_VARIABLE: &str = "INFRAI_API_KEY";

/// The environment variable with the base URL, for a sandbox or a gateway.
pub const BASE_URL_VARIABLE: &str = "INFRAI_BASE_URL";

/// A client of the API. Cheap to clone; all clones share connections, the retry budget and cached capabilities.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = infrai_video::Client::from_env()?;
/// let job = client.status("vj_01kaq3v8zn5w4x7r2m9t6h0c1d").await?;
/// println!("{} ({:?} USD)", job.state, job.metadata().cost_usd);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

/// State shared by all clones of a client.
pub(crate) struct Shared {
    pub(crate) base_url: String,
    pub(crate) api_key: generated::ApiKey,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: RetryBudget,
    pub(crate) max_wait: Option<Duration>,
    /// Whether the service is on this machine, such as a sandbox.
    pub(crate) is_local: bool,
    /// Headers of the user for every request to the API.
    pub(crate) headers: HeaderMap,
    pub(crate) capabilities: CapabilitiesCache,
    pub(crate) clocks: Clocks,
    pub(crate) secrets: Secrets,
    rng: Rng,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) attempt: Duration,
}

impl Client {
    /// A client with the API key in `INFRAI_API_KEY` and, if it is set, the base URL in `INFRAI_BASE_URL`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with the name of the variable that is missing or invalid.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// A client with this API key and default settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the key is invalid.
    pub fn new(api_key: impl Into<String>) -> Result<Self, Error> {
        ClientBuilder::new(api_key).build()
    }

    /// Settings of a client with this API key.
    pub fn builder(api_key: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(api_key)
    }

    /// The base URL, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The polling interval for a service on this machine, or else `remote`.
    pub(crate) fn poll_backoff(&self, remote: PollBackoff) -> PollBackoff {
        if self.shared.is_local { PollBackoff::local() } else { remote }
    }

    pub(crate) fn mint_key(&self) -> IdempotencyKey {
        self.shared.rng.uuid().to_string().parse().expect("a UUID is visible ASCII")
    }

    /// A random number from 0 to 1.
    pub(crate) fn random_share(&self) -> f64 {
        self.shared.rng.share()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.shared.base_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_keys_differ_unless_they_are_seeded() {
        let client = Client::new("ifr_pk_proj_x").unwrap();
        assert_ne!(client.mint_key(), client.mint_key());
        let seeded = || Client::builder("ifr_pk_proj_x").with_seed(7).build().unwrap();
        assert_eq!(seeded().mint_key(), seeded().mint_key());
    }
}
