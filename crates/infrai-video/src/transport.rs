use std::fmt;
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

/// Carries one HTTP request to a server and the answer back. `reqwest` does it unless a program brings its own.
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
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What happened to a request that brought no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request could not be built. It was not sent, and sending it again cannot help.
    Request,
    /// No connection was made. It was not sent.
    Connect,
    /// The connection was lost, or the answer was cut short. It may have been carried out.
    Lost,
    /// The answer did not come in time. It may have been carried out.
    TimedOut,
    /// The answer is larger than the SDK reads. It was carried out.
    TooLarge,
}

impl TransportError {
    /// An error of that kind; `message` is one line in lower case, without secrets.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
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

    pub(crate) fn timed_out(what: &str, after: Duration) -> Self {
        Self::new(TransportErrorKind::TimedOut, format!("{what} within {after:?}"))
    }

    /// Whether the server may have seen the request.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        !matches!(self.kind, TransportErrorKind::Request | TransportErrorKind::Connect)
    }

    pub(crate) fn is_retryable(&self) -> bool {
        !matches!(self.kind, TransportErrorKind::Request | TransportErrorKind::TooLarge)
    }

    pub(crate) fn error_kind(&self) -> ErrorKind {
        match self.kind {
            TransportErrorKind::Request => ErrorKind::InvalidInput,
            TransportErrorKind::Connect => ErrorKind::Unreachable,
            TransportErrorKind::Lost => ErrorKind::ConnectionLost,
            TransportErrorKind::TimedOut => ErrorKind::TimedOut,
            TransportErrorKind::TooLarge => ErrorKind::Decode,
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
        let error = error.without_url();
        let (kind, message) = if error.is_builder() {
            (TransportErrorKind::Request, "the request could not be built")
        } else if error.is_connect() {
            (TransportErrorKind::Connect, "no connection could be made")
        } else if error.is_timeout() {
            (TransportErrorKind::TimedOut, "the answer did not come in time")
        } else {
            (TransportErrorKind::Lost, "the connection was lost")
        };
        Self::new(kind, format!("{message}: {}", root_cause(&error))).with_source(error)
    }
}

/// The innermost cause says what happened; the layers above it only say where.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Who sends: `reqwest` without a detour, or a program's own transport.
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

/// The client that is used where a program brings none: no redirects, and no proxy between a program and a server on its
/// own machine.
pub(crate) fn reqwest_client(connect_timeout: Duration, loopback: bool) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true);
    if loopback {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_source(error.without_url())
    })
}
