//! The API key and the state of a [`Client`].

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::InvalidHeaderValue;

use crate::Client;
use crate::exchange::Exchange;

/// An API key (`ifr_pk_proj_...`). It is not displayed.
#[derive(Clone)]
pub struct ApiKey {
    pub(crate) authorization: HeaderValue,
}

impl ApiKey {
    /// The API key with this text.
    ///
    /// # Errors
    ///
    /// If the text contains characters that are invalid in a header.
    pub fn new(key: &str) -> Result<Self, InvalidHeaderValue> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").finish_non_exhaustive()
    }
}

/// State of a [`Client`] for its calls.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) key: ApiKey,
    pub(crate) exchange: Arc<dyn Exchange>,
    pub(crate) body: Option<Bytes>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the service at `base_url`, such as `https://api.infrai.cc`, that sends its requests through `exchange`.
    pub fn new(base_url: &str, key: ApiKey, exchange: Arc<dyn Exchange>) -> Self {
        Self { baseurl: base_url.to_owned(), inner: Context { key, exchange, body: None } }
    }

    /// Sends `body` in place of the serialized body of every later call that has one, for a request whose exact bytes were stored
    /// before.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.inner.body = Some(body);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::tests::NoNetwork;

    #[test]
    fn debug_shows_no_key() {
        let key = ApiKey::new("ifr_pk_proj_secret").unwrap();
        let client = Client::new("https://api.infrai.cc", key.clone(), Arc::new(NoNetwork));
        let shown = format!("{key:?} {client:?}");
        assert!(shown.contains("api.infrai.cc") && !shown.contains("secret"), "{shown}");
    }
}
