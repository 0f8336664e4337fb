//! Connections through the proxy set in the environment.

use std::ffi::OsString;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service;

use super::convert::{rejected_by_tls, root_cause};
use super::default::BoxError;
use crate::error::{TransportError, TransportErrorKind};
use crate::url::is_loopback;

/// Maximum size of the head of a proxy's response to CONNECT, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// The variables for https, in order of precedence.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A connection to the server: direct, or through a proxy that is itself reached with or without TLS.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The environment's proxy settings for https.
pub(super) struct ProxySettings {
    set: Option<(&'static str, OsString)>,
    none_for: String,
}

/// A proxy to connect through.
#[derive(Clone)]
pub(super) struct Proxy {
    variable: &'static str,
    uri: Uri,
    /// For CONNECT.
    credentials: Option<HeaderValue>,
    /// For SOCKS.
    user: Option<(String, String)>,
}

impl ProxySettings {
    pub(super) fn from_env() -> Self {
        // In a CGI process, `HTTP_PROXY` can come from the request header `Proxy`.
        let is_cgi = std::env::var_os("REQUEST_METHOD").is_some();
        Self::read(|name| std::env::var_os(name).filter(|_| !is_cgi))
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &'static str| {
            let is_set = |(_, value): &(_, OsString)| !value.to_string_lossy().trim().is_empty();
            Some((name, variable(name)?)).filter(is_set)
        };
        let none_for = ["NO_PROXY", "no_proxy"].into_iter().find_map(&variable);
        Self {
            set: VARIABLES.into_iter().find_map(set),
            none_for: none_for.and_then(|value| value.into_string().ok()).unwrap_or_default(),
        }
    }

    /// The proxy for connections to `server`; `None` for loopback servers and hosts in `NO_PROXY`.
    pub(super) fn proxy_for(&self, server: &Uri) -> Result<Option<Proxy>, TransportError> {
        let Some((variable, value)) = &self.set else { return Ok(None) };
        let matcher = |proxy: &str| Matcher::builder().https(proxy).no(&self.none_for).build();
        if is_loopback(server) || matcher("http://any").intercept(server).is_none() {
            return Ok(None);
        }
        let wrong = |why: &str| {
            let message = format!("{variable} is not a valid proxy URL: {why}");
            TransportError::new(TransportErrorKind::Rejected, message).with_hint(format!(
                "set {variable} to a URL such as http://proxy.example.com:8080, or unset it; NO_PROXY lists hosts to reach directly"
            ))
        };
        let value = value.to_str().ok_or_else(|| wrong("it is not valid text"))?.trim();
        let is_supported = |scheme: &str| {
            ["http", "https", "socks5", "socks5h"].iter().any(|known| known.eq_ignore_ascii_case(scheme))
        };
        if value.split_once("://").is_some_and(|(scheme, _)| !is_supported(scheme)) {
            return Err(wrong("only the schemes http, https, socks5 and socks5h are supported"));
        }
        // The parser splits at the first `@`, so the rest of the password would become part of the host name.
        if value.matches('@').count() > 1 {
            return Err(wrong("an `@` in the user name or password must be written as %40"));
        }
        let found = matcher(value).intercept(server).ok_or_else(|| wrong("it has no valid host and port"))?;
        let has_credentials = found.basic_auth().is_some() || found.raw_auth().is_some();
        if value.contains('@') && !has_credentials {
            return Err(wrong("a `/`, `?` or `#` in the user name or password must be percent-encoded"));
        }
        let uri = with_port(found.uri()).ok_or_else(|| wrong("it has no valid host and port"))?;
        Ok(Some(Proxy {
            variable,
            uri,
            credentials: found.basic_auth().cloned(),
            user: found.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned())),
        }))
    }
}

/// The URL with the default port of its scheme, if it has a host.
fn with_port(uri: &Uri) -> Option<Uri> {
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let host = uri.host().filter(|host| !host.is_empty())?;
    let port = match uri.authority()?.as_str().strip_prefix(host)? {
        "" if scheme == "http" => 80,
        "" if scheme == "https" => 443,
        "" => 1080,
        port => port.strip_prefix(':')?.parse::<u16>().ok()?,
    };
    Uri::builder()
        .scheme(scheme.as_str())
        .authority(format!("{host}:{port}"))
        .path_and_query("/")
        .build()
        .ok()
}

