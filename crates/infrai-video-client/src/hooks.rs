use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::{AUTHORIZATION, InvalidHeaderValue};
use reqwest::Url;

use crate::Client;
use crate::error::{Error, ExchangeError};
use crate::response::RawResponse;

/// The maximum size of a response body in bytes: 16 MiB. A longer one counts as cut short.
pub const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// State of a [`Client`] for its calls: the API key, and how requests are sent.
#[derive(Clone, Default)]
pub struct Context {
    authorization: Option<HeaderValue>,
    exchange: Option<Arc<dyn Exchange>>,
    body: Option<Bytes>,
    /// The base URL as text, and parsed: every call needs it.
    base: Arc<OnceLock<(String, Url)>>,
}

impl Context {
    /// A context that authenticates with the API key `key` (`ifr_pk_proj_...`).
    ///
    /// # Errors
    ///
    /// If the key contains characters that are invalid in a header.
    pub fn new(key: &str) -> Result<Self, InvalidHeaderValue> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization: Some(authorization), ..Self::default() })
    }

    /// Sends requests through `exchange` instead of the client's `reqwest::Client`.
    #[must_use]
    pub fn with_exchange(&self, exchange: Arc<dyn Exchange>) -> Self {
        Self { exchange: Some(exchange), ..self.clone() }
    }

    /// Sends `body` in place of a serialized body, for a request whose exact bytes were stored before.
    #[must_use]
    pub fn with_body(self, body: Bytes) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(crate) fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// The base URL with this text.
    pub(crate) fn base(&self, text: &str) -> Result<Url, String> {
        if let Some((_, url)) = self.base.get().filter(|(known, _)| known == text) {
            return Ok(url.clone());
        }
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let more = url.query().is_some() || url.fragment().is_some() || url.password().is_some();
        if more || !url.username().is_empty() || url.cannot_be_a_base() {
            return Err("it must have a host, and no user, query or fragment".to_owned());
        }
        // If clients with two base URLs share a context, the first URL is kept.
        let _ = self.base.set((text.to_owned(), url.clone()));
        Ok(url)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// Sends one request in place of `reqwest`, for retry loops, recordings and tests.
pub trait Exchange: Send + Sync {
    /// Sends `request`, which belongs to `operation`, and reads the whole response, whatever its status.
    ///
    /// # Errors
    ///
    /// If there is no complete response. The call fails with [`Error::Exchange`].
    fn exchange(
        &self,
        request: reqwest::Request,
        operation: &'static str,
    ) -> BoxFuture<'_, Result<RawResponse, ExchangeError>>;
}

/// The generated client as the hooks see it.
pub(crate) trait ClientInfo<Inner> {
    #[allow(dead_code, reason = "part of the generated code")]
    fn api_version() -> &'static str;
    #[allow(dead_code, reason = "part of the generated code")]
    fn baseurl(&self) -> &str;
    fn client(&self) -> &reqwest::Client;
    fn inner(&self) -> &Inner;
}

/// The operation of a request.
pub(crate) struct OperationInfo {
    pub(crate) operation_id: &'static str,
}

/// Hooks of the generated code: it calls `pre`, `exec` and `post`, in this order.
pub(crate) trait ClientHooks<Inner>: ClientInfo<Inner> {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>>;

    async fn exec(
        &self,
        request: reqwest::Request,
        info: &OperationInfo,
    ) -> Result<RawResponse, ExchangeError>;

    async fn post<E>(
        &self,
        _result: &Result<RawResponse, ExchangeError>,
        _info: &OperationInfo,
    ) -> Result<(), Error<E>> {
        Ok(())
    }
}

impl ClientHooks<Context> for Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, _: &OperationInfo) -> Result<(), Error<E>> {
        if let Some(authorization) = &self.inner().authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        Ok(())
    }

    async fn exec(
        &self,
        request: reqwest::Request,
        info: &OperationInfo,
    ) -> Result<RawResponse, ExchangeError> {
        if let Some(exchange) = &self.inner().exchange {
            return exchange.exchange(request, info.operation_id).await;
        }
        let lost = |error: reqwest::Error| ExchangeError::new(error.without_url());
        let response = self.client().execute(request).await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_bounded(response, MAX_RESPONSE_BYTES).await.map_err(lost)?;
        Ok(RawResponse::new(status, headers, body))
    }
}

/// Reads at most `limit` bytes of a body.
///
/// # Errors
///
/// If the connection fails.
pub async fn read_bounded(mut response: reqwest::Response, limit: usize) -> reqwest::Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
        if body.len() == limit {
            break;
        }
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let context = Context::new("ifr_pk_proj_secret").unwrap();
        assert!(!format!("{context:?}").contains("secret"));
    }
}
