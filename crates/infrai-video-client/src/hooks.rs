use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::{AUTHORIZATION, InvalidHeaderValue};
use reqwest::Url;

use crate::Client;
use crate::answer::Answer;
use crate::error::{Error, ExchangeError};

/// The largest body of an answer that is read, in bytes: 16 MiB. A longer one counts as cut short.
pub const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// What each call of a [`Client`] carries: the project key, and who does the exchange.
#[derive(Clone, Default)]
pub struct Context {
    authorization: Option<HeaderValue>,
    exchange: Option<Arc<dyn Exchange>>,
    /// The base URL as text, and parsed: every call needs it.
    base: Arc<OnceLock<(String, Url)>>,
}

impl Context {
    /// A context that authenticates with `key`, a project key (`ifr_pk_proj_...`).
    ///
    /// # Errors
    ///
    /// Fails where the key holds characters that no header can carry.
    pub fn new(key: &str) -> Result<Self, InvalidHeaderValue> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization: Some(authorization), ..Self::default() })
    }

    /// The same context with requests handed to `exchange` instead of the client's own `reqwest::Client`.
    #[must_use]
    pub fn with_exchange(&self, exchange: Arc<dyn Exchange>) -> Self {
        Self { exchange: Some(exchange), ..self.clone() }
    }

    /// The base URL with this text.
    pub(crate) fn base(&self, text: &str) -> Result<Url, String> {
        if let Some((known, url)) = self.base.get()
            && known == text
        {
            return Ok(url.clone());
        }
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let more = url.query().is_some() || url.fragment().is_some() || url.password().is_some();
        if more || !url.username().is_empty() || url.cannot_be_a_base() {
            return Err("it must have a host, and no user, query or fragment".to_owned());
        }
        // Where clients with two base URLs share a context, that of the other stays.
        let _ = self.base.set((text.to_owned(), url.clone()));
        Ok(url)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// Sends one request in place of `reqwest`: the seam for retry loops, records and tests.
pub trait Exchange: Send + Sync {
    /// Sends `request`, which belongs to the operation of that name, and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Whatever kept an answer from coming. It ends the call as [`Error::Exchange`].
    fn exchange(
        &self,
        request: reqwest::Request,
        operation: &'static str,
    ) -> BoxFuture<'_, Result<Answer, ExchangeError>>;
}

/// What the generated code knows of its own client.
pub(crate) trait ClientInfo<Inner> {
    #[allow(dead_code, reason = "the generated code says it")]
    fn api_version() -> &'static str;
    #[allow(dead_code, reason = "the generated code says it")]
    fn baseurl(&self) -> &str;
    fn client(&self) -> &reqwest::Client;
    fn inner(&self) -> &Inner;
}

/// The operation that a request belongs to.
pub(crate) struct OperationInfo {
    pub(crate) operation_id: &'static str,
}

/// What the generated code leaves to others: it calls `pre`, `exec` and `post`, in this order.
pub(crate) trait ClientHooks<Inner>: ClientInfo<Inner> {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>>;

    async fn exec(&self, request: reqwest::Request, info: &OperationInfo) -> Result<Answer, ExchangeError>;

    async fn post<E>(
        &self,
        _result: &Result<Answer, ExchangeError>,
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

    async fn exec(&self, request: reqwest::Request, info: &OperationInfo) -> Result<Answer, ExchangeError> {
        if let Some(exchange) = &self.inner().exchange {
            return exchange.exchange(request, info.operation_id).await;
        }
        let lost = |error: reqwest::Error| ExchangeError::new(error.without_url());
        let response = self.client().execute(request).await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_bounded(response, MAX_RESPONSE_BYTES).await.map_err(lost)?;
        Ok(Answer::new(status, headers, body))
    }
}

/// Reads a body of at most `limit` bytes; the rest of a longer one is not read, which leaves it cut short.
///
/// # Errors
///
/// Fails where the connection does.
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
