//! HTTP transports: the built-in one, a `reqwest` client, or a custom implementation of [`Transport`].

mod default;
mod encoding;
#[cfg(feature = "rustls")]
mod proxy;
#[cfg(feature = "rustls")]
mod tls;

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::iter::successors;
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
use crate::secrets::Secrets;
use crate::text::one_line;

pub(crate) use default::DefaultTransport;
pub(crate) use encoding::{ACCEPTED, decoded, encoding};

/// Sends one HTTP request and returns the response. Replaces the built-in transport, see
/// [`ClientBuilder::with_transport`](crate::ClientBuilder::with_transport).
///
/// An implementation neither retries nor follows redirects, and puts no time limit of its own: the SDK does all three. It
/// must hand on every header as it is, and add no credentials.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and answers as soon as the head of the response is there; the body follows as a stream.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ResponseBody>, TransportError>>;
}

/// The body of a response, as it comes.
pub type ResponseBody = BoxStream<'static, Result<Bytes, TransportError>>;

/// Why a request brought no whole answer.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    message: String,
    /// The next step, where the default for the kind is not specific enough.
    pub(crate) hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What happened to a request that brought no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request could not be built. It was not sent, and sending it again cannot help.
    Request,
    /// No connection was made. It was not sent.
    Connect,
    /// No connection was made, and a retry cannot succeed: an untrusted certificate, a proxy that refuses, an invalid
    /// setting. The request was not sent.
    Rejected,
    /// The connection was lost, or the answer was cut short. It may have been carried out.
    Lost,
    /// The answer did not come in time. It may have been carried out.
    TimedOut,
    /// The answer is larger than the SDK reads. It was carried out.
    TooLarge,
    /// The response has a content encoding that was not requested, such as `br`. The request was carried out.
    Encoded,
}

impl TransportError {
    /// An error of that kind; `message` is one line in lower case, without secrets.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// The same error with its cause, which must hold no secrets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What happened.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// The same error with a next step.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Converts an error of the layers below, for a request to `host`. A more specific error in the source chain takes
    /// precedence over `kind`.
    pub(crate) fn below(
        kind: TransportErrorKind,
        error: impl StdError + Send + Sync + 'static,
        host: &str,
    ) -> Self {
        let known = causes(&error).find_map(|cause| cause.downcast_ref::<Self>());
        let copy = |known: &Self| Self { hint: known.hint.clone(), ..Self::new(known.kind, &*known.message) };
        let rejected = || rejected_by_tls(kind, &error, host);
        let this = known.map(copy).or_else(rejected).unwrap_or_else(|| {
            let message = match kind {
                TransportErrorKind::Request => "the request could not be built",
                TransportErrorKind::Connect => "no connection could be made",
                TransportErrorKind::TimedOut => "the answer did not come in time",
                _ => "the connection was lost",
            };
            let kind = if was_refused(&error) { TransportErrorKind::Connect } else { kind };
            Self::new(kind, format!("{message}: {}", root_cause(&error)))
        });
        this.with_source(error)
    }

    /// The same error without secrets: a proxy, or a server that closes the connection, may have written some of it.
    pub(crate) fn without(mut self, secrets: &Secrets) -> Self {
        secrets.remove_from(&mut self.message);
        self
    }

    pub(crate) fn timed_out(what: &str, after: Duration) -> Self {
        Self::new(TransportErrorKind::TimedOut, format!("{what} within {after:?}"))
    }

    /// Whether the server may have seen the request.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        !matches!(
            self.kind,
            TransportErrorKind::Request | TransportErrorKind::Connect | TransportErrorKind::Rejected
        )
    }

    pub(crate) fn is_retryable(&self) -> bool {
        !matches!(
            self.kind,
            TransportErrorKind::Request
                | TransportErrorKind::Rejected
                | TransportErrorKind::TooLarge
                | TransportErrorKind::Encoded
        )
    }

    pub(crate) fn error_kind(&self) -> ErrorKind {
        match self.kind {
            TransportErrorKind::Request => ErrorKind::InvalidInput,
            TransportErrorKind::Connect | TransportErrorKind::Rejected => ErrorKind::Unreachable,
            TransportErrorKind::Lost => ErrorKind::ConnectionLost,
            TransportErrorKind::TimedOut => ErrorKind::TimedOut,
            TransportErrorKind::TooLarge | TransportErrorKind::Encoded => ErrorKind::Decode,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<reqwest::Error> for TransportError {
    /// Drops the URL, which may be a signed link.
    fn from(error: reqwest::Error) -> Self {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        let error = error.without_url();
        let kind = if error.is_builder() {
            TransportErrorKind::Request
        } else if error.is_connect() {
            TransportErrorKind::Connect
        } else if error.is_timeout() {
            TransportErrorKind::TimedOut
        } else {
            TransportErrorKind::Lost
        };
        Self::below(kind, error, &host)
    }
}

/// An error and its sources, outermost first.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> + use<'a> {
    let inner = |error: &&'a (dyn StdError + 'static)| -> Option<&'a (dyn StdError + 'static)> {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `io::Error::source` skips the error that it wraps.
            Some(held) => Some(held),
            None => error.source(),
        }
    };
    successors(Some(error), inner)
}

/// The innermost source says what happened; the outer layers only say where.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(|cause| one_line(&cause.to_string())).unwrap_or_default()
}

#[cfg(feature = "rustls")]
fn rejected_by_tls(
    kind: TransportErrorKind,
    error: &(dyn StdError + 'static),
    host: &str,
) -> Option<TransportError> {
    let error = causes(error).find_map(|cause| cause.downcast_ref())?;
    // On an established connection the request may have been sent, and carried out.
    let is_before_the_request = kind == TransportErrorKind::Connect || tls::is_before_any_request(error);
    tls::permanent(error, host).filter(|_| is_before_the_request)
}

#[cfg(not(feature = "rustls"))]
fn rejected_by_tls(_: TransportErrorKind, _: &(dyn StdError + 'static), _: &str) -> Option<TransportError> {
    None
}

/// Whether an HTTP/2 server reset the stream without processing the request (`REFUSED_STREAM`).
fn was_refused(error: &(dyn StdError + 'static)) -> bool {
    #[cfg(feature = "http2")]
    return causes(error)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .any(|error| error.reason() == Some(h2::Reason::REFUSED_STREAM));
    #[cfg(not(feature = "http2"))]
    {
        let _no_http2 = error;
        false
    }
}

/// A `reqwest` client of the program, or any other transport.
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

/// An answer whose body is still on its way.
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
    /// The next piece, or `None` at the end. A pause longer than `stall` is an error.
    pub(crate) async fn chunk(&mut self, stall: Duration) -> Result<Option<Bytes>, TransportError> {
        let next = async {
            match self {
                Self::Reqwest(response) => Ok(response.chunk().await?),
                Self::Stream(stream) => stream.next().await.transpose(),
            }
        };
        let mut next = pin!(next);
        // What has come already needs no timer.
        if let Poll::Ready(next) = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
            return next;
        }
        match tokio::time::timeout(stall, next).await {
            Ok(next) => next,
            Err(_) => Err(TransportError::timed_out("no byte came", stall)),
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
    let message = format!("the answer is larger than {limit} bytes");
    Err(TransportError::new(TransportErrorKind::TooLarge, message))
}

/// Builds requests for the generated client. It sends none, so it needs neither CA certificates nor a proxy.
pub(crate) fn request_builder() -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder().no_proxy();
    #[cfg(feature = "rustls")]
    let builder = builder.tls_certs_only([]);
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_source(error.without_url())
    })
}
