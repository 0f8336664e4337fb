use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use infrai_video_client as generated;
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};
use uuid::Uuid;

use crate::check::CapabilitiesCache;
use crate::error::{Error, ErrorKind};
use crate::ids::IdempotencyKey;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::secrets::Secrets;
use crate::time::{Clocks, WallClock};
use crate::transport::{DefaultTransport, Sender, Transport, request_builder};

/// Where the service is.
pub const DEFAULT_BASE_URL: &str = "https://api.infrai.cc";

/// The environment variable with the project key.
pub const API_KEY_VARIABLE: &str = "INFRAI_API_KEY";

/// The environment variable with the base URL, for a sandbox or a gateway of one's own.
pub const BASE_URL_VARIABLE: &str = "INFRAI_BASE_URL";

/// The way to the API. Cheap to clone; all clones share connections, retry budget and cached capabilities.
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

/// What all clones of a client have in common.
pub(crate) struct Shared {
    pub(crate) base_url: String,
    pub(crate) context: generated::Context,
    pub(crate) sender: Sender,
    /// Builds requests for the generated client, also where another transport sends them.
    pub(crate) builder: reqwest::Client,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: RetryBudget,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) capabilities: CapabilitiesCache,
    pub(crate) clocks: Clocks,
    pub(crate) secrets: Secrets,
    random: Random,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) attempt: Duration,
}

/// Jitter and minted keys. With a seed both repeat.
struct Random {
    generator: Mutex<fastrand::Rng>,
    seeded: bool,
}

impl Client {
    /// A client for the key in `INFRAI_API_KEY` and, where it is set, the base URL in `INFRAI_BASE_URL`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// A client for one key, with every setting at its default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] where the key cannot be one.
    pub fn new(api_key: impl Into<String>) -> Result<Self, Error> {
        ClientBuilder::new(api_key).build()
    }

    /// Settings for a client with this key.
    pub fn builder(api_key: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(api_key)
    }

    /// The base URL, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    pub(crate) fn mint_key(&self) -> IdempotencyKey {
        let random = &self.shared.random;
        let key = if random.seeded {
            uuid::Builder::from_random_bytes(random.with(|generator| generator.u128(..)).to_be_bytes())
                .into_uuid()
        } else {
            Uuid::now_v7()
        };
        key.to_string().parse().expect("a UUID is visible ASCII")
    }

    /// A random number from 0 to 1.
    pub(crate) fn random_share(&self) -> f64 {
        self.shared.random.with(fastrand::Rng::f64)
    }
}

impl Random {
    fn new(seed: Option<u64>) -> Self {
        let generator = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { generator: Mutex::new(generator), seeded: seed.is_some() }
    }

    fn with<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.generator.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.shared.base_url).finish_non_exhaustive()
    }
}

/// Settings for a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use infrai_video::{Client, RetryPolicy};
///
/// let client = Client::builder("ifr_pk_proj_example")
///     .with_base_url("http://127.0.0.1:8787")
///     .with_attempt_timeout(Duration::from_secs(20))
///     .with_retry_policy(RetryPolicy::default().with_max_attempts(8))
///     .build()?;
/// # Ok::<(), infrai_video::Error>(())
/// ```
#[must_use = "settings do nothing until `build` is called"]
pub struct ClientBuilder {
    api_key: SecretString,
    base_url: String,
    timeouts: Timeouts,
    retry: RetryPolicy,
    retry_budget: u32,
    max_wait: Option<Duration>,
    user_agent: String,
    seed: Option<u64>,
    http_client: Option<reqwest::Client>,
    transport: Option<Arc<dyn Transport>>,
    wall_clock: WallClock,
}

impl ClientBuilder {
    /// Settings for a client with this project key (`ifr_pk_proj_...`).
    pub fn new(api_key: impl Into<String>) -> Self {
        Self {
            api_key: SecretString::from(api_key.into()),
            base_url: DEFAULT_BASE_URL.to_owned(),
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                read: Duration::from_secs(30),
                attempt: Duration::from_secs(60),
            },
            retry: RetryPolicy::default(),
            retry_budget: 100,
            max_wait: Some(Duration::from_secs(30 * 60)),
            user_agent: concat!("infrai-video-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            seed: None,
            http_client: None,
            transport: None,
            wall_clock: Arc::new(SystemTime::now),
        }
    }

