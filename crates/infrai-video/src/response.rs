//! Successful responses.

use std::ops::Deref;
use std::time::Duration;

use crate::ids::IdempotencyKey;
use crate::types::Metadata;

/// A result with the metadata of its call. Derefs to the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Response<T> {
    result: T,
    metadata: Metadata,
    attempts: u32,
    idempotency_key: Option<IdempotencyKey>,
    retry_after: Option<Duration>,
}

impl<T> Response<T> {
    pub(crate) fn new(
        result: T,
        metadata: Metadata,
        attempts: u32,
        idempotency_key: Option<IdempotencyKey>,
        retry_after: Option<Duration>,
    ) -> Self {
        Self { result, metadata, attempts, idempotency_key, retry_after }
    }

    /// The result.
    pub fn into_inner(self) -> T {
        self.result
    }

    /// The metadata of the call: `cost_usd` in US dollars, `latency_ms`, `vendor`, `cache_hit`, `request_id` (the contract's
    /// `Metadata`). Each of them may be missing.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The number of attempts: 1 unless the request was retried.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The idempotency key of all attempts of a write.
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.idempotency_key.as_ref()
    }

    /// The delay before the next call that the service requested with `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Response<U> {
        Response {
            result: map(self.result),
            metadata: self.metadata,
            attempts: self.attempts,
            idempotency_key: self.idempotency_key,
            retry_after: self.retry_after,
        }
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.result
    }
}