impl Proxy {
    /// Host, port and variable, without credentials.
    fn name(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("the proxy {authority} ({})", self.variable)
    }

    /// A failure that may be gone at the next attempt.
    fn transient(&self, what: &str) -> TransportError {
        TransportError::new(TransportErrorKind::Connect, format!("{} {what}", self.name())).with_hint(
            format!("check the proxy in {}; NO_PROXY lists hosts to reach directly", self.variable),
        )
    }

    fn permanent(&self, what: &str) -> TransportError {
        TransportError::new(TransportErrorKind::Rejected, format!("{} {what}", self.name()))
    }

    fn connect_failed(&self, error: &(dyn std::error::Error + 'static)) -> TransportError {
        let host = self.uri.host().unwrap_or_default();
        rejected_by_tls(TransportErrorKind::Connect, error, host)
            .unwrap_or_else(|| self.transient(&format!("could not be reached: {}", root_cause(error))))
    }

    async fn connect_socks(&self, tcp: HttpConnector, server: Uri) -> Result<Stream, TransportError> {
        let mut socks = SocksV5::new(self.uri.clone(), tcp);
        if let Some((user, password)) = self.user.clone() {
            socks = socks.with_auth(user, password);
        }
        socks.call(server.clone()).await.map(MaybeHttpsStream::Http).map_err(|error| {
            match error {
                SocksError::Inner(error) => self.connect_failed(&error),
                // hyper-util does not export the type of the SOCKS 5 reply. These replies report transient network errors.
                SocksError::V5(reason)
                    if !["unreachable", "refused", "expired", "failure"]
                        .iter()
                        .any(|transient| reason.to_string().contains(transient)) =>
                {
                    self.permanent(&format!("refused to connect to {}: {reason}", host(&server))).with_hint(
                        format!(
                            "check the credentials in {}, and that the proxy allows this host",
                            self.variable
                        ),
                    )
                }
                error => self.transient(&format!("could not connect to {}: {error}", host(&server))),
            }
        })
    }

    async fn connect_http(
        &self,
        mut to_proxy: HttpsConnector<HttpConnector>,
        server: Uri,
    ) -> Result<Stream, TransportError> {
        let stream = to_proxy.call(self.uri.clone()).await.map_err(|error| self.connect_failed(&*error))?;
        let mut stream = TokioIo::new(stream);
        let status = self.ask_for_tunnel(&mut stream, &server).await?;
        match status.as_u16() {
            200..=299 => Ok(stream.into_inner()),
            407 => {
                let what = match &self.credentials {
                    Some(_) => "rejected the credentials that it was sent (407)",
                    None => "requires authentication (407)",
                };
                Err(self.permanent(what).with_hint(format!(
                    "set {} to http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded",
                    self.variable
                )))
            }
            408 | 425 | 429 | 500 | 502..=504 => {
                Err(self.transient(&format!("could not connect to {} ({status})", host(&server))))
            }
            _ => Err(self
                .permanent(&format!("refused to connect to {} ({status})", host(&server)))
                .with_hint(format!(
                    "the proxy in {} must allow this host; if it can be reached directly, add it to NO_PROXY",
                    self.variable
                ))),
        }
    }

    /// Sends CONNECT and reads the head of the response.
    async fn ask_for_tunnel(
        &self,
        stream: &mut TokioIo<Stream>,
        server: &Uri,
    ) -> Result<StatusCode, TransportError> {
        let lost = |error: std::io::Error| self.transient(&format!("closed the connection: {error}"));
        let authority = format!("{}:{}", server.host().unwrap_or_default(), server.port_u16().unwrap_or(443));
        let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        if let Some(credentials) = &self.credentials {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(credentials.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            if head.len() > MAX_HEAD {
                return Err(self.permanent("sent a response head that is too long"));
            }
            if stream.read_buf(&mut head).await.map_err(lost)? == 0 {
                return Err(self.transient("closed the connection without a response"));
            }
            if !b"HTTP/1.".starts_with(&head[..head.len().min(7)]) {
                return Err(self
                    .permanent("does not speak HTTP")
                    .with_hint(format!("check the scheme and port in {}", self.variable)));
            }
        }
        let code = head.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok());
        code.ok_or_else(|| self.permanent("does not speak HTTP"))
    }
}

type SocksError = <SocksV5<HttpConnector> as Service<Uri>>::Error;

/// The host name for messages.
fn host(server: &Uri) -> &str {
    server.host().unwrap_or_default()
}

/// Opens the TCP connection to a server, directly or through a proxy. TLS with the server is layered on top.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
    settings: Arc<ProxySettings>,
}

