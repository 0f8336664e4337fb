//! HTTP transports: the built-in one, a tower service, a `reqwest` client (feature `reqwest`), or a custom implementation of
//! [`Transport`].

mod convert;
mod default;
mod encoding;
#[cfg(feature = "rustls")]
mod proxy;
#[cfg(feature = "reqwest")]
mod reqwest_client;
mod timer;
#[cfg(feature = "rustls")]
mod tls;
mod tower;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};

pub use crate::error::{TransportError, TransportErrorKind};
pub(crate) use default::DefaultTransport;
pub(crate) use encoding::{ACCEPTED, decoded, encoding};
pub(crate) use timer::Timer;
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

/// A request on its way.
pub(crate) type Sending<'a> = BoxFuture<'a, Result<http::Response<ResponseBody>, TransportError>>;

/// A response whose body is not read yet.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Incoming {
    /// Sends a request.
    pub(crate) async fn of(
        transport: &dyn Transport,
        request: http::Request<Bytes>,
    ) -> Result<Self, TransportError> {
        transport.send(request).await.map(Self::from)
    }
}

impl From<http::Response<ResponseBody>> for Incoming {
    fn from(response: http::Response<ResponseBody>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, body: Body(body) }
    }
}

pub(crate) struct Body(ResponseBody);

impl Body {
    /// The next chunk, or `None` at the end. A pause longer than `stall` is an error.
    pub(crate) async fn chunk(&mut self, stall: Duration) -> Result<Option<Bytes>, TransportError> {
        let mut next = self.0.next();
        // A chunk that is already there needs no timer.
        if let Poll::Ready(next) = poll_fn(|context| Poll::Ready(next.poll_unpin(context))).await {
            return next.transpose();
        }
        match tokio::time::timeout(stall, next).await {
            Ok(next) => next.transpose(),
            Err(_) => Err(TransportError::timed_out("no byte was received", stall)),
        }
    }

    /// The whole body, of at most `limit` bytes.
    pub(crate) async fn bounded(
        mut self,
        timer: &mut Timer<'_>,
        limit: usize,
    ) -> Result<Bytes, TransportError> {
        let body = &mut self.0;
        let Some(first) = timer.chunk(body).await? else { return Ok(Bytes::new()) };
        let Some(second) = timer.chunk(body).await? else { return within(first, limit) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while whole.len() <= limit {
            match timer.chunk(body).await? {
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
