//! Sends the request of a generated method.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, USER_AGENT};
use http::{HeaderValue, Method, Request};
use infrai_video_client::{self as generated, ExchangeError, MAX_RESPONSE_BYTES, RawResponse};
use tokio::time::{Instant, sleep_until};

use crate::client::Shared;
use crate::error::TransportError;
use crate::secrets::Secrets;
use crate::transport::{ACCEPTED, Incoming, Sending, Timer, decoded};

/// Sends one request, and reads the whole response.
pub(super) struct Exchange {
    shared: Arc<Shared>,
    /// The time limit of the request and the response.
    limit: Duration,
    /// When it expires.
    end: Instant,
}

impl Exchange {
    /// An exchange that ends `limit` after `now`.
    pub(super) fn new(shared: Arc<Shared>, now: Instant, limit: Duration) -> Self {
        Self { shared, limit, end: now + limit }
    }

    /// The request with the headers that all requests have.
    fn completed(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        request.headers_mut().insert(USER_AGENT, self.shared.user_agent.clone());
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        if request.method() == Method::GET {
            // A cached state of a job is useless.
            request.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        for (name, value) in &self.shared.headers {
            // The generated request may already have this header, if a later contract defines it.
            if !request.headers().contains_key(name) {
                request.headers_mut().insert(name.clone(), value.clone());
            }
        }
        request
    }

    /// Reads the whole response.
    async fn read(&self, mut response: Sending<'_>) -> Result<RawResponse, TransportError> {
        let sleep = pin!(sleep_until(self.end));
        let mut timer = Timer::new(sleep, self.limit, self.shared.timeouts.read);
        let Incoming { status, headers, body } = timer.response(&mut response).await?.into();
        self.shared.clocks.record(&headers);
        let body = body.bounded(&mut timer, MAX_RESPONSE_BYTES).await;
        let body = match body.and_then(|body| decoded(&headers, body, MAX_RESPONSE_BYTES)) {
            Ok(body) => body,
            // The status of an error response is enough.
            Err(_) if !status.is_success() && !timer.is_over() => Bytes::new(),
            Err(error) => return Err(error),
        };
        tracing::debug!(status = status.as_u16(), "response");
        Ok(RawResponse::new(status, headers, body))
    }
}

impl generated::Exchange for Exchange {
    fn exchange(
        &self,
        request: Request<Bytes>,
        _: &'static str,
    ) -> BoxFuture<'_, Result<RawResponse, ExchangeError>> {
        // The request is not kept in the future, which is smaller so.
        let response = self.shared.transport.send(self.completed(request));
        Box::pin(async move { self.read(response).await.map_err(ExchangeError::new) })
    }
}

/// The error of an [`Exchange`], without secrets.
pub(super) fn transport_error(
    error: ExchangeError,
    secrets: &Secrets,
) -> Result<TransportError, ExchangeError> {
    let mut error = error.downcast::<TransportError>()?;
    secrets.remove_from(&mut error.message);
    Ok(error)
}