impl Connector {
    pub(super) fn new(tcp: HttpConnector, to_proxy: ClientConfig, settings: Arc<ProxySettings>) -> Self {
        Self { to_proxy: HttpsConnector::from((tcp.clone(), to_proxy)), tcp, settings }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Stream, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Like the connectors inside, it is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let Self { mut tcp, to_proxy, settings } = self.clone();
        Box::pin(async move {
            let Some(proxy) = settings.proxy_for(&server)? else {
                return Ok(MaybeHttpsStream::Http(tcp.call(server).await?));
            };
            let is_socks = proxy.uri.scheme_str().is_some_and(|scheme| scheme.starts_with("socks"));
            let connected = if is_socks {
                proxy.connect_socks(tcp, server).await
            } else {
                proxy.connect_http(to_proxy, server).await
            };
            Ok(connected?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], server: &'static str) -> Result<Option<Proxy>, TransportError> {
        let value =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        ProxySettings::read(value).proxy_for(&Uri::from_static(server))
    }

    fn named(variables: &[(&str, &str)], server: &'static str) -> Option<String> {
        of(variables, server).unwrap().map(|proxy| proxy.name())
    }

    const API: &str = "https://api.infrai.cc";

    #[test]
    fn the_first_variable_that_is_set_selects_the_proxy() {
        let proxy = |variable: &str| Some(format!("the proxy proxy.example:8080 ({variable})"));
        for variable in VARIABLES {
            for value in
                ["http://proxy.example:8080", "proxy.example:8080", " HTTP://proxy.example:8080/path "]
            {
                assert_eq!(named(&[(variable, value)], API), proxy(variable), "{variable}={value}");
            }
        }
        let several = [
            ("ALL_PROXY", "http://other"),
            ("https_proxy", "http://proxy.example:8080"),
            ("HTTPS_PROXY", " "),
        ];
        assert_eq!(named(&several, API), proxy("https_proxy"));
        assert_eq!(named(&[("HTTP_PROXY", "http://proxy.example")], API), None);
        assert_eq!(named(&[("http_proxy", "nonsense://")], API), None);
    }

    #[test]
    fn the_default_port_depends_on_the_scheme() {
        for (value, port) in
            [("http://p", 80), ("https://p", 443), ("socks5://p", 1080), ("socks5h://p", 1080), ("p:1", 1)]
        {
            let proxy = of(&[("HTTPS_PROXY", value)], API).unwrap().unwrap();
            assert_eq!(proxy.uri.port_u16(), Some(port), "{value}");
        }
    }

    #[test]
    fn hosts_in_no_proxy_and_loopback_servers_are_reached_directly() {
        let malformed = ("HTTPS_PROXY", "://");
        for server in ["https://127.0.0.1:1", "https://localhost", "https://[::1]:1", "https://api.localhost"]
        {
            assert_eq!(named(&[malformed], server), None, "{server}");
        }
        for none_for in ["api.infrai.cc", "infrai.cc", ".infrai.cc", "*", "other, infrai.cc"] {
            assert_eq!(named(&[malformed, ("NO_PROXY", none_for)], API), None, "{none_for}");
            assert_eq!(named(&[malformed, ("no_proxy", none_for)], API), None, "{none_for}");
        }
        assert!(of(&[malformed, ("NO_PROXY", "frai.cc")], API).is_err());
    }

    #[test]
    fn an_invalid_variable_is_named_without_its_value() {
        for value in [
            "://",
            "http://",
            "http//secret:8080",
            "http://user:secret@",
            "http://user:se@cret@proxy:8080",
            "http://proxy:secret",
            "http://secret:12/34@proxy:8080",
            "socks5://secret:12?34@proxy",
            "http://proxy secret:8080",
            "http://:8080",
            "ftp://user:secret@proxy",
            "socks4://proxy",
            "socks://proxy",
            "/secret",
        ] {
            let error = of(&[("https_proxy", value)], API).err().unwrap_or_else(|| panic!("{value}"));
            assert_eq!(error.kind(), TransportErrorKind::Rejected, "{value}");
            assert!(error.to_string().starts_with("https_proxy is not a valid proxy URL"), "{error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("secret") && !shown.contains("cret@"), "{shown}");
        }
    }
}