    /// Settings with the key in `INFRAI_API_KEY` and, where it is set, the base URL in `INFRAI_BASE_URL`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the variable that is missing or no text.
    pub fn from_env() -> Result<Self, Error> {
        let read = |variable: &'static str| match std::env::var(variable) {
            Ok(value) if value.trim().is_empty() => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(config(variable, format!("{variable} is not valid text")))
            }
        };
        let key = read(API_KEY_VARIABLE)?
            .ok_or_else(|| config(API_KEY_VARIABLE, format!("{API_KEY_VARIABLE} is not set")))
            .map_err(|error| {
                error.with_hint(format!("set {API_KEY_VARIABLE} to a project key (ifr_pk_proj_...)"))
            })?;
        let builder = Self::new(key);
        Ok(match read(BASE_URL_VARIABLE)? {
            Some(url) => builder.with_base_url(url),
            None => builder,
        })
    }

    /// Where the API is; `https://api.infrai.cc` by default, see [`base_url`]. Plain http is for loopback alone, since the
    /// key would travel in the clear.
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// How long a connection may take to be made; 10 seconds by default.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// How long an answer or a download may pause; 30 seconds by default.
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.read = timeout;
        self
    }

    /// How long one attempt of a call may take in all; 60 seconds by default. Downloads have no such limit.
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.attempt = timeout;
        self
    }

    /// How calls are repeated.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How many retries all clones together may spend before successes earn new ones; 100 by default.
    pub fn with_retry_budget(mut self, retries: u32) -> Self {
        self.retry_budget = retries;
        self
    }

    /// How long a wait for a job takes at most, unless it says otherwise; 30 minutes by default, `None` for no limit.
    pub fn with_max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// Adds a program's own name to the `User-Agent` header, such as `clip-shop/2.1`.
    pub fn with_user_agent_suffix(mut self, suffix: &str) -> Self {
        self.user_agent = format!("{} {suffix}", self.user_agent);
        self
    }

    /// Makes jitter and minted idempotency keys repeat. For tests and simulations alone: two clients with one seed mint the
    /// same keys, so the second one's jobs would be taken for repetitions of the first one's.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sends requests through this `reqwest` client, for a custom proxy or custom certificates. Its redirect policy should
    /// be none, and it should have no timeout except one for connecting. Connect timeout, proxies and HTTP/2 are then
    /// configured on that client.
    pub fn with_http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Sends requests through a custom transport.
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Reads the time of day from `clock` instead of the system, for tests and simulations of clocks that are wrong.
    #[doc(hidden)]
    pub fn with_wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall_clock = Arc::new(clock);
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the setting that is wrong. Nothing is sent.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = checked_base_url(&self.base_url)?;
        let key = self.api_key.expose_secret().trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(config("api_key", "`api_key` is not a project key")
                .with_hint("pass a key such as ifr_pk_proj_..., without spaces"));
        }
        let context = generated::Context::new(key)
            .map_err(|_| config("api_key", "`api_key` holds characters that no header can carry"))?;
        let user_agent = HeaderValue::from_str(&self.user_agent)
            .map_err(|_| config("user_agent_suffix", "`user_agent_suffix` must be visible ASCII"))?;
        let (builder, sender) = match (self.transport, self.http_client) {
            (Some(transport), client) => (client, Sender::Custom(transport)),
            (None, Some(client)) => (Some(client.clone()), Sender::Reqwest(client)),
            (None, None) => (None, default_sender(&base_url, self.timeouts.connect)?),
        };
        let builder = builder.map_or_else(request_builder, Ok)?;
        Ok(Client {
            shared: Arc::new(Shared {
                base_url: base_url.as_str().trim_end_matches('/').to_owned(),
                context,
                sender,
                builder,
                user_agent,
                timeouts: self.timeouts,
                retry: self.retry,
                budget: RetryBudget::new(self.retry_budget),
                max_wait: self.max_wait,
                capabilities: CapabilitiesCache::default(),
                clocks: Clocks::new(self.wall_clock),
                secrets: Secrets::new(key),
                random: Random::new(self.seed),
            }),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

fn config(setting: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_field(setting)
}

/// The built-in transport. Reports missing CA certificates and invalid proxy settings before anything is sent.
fn default_sender(base_url: &Url, connect_timeout: Duration) -> Result<Sender, Error> {
    let transport = DefaultTransport::new(connect_timeout);
    let server = base_url.as_str().parse().map_err(|_| config("base_url", "`base_url` is no URL"))?;
    transport.prepare(&server).map_err(|error| {
        let error = Error::from(error).with_retryable(false);
        let message = error.message().to_owned();
        error.turned_into(ErrorKind::Config, message)
    })?;
    Ok(Sender::Custom(Arc::new(transport)))
}

/// Normalizes a base URL as [`Client`] does: removes trailing slashes, and a trailing `/v1` or `/v1/video`, which is part of
/// every route. A path prefix before that, such as a gateway's, is kept.
///
/// ```
/// let url = infrai_video::base_url("https://gateway.example.com/video-api/v1/")?;
/// assert_eq!(url, "https://gateway.example.com/video-api");
/// # Ok::<(), infrai_video::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] if the text is not a valid base URL. The message does not repeat the text.
pub fn base_url(text: &str) -> Result<String, Error> {
    checked_base_url(text).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

fn checked_base_url(text: &str) -> Result<Url, Error> {
    // The text is not repeated: it may hold a password, or be a key that ended up in the wrong variable.
    let wrong = |what: &str| {
        config("base_url", format!("`base_url` {what}")).with_hint("pass a URL such as https://api.infrai.cc")
    };
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("must start with https://"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(wrong("must have no user, query or fragment"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(wrong("would send the key in the clear: plain http is for this machine alone"));
    }
    let path = before_the_routes(url.path());
    if path.to_ascii_lowercase().contains("/v1/video/") {
        return Err(wrong("is the URL of an operation: it must end before /v1/video"));
    }
    let path = path.to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The path without a trailing `/v1` or `/v1/video`.
fn before_the_routes(path: &str) -> &str {
    fn without<'a>(path: &'a str, end: &str) -> Option<&'a str> {
        let at = path.len().checked_sub(end.len())?;
        path.get(at..)?.eq_ignore_ascii_case(end).then(|| path[..at].trim_end_matches('/'))
    }
    let path = path.trim_end_matches('/');
    let path = without(path, "/video").filter(|rest| without(rest, "/v1").is_some()).unwrap_or(path);
    without(path, "/v1").unwrap_or(path)
}

/// Whether a URL leads to this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_setting_is_named() {
        for (url, what) in [
            ("", "is no URL"),
            ("api.infrai.cc", "is no URL"),
            ("ftp://user:secret@api.infrai.cc", "must start with https://"),
            ("http://api.infrai.cc", "in the clear"),
            ("https://user:secret@api.infrai.cc", "no user"),
            ("ifr_pk_proj_secret", "is no URL"),
            ("https://api.infrai.cc?x=1", "query"),
        ] {
            let error = Client::builder("ifr_pk_proj_x").with_base_url(url).build().unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Config, Some("base_url")), "{url}");
            assert!(error.to_string().contains(what), "{error}");
            assert!(!error.to_string().contains("secret"));
        }
        for key in ["", "  ", "a b", "ifr_pk_\u{e4}"] {
            let error = Client::new(key).unwrap_err();
            assert_eq!(error.field(), Some("api_key"), "{key:?}");
        }
    }

    #[test]
    fn a_trailing_v1_is_removed_from_the_base_url() {
        for (given, used) in [
            ("https://api.infrai.cc", "https://api.infrai.cc"),
            ("https://api.infrai.cc/", "https://api.infrai.cc"),
            ("https://api.infrai.cc/v1", "https://api.infrai.cc"),
            ("https://api.infrai.cc//v1//", "https://api.infrai.cc"),
            ("https://api.infrai.cc/V1/", "https://api.infrai.cc"),
            ("https://api.infrai.cc/v1/video", "https://api.infrai.cc"),
            ("https://api.infrai.cc/v1/video/", "https://api.infrai.cc"),
            (" https://gateway.example.com/infrai/v1 ", "https://gateway.example.com/infrai"),
            ("https://gateway.example.com/infrai/", "https://gateway.example.com/infrai"),
            ("https://gateway.example.com/video", "https://gateway.example.com/video"),
            ("https://gateway.example.com/dev1", "https://gateway.example.com/dev1"),
            ("https://gateway.example.com/v1/proxy", "https://gateway.example.com/v1/proxy"),
            ("http://127.0.0.1:8787/v1", "http://127.0.0.1:8787"),
        ] {
            assert_eq!(base_url(given).unwrap(), used, "{given}");
            let client = Client::builder("ifr_pk_proj_x").with_base_url(given).build().unwrap();
            assert_eq!(client.base_url(), used, "{given}");
        }
        for operation in
            ["https://api.infrai.cc/v1/video/generate", "https://api.infrai.cc/v1/video/get/vj_1/"]
        {
            let error = base_url(operation).unwrap_err();
            assert!(error.to_string().contains("must end before /v1/video"), "{error}");
        }
    }

    #[test]
    fn neither_client_nor_builder_shows_the_key() {
        let builder = Client::builder("ifr_pk_proj_secret");
        assert!(!format!("{builder:?}").contains("secret"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("secret"));
    }

    #[test]
    fn minted_keys_differ_unless_they_are_seeded() {
        let client = Client::new("ifr_pk_proj_x").unwrap();
        assert_ne!(client.mint_key(), client.mint_key());
        let seeded = || Client::builder("ifr_pk_proj_x").with_seed(7).build().unwrap();
        assert_eq!(seeded().mint_key(), seeded().mint_key());
    }
}
