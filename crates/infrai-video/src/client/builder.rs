use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE, EXPECT, HOST, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    PROXY_AUTHORIZATION, RANGE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use infrai_video_client as generated;
use secrecy::{ExposeSecret as _, SecretString};

use super::capabilities_cache::CapabilitiesCache;
use super::{API_KEY_VARIABLE, BASE_URL_VARIABLE, Client, DEFAULT_BASE_URL, Rng, Shared, Timeouts};
use crate::base_url::{checked_base_url, text_of};
use crate::clock::{Clocks, WallClock};
use crate::error::{Error, ErrorKind};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::secrets::Secrets;
use crate::text::one_line;
use crate::transport::{DefaultTransport, Transport};
use crate::url::is_loopback;

/// Settings of a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use infrai_video::Client;
/// use infrai_video::retry::RetryPolicy;
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
    headers: Vec<(String, String)>,
    seed: Option<u64>,
    transport: Option<Arc<dyn Transport>>,
    wall_clock: WallClock,
}

impl ClientBuilder {
    /// Settings of a client with this API key (`ifr_pk_proj_...`).
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
            headers: Vec::new(),
            seed: None,
            transport: None,
            wall_clock: Arc::new(SystemTime::now),
        }
    }

    /// Settings with the API key in `INFRAI_API_KEY` and, if it is set, the base URL in `INFRAI_BASE_URL`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] with the name of the variable that is missing or not valid UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        let read = |variable: &'static str| match std::env::var(variable) {
            Ok(value) if value.trim().is_empty() => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(config(variable, format!("{variable} is not valid UTF-8")))
            }
        };
        let key = read(API_KEY_VARIABLE)?
            .ok_or_else(|| config(API_KEY_VARIABLE, format!("{API_KEY_VARIABLE} is not set")))
            .map_err(|error| {
                error.with_hint(format!("set {API_KEY_VARIABLE} to an API key (ifr_pk_proj_...)"))
            })?;
        let builder = Self::new(key);
        Ok(match read(BASE_URL_VARIABLE)? {
            Some(url) => builder.with_base_url(url),
            None => builder,
        })
    }

    /// The base URL; `https://api.infrai.cc` by default, see [`base_url`](crate::base_url()). Plain http is only allowed for
    /// loopback hosts, since it would send the API key unencrypted.
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Time limit for establishing a connection; 10 seconds by default.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// Maximum pause while reading a response or a download; 30 seconds by default.
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.read = timeout;
        self
    }

    /// Time limit for one attempt of a call; 60 seconds by default. Downloads have no such limit.
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.attempt = timeout;
        self
    }

    /// The retry policy of calls.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The retry budget that all clones share: the number of retries before successful calls refill it; 100 by default.
    pub fn with_retry_budget(mut self, retries: u32) -> Self {
        self.retry_budget = retries;
        self
    }

    /// The default time limit of a wait for a job; 30 minutes if not set, `None` for no limit.
    pub fn with_max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// Appends the name of a program to the `User-Agent` header, such as `clip-shop/2.1`.
    pub fn with_user_agent_suffix(mut self, suffix: &str) -> Self {
        self.user_agent = format!("{} {suffix}", self.user_agent);
        self
    }

    /// Adds a header to every request to the API, such as a tenant or a trace id. It is not sent to the host of download links, and
    /// its value is not shown in `Debug`; a server that quotes it in an error shows it. The headers that the SDK or the connection
    /// sets, such as `Authorization`, cannot be replaced. A later value of the same name replaces an earlier one.
    ///
    /// ```
    /// use infrai_video::Client;
    ///
    /// let client = Client::builder("ifr_pk_proj_example").with_header("X-Tenant", "clip-shop").build()?;
    /// assert!(Client::builder("ifr_pk_proj_example").with_header("Authorization", "Basic").build().is_err());
    /// # Ok::<(), infrai_video::Error>(())
    /// ```
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Makes jitter and minted idempotency keys repeatable. Only for tests: two clients with the same seed mint the same keys, so
    /// that the service takes the second client's requests for retries of the first client's.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sends requests through this client of reqwest 0.13, for a custom proxy or custom certificates. It must not follow redirects
    /// (`Policy::none()`) or repeat requests (`retry::never()`), and should have no timeout except one for connecting. Connect
    /// timeout, proxies, TLS and HTTP/2 are then configured on that client, and by the features of reqwest. It encodes an
    /// apostrophe in the query of a link, unlike the built-in transport.
    #[cfg(feature = "reqwest")]
    #[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
    pub fn with_http_client(self, client: reqwest::Client) -> Self {
        self.with_transport(client)
    }

    /// Sends requests through a custom transport, such as a [`TowerTransport`](crate::transport::TowerTransport). With the feature
    /// `reqwest`, a `reqwest::Client` is a transport. Connect timeout, proxies and TLS are then those of the transport.
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Reads the wall clock from `clock` instead of the system, for tests with wrong clocks.
    #[doc(hidden)]
    pub fn with_wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall_clock = Arc::new(clock);
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] with the name of the invalid setting.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = checked_base_url(&self.base_url)?;
        let key = self.api_key.expose_secret().trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(config("api_key", "`api_key` is not an API key")
                .with_hint("pass a key such as ifr_pk_proj_..., without spaces"));
        }
        let api_key = generated::ApiKey::new(key)
            .map_err(|_| config("api_key", "`api_key` contains characters that are invalid in a header"))?;
        let user_agent = visible(&self.user_agent)
            .ok_or_else(|| config("user_agent_suffix", "`user_agent_suffix` must be visible ASCII"))?;
        let headers = extra_headers(&self.headers)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(&base_url, self.timeouts.connect)?,
        };
        Ok(Client {
            shared: Arc::new(Shared {
                base_url: text_of(&base_url),
                api_key,
                transport,
                user_agent,
                timeouts: self.timeouts,
                retry: self.retry,
                budget: RetryBudget::new(self.retry_budget),
                max_wait: self.max_wait,
                is_local: is_loopback(&base_url),
                headers,
                capabilities: CapabilitiesCache::default(),
                clocks: Clocks::new(self.wall_clock),
                secrets: Secrets::new(key),
                rng: Rng::new(self.seed),
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

/// Headers that belong to the SDK, to the connection, or to the form of a message.
const OWN_HEADERS: [HeaderName; 26] = [
    ACCEPT,
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    PROXY_AUTHORIZATION,
    RANGE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    USER_AGENT,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The headers of [`ClientBuilder::with_header`]. A later value replaces an earlier one of the same name.
fn extra_headers(headers: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut checked = HeaderMap::new();
    for (name, value) in headers {
        let shown = one_line(name);
        let name: HeaderName =
            name.parse().map_err(|_| config("header", format!("{shown:?} is not the name of a header")))?;
        if OWN_HEADERS.contains(&name) {
            return Err(config("header", format!("the header {shown} is set by the SDK"))
                .with_hint("leave it out; `with_user_agent_suffix` adds to `User-Agent`"));
        }
        let mut value = visible(value).ok_or_else(|| {
            config("header", format!("the value of the header {shown} must be visible ASCII"))
        })?;
        value.set_sensitive(true);
        checked.insert(name, value);
    }
    Ok(checked)
}

/// A value of visible ASCII characters and spaces. [`HeaderValue`] itself accepts other bytes too.
fn visible(value: &str) -> Option<HeaderValue> {
    let is_visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    HeaderValue::from_str(value).ok().filter(|_| is_visible)
}

/// The built-in transport. Reports missing CA certificates and invalid proxy settings before anything is sent.
fn default_transport(base_url: &Uri, connect_timeout: Duration) -> Result<Arc<dyn Transport>, Error> {
    let transport = DefaultTransport::new(connect_timeout);
    transport.prepare(base_url).map_err(|error| {
        let error = Error::from(error).with_retryable(false);
        let message = error.message().to_owned();
        error.turned_into(ErrorKind::Config, message)
    })?;
    Ok(Arc::new(transport))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_setting_is_named() {
        for (url, what) in [
            ("", "is not a URL"),
            ("api.infrai.cc", "is not a URL"),
            ("ftp://user:secret@api.infrai.cc", "must start with https://"),
            ("http://api.infrai.cc", "unencrypted"),
            ("https://user:secret@api.infrai.cc", "no user"),
            ("ifr_pk_proj_secret", "is not a URL"),
            ("https://api.infrai.cc?x=1", "query"),
            ("https://api.infrai.cc#x", "fragment"),
            ("https://bücher.example", "begins with xn--"),
            ("https://127.1", "is not a URL"),
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
    fn a_header_that_cannot_be_sent_is_named() {
        for (name, value, what) in [
            ("authorization", "Basic secret", "the header authorization is set by the SDK"),
            ("IDEMPOTENCY-KEY", "secret", "the header IDEMPOTENCY-KEY is set by the SDK"),
            ("Content-Length", "5", "the header Content-Length is set by the SDK"),
            ("x tenant", "secret", "\"x tenant\" is not the name of a header"),
            ("If-None-Match", "secret", "the header If-None-Match is set by the SDK"),
            ("", "secret", "\"\" is not the name of a header"),
            ("x-t\u{e4}nant", "secret", "is not the name of a header"),
            ("x-tenant", "secret m\u{fc}nchen", "the value of the header x-tenant must be visible ASCII"),
            ("x-tenant", "secret\r\nx: y", "the value of the header x-tenant must be visible ASCII"),
        ] {
            let error = Client::builder("ifr_pk_proj_x").with_header(name, value).build().unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Config, Some("header")), "{name}");
            assert!(error.to_string().contains(what) && !error.to_string().contains("secret"), "{error}");
        }
        let twice = [("x-tenant".to_owned(), "a".to_owned()), ("X-Tenant".to_owned(), "b".to_owned())];
        assert_eq!(extra_headers(&twice).unwrap()["x-tenant"], "b");
    }

    #[test]
    fn neither_client_nor_builder_shows_the_key() {
        let builder = Client::builder("ifr_pk_proj_secret");
        assert!(!format!("{builder:?}").contains("secret"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("secret"));
    }
}
