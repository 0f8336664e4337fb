//! The server that is probed: over HTTP, or another one in tests.

use std::fmt;
use std::io::Read as _;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::{Agent, AsSendBody};

use crate::exchange::{Auth, Binary, Body, Request, Response};
use crate::mp4;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(120);

/// Sends `Authorization: Bearer` with this text where a malformed API key is needed.
pub const MALFORMED_KEY: &str = "no-api-key";

/// A server that responds to requests.
pub trait Server {
    /// Sends a request once, and does not follow redirects.
    ///
    /// # Errors
    /// [`NoResponse`] if no complete response arrived. The server may have carried the request out.
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse>;

    /// Lets time pass.
    fn wait(&mut self, time: Duration);
}

/// No complete response arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoResponse(pub String);

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server behind a base URL.
pub struct Http {
    agent: Agent,
    base_url: String,
    api_key: String,
    timeout: Duration,
}

impl Http {
    /// A server at an http or https URL.
    ///
    /// # Errors
    /// If the URL or the API key cannot be used.
    pub fn new(base_url: &str, api_key: &str) -> anyhow::Result<Self> {
        let base_url = base_url.trim_end_matches('/');
        let url: http::Uri = base_url.parse().with_context(|| format!("{base_url} is not a URL"))?;
        let host = url.host().unwrap_or_default();
        let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if is_local => {}
            Some("http") => bail!("{base_url} would send the API key without encryption; use https"),
            _ => bail!("{base_url} is not an http or https URL, such as https://api.infrai.cc"),
        }
        if api_key.is_empty() {
            bail!("INFRAI_API_KEY is empty; set it to an API key of the server");
        }
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("the API key in INFRAI_API_KEY has a character that no header may have; copy it again");
        }
        let tls = TlsConfig::builder().provider(TlsProvider::Rustls).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("infrai-video-verify/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls);
        let config = if is_local { config.proxy(None) } else { config };
        Ok(Self {
            agent: config.build().into(),
            base_url: base_url.to_owned(),
            api_key: api_key.to_owned(),
            timeout: TIMEOUT,
        })
    }

    /// With another time for each request until its response is complete; two minutes if not set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn run<B: AsSendBody>(
        &self,
        request: http::Request<B>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request).timeout_global(Some(self.timeout)).build())
    }

    fn authorization(&self, request: &Request) -> Option<String> {
        // The API key is never sent to the host of a link.
        request.path()?;
        match request.auth {
            Auth::ApiKey => Some(format!("Bearer {}", self.api_key)),
            Auth::MalformedKey => Some(format!("Bearer {MALFORMED_KEY}")),
            Auth::Nothing => None,
        }
    }
}

impl Server for Http {
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse> {
        let base = request.path().map_or("", |_| self.base_url.as_str());
        if base.is_empty() && !request.url.starts_with("https://") && !self.base_url.starts_with("http://") {
            return Err(NoResponse("the link is not https, which is not safe".to_owned()));
        }
        let mut builder =
            http::Request::builder().method(request.method.as_str()).uri(format!("{base}{}", request.url));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = self.authorization(request) {
            builder = builder.header("authorization", authorization);
        }
        let lost = |error: &dyn fmt::Display| NoResponse(error.to_string());
        let response = match &request.body {
            Some(body) => self.run(builder.body(body.as_str()).map_err(|error| lost(&error))?),
            None => self.run(builder.body(()).map_err(|error| lost(&error))?),
        };
        let (head, body) = response.map_err(|error| lost(&error))?.into_parts();
        let mut bytes = Vec::new();
        let limit = request.expects.limit() as u64;
        // The limit of ureq is an error, and the end of `take` is not.
        let mut reader = body.into_with_config().limit(u64::MAX).reader().take(limit);
        reader.read_to_end(&mut bytes).map_err(|error| lost(&error))?;
        Ok(response_of(head.status.as_u16(), &head.headers, &bytes))
    }

    fn wait(&mut self, time: Duration) {
        thread::sleep(time);
    }
}

/// A response with its body as evidence keeps it.
pub fn response_of(status: u16, headers: &http::HeaderMap, body: &[u8]) -> Response {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    Response { status, headers, body: body_of(body) }
}

fn body_of(bytes: &[u8]) -> Body {
    match std::str::from_utf8(bytes) {
        Ok(text) => match serde_json::from_str(text) {
            Ok(value) => Body::Json(value),
            Err(_) => Body::Text(text.to_owned()),
        },
        Err(_) => Body::Binary(Binary {
            length: bytes.len() as u64,
            sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            is_mp4: mp4::is_mp4(bytes),
            picture: mp4::picture(bytes),
        }),
    }
}
