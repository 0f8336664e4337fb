//! HTTP transports: the built-in one, a `reqwest` client, or a custom implementation of [`Transport`].

mod convert;
mod default;
mod encoding;
#[cfg(feature = "rustls")]
mod proxy;
#[cfg(feature = "rustls")]
mod tls;
mod tower;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use http::{HeaderMap, StatusCode};

use crate::error::{Error, ErrorKind};

pub use crate::error::{TransportError, TransportErrorKind};
pub(crate) use default::DefaultTransport;
pub(crate) use encoding::{ACCEPTED, decoded, encoding};
pub use tower::TowerTransport;

/// Sends one HTTP request. Replaces the built-in transport, see
/// [`ClientBuilder::with_transport`](crate::ClientBuilder::with_transport).
///
/// An implementation must not retry, follow redirects or set time limits: the SDK does. It must send all headers unchanged, and
/// add no credentials.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, and returns the response as soon as its head is received; the body is a stream.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ResponseBody>, TransportError>>;
}

/// The body of a response.
pub type ResponseBody = BoxStream<'static, Result<Bytes, TransportError>>;

/// A `reqwest` client of the user, or any other transport.
#[derive(Clone)]
pub(crate) enum Sender {
    Reqwest(reqwest::Client),
    Custom(Arc<dyn Transport>),
}

impl Sender {
    pub(crate) async fn send(&self, request: reqwest::Request) -> Result<Incoming, TransportError> {
        match self {
            Self::Reqwest(client) => {
                let mut response = client.execute(request).await?;
                Ok(Incoming {
                    status: response.status(),
                    headers: std::mem::take(response.headers_mut()),
                    body: Body::Reqwest(response),
                })
            }
            Self::Custom(transport) => {
                let body = request
                    .body()
                    .and_then(reqwest::Body::as_bytes)
                    .map(Bytes::copy_from_slice)
                    .unwrap_or_default();
                let request: http::Request<reqwest::Body> = request.try_into()?;
                let (parts, body) = transport.send(request.map(|_| body)).await?.into_parts();
                Ok(Incoming { status: parts.status, headers: parts.headers, body: Body::Stream(body) })
            }
        }
    }
}

/// A response whose body is not read yet.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Reqwest(reqwest::Response),
    Stream(ResponseBody),
}

impl Body {
    /// The next chunk, or `None` at the end. A pause longer than `stall` is an error.
    pub(crate) async fn chunk(&mut self, stall: Duration) -> Result<Option<Bytes>, TransportError> {
        let next = async {
            match self {
                Self::Reqwest(response) => Ok(response.chunk().await?),
                Self::Stream(stream) => stream.next().await.transpose(),
            }
        };
        let mut next = pin!(next);
        // A chunk that is already there needs no timer.
        if let Poll::Ready(next) = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
            return next;
        }
        match tokio::time::timeout(stall, next).await {
            Ok(next) => next,
            Err(_) => Err(TransportError::timed_out("no byte was received", stall)),
        }
    }

    /// The whole body, of at most `limit` bytes.
    pub(crate) async fn bounded(mut self, stall: Duration, limit: usize) -> Result<Bytes, TransportError> {
        let Some(first) = self.chunk(stall).await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk(stall).await? else { return within(first, limit) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while whole.len() <= limit {
            match self.chunk(stall).await? {
                Some(chunk) => whole.extend_from_slice(&chunk),
                None => break,
            }
        }
        within(whole.freeze(), limit)
    }
}

fn within(body: Bytes, limit: usize) -> Result<Bytes, TransportError> {
    if body.len() <= limit {
        return Ok(body);
    }
    let message = format!("the response is larger than {limit} bytes");
    Err(TransportError::new(TransportErrorKind::TooLarge, message))
}

/// A client that builds requests and sends none, so that it needs neither CA certificates nor a proxy.
pub(crate) fn request_builder() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder().no_proxy().build().map_err(|error| {
        Error::new(ErrorKind::Config, "the HTTP client cannot be created").with_source(error.without_url())
    })
}
