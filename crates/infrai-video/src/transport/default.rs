//! The built-in transport.

use std::future::ready;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::ACCEPT;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::convert::from_layers_below;
use super::{ResponseBody, Transport};
use crate::error::{TransportError, TransportErrorKind};

/// How long an idle connection is kept open.
const IDLE: Duration = Duration::from_secs(90);

/// Interval of TCP keepalive probes and HTTP/2 pings.
const KEEPALIVE: Duration = Duration::from_secs(15);

#[cfg(feature = "rustls")]
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Plain HTTP for loopback servers, which needs neither CA certificates nor a proxy, and HTTPS through the proxy set in the
/// environment. The HTTPS client is built on first use.
pub(crate) struct DefaultTransport {
    plain: Client<HttpConnector, Full<Bytes>>,
    #[cfg(feature = "rustls")]
    secure: secure::LazyClient,
}

impl DefaultTransport {
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        Self {
            plain: client_of(tcp(connect_timeout)),
            #[cfg(feature = "rustls")]
            secure: secure::LazyClient::new(connect_timeout),
        }
    }

    /// Builds what requests to `server` need.
    ///
    /// # Errors
    ///
    /// Where no CA certificates can be loaded, or the proxy settings are invalid.
    pub(crate) fn prepare(&self, server: &Uri) -> Result<(), TransportError> {
        if server.scheme_str() != Some("https") {
            return Ok(());
        }
        #[cfg(feature = "rustls")]
        return self.secure.prepare(server);
        #[cfg(not(feature = "rustls"))]
        return Err(without_tls());
    }

    fn begin(&self, request: Request<Bytes>) -> Result<ResponseFuture, TransportError> {
        let mut request = request.map(Full::new);
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        if request.uri().scheme_str() != Some("https") {
            return Ok(self.plain.request(request));
        }
        #[cfg(feature = "rustls")]
        return Ok(self.secure.client()?.request(request));
        #[cfg(not(feature = "rustls"))]
        return Err(without_tls());
    }
}

impl Transport for DefaultTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let server = request.uri().authority().cloned();
        // The request is not kept in the future, which is smaller so.
        let response = match self.begin(request) {
            Ok(response) => response,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        Box::pin(async move {
            let response = response.await.map_err(|error| request_failed(error, host(&server)))?;
            Ok(response.map(|body| {
                let lost = move |error| from_layers_below(TransportErrorKind::Lost, error, host(&server));
                body.into_data_stream().map_err(lost).boxed()
            }))
        })
    }
}

fn host(server: &Option<Authority>) -> &str {
    server.as_ref().map_or("", Authority::host)
}

pub(super) fn request_failed(error: ClientError, host: &str) -> TransportError {
    let kind = if error.is_connect() { TransportErrorKind::Connect } else { TransportErrorKind::Lost };
    from_layers_below(kind, error, host)
}

#[cfg(not(feature = "rustls"))]
fn without_tls() -> TransportError {
    TransportError::new(TransportErrorKind::Rejected, "https support is not compiled in")
        .with_hint("enable the feature `ring` of infrai-video, or pass a transport to `with_transport`")
}

fn tcp(connect_timeout: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_connect_timeout(Some(connect_timeout));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    tcp.set_tcp_user_timeout(Some(2 * KEEPALIVE));
    tcp
}

fn client_of<C>(connector: C) -> Client<C, Full<Bytes>>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
{
    let mut builder = Client::builder(TokioExecutor::new());
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
    // Without pings, every retry would share a dead connection.
    #[cfg(feature = "http2")]
    builder.http2_keep_alive_interval(KEEPALIVE).http2_keep_alive_timeout(KEEPALIVE);
    builder.build(connector)
}

#[cfg(feature = "rustls")]
mod secure {
    use std::sync::{Arc, OnceLock};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::future::BoxFuture;
    use http::Uri;
    use http_body_util::Full;
    use hyper_rustls::HttpsConnector;
    use hyper_util::client::legacy::Client;
    use tokio::time::timeout;
    use tower_service::Service;

    use super::super::proxy::{Connector, ProxySettings};
    use super::super::tls;
    use super::{BoxError, client_of, tcp};
    use crate::error::{TransportError, TransportErrorKind};

    type Secure = Client<WithTimeout<HttpsConnector<Connector>>, Full<Bytes>>;

    /// An HTTPS client that is built on first use.
    pub(super) struct LazyClient {
        client: OnceLock<Secure>,
        settings: Arc<ProxySettings>,
        connect_timeout: Duration,
    }

    impl LazyClient {
        pub(super) fn new(connect_timeout: Duration) -> Self {
            Self { client: OnceLock::new(), settings: Arc::new(ProxySettings::from_env()), connect_timeout }
        }

        pub(super) fn prepare(&self, server: &Uri) -> Result<(), TransportError> {
            self.settings.proxy_for(server)?;
            self.client().map(drop)
        }

        pub(super) fn client(&self) -> Result<&Secure, TransportError> {
            if let Some(client) = self.client.get() {
                return Ok(client);
            }
            let to_proxy = tls::config()?;
            let mut config = to_proxy.clone();
            config.alpn_protocols = tls::protocols();
            let tcp = tcp(self.connect_timeout);
            let connector = Connector::new(tcp, to_proxy, Arc::clone(&self.settings));
            let https = HttpsConnector::from((connector, config));
            let client = client_of(WithTimeout { inner: https, limit: self.connect_timeout });
            Ok(self.client.get_or_init(|| client))
        }
    }

    /// Limits the time to set up a connection, including the proxy and the TLS handshake.
    #[derive(Clone)]
    pub(super) struct WithTimeout<C> {
        inner: C,
        limit: Duration,
    }

    impl<C> Service<Uri> for WithTimeout<C>
    where
        C: Service<Uri, Error = BoxError>,
        C::Future: Send + 'static,
    {
        type Response = C::Response;
        type Error = BoxError;
        type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

        fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            self.inner.poll_ready(context)
        }

        fn call(&mut self, server: Uri) -> Self::Future {
            let (connecting, limit) = (self.inner.call(server), self.limit);
            Box::pin(async move {
                timeout(limit, connecting).await.unwrap_or_else(|_| {
                    let message = format!("no connection could be established within {limit:?}");
                    Err(TransportError::new(TransportErrorKind::Connect, message).into())
                })
            })
        }
    }
}
