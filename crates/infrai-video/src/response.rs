use std::ops::Deref;
use std::time::Duration;

use crate::ids::IdempotencyKey;
use crate::types::Metadata;

/// A result, and what is known about the call that brought it. Derefs to the result.
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

    /// The result alone.
    pub fn into_inner(self) -> T {
        self.result
    }

    /// About the call: `cost_usd` in US dollars, `latency_ms`, `vendor`, `cache_hit`, `request_id` (the contract's
    /// `Metadata`). Any of them may be unknown.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// How many times the request was sent, or tried to: 1 unless something was repeated.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The key that every attempt carried, for a call that changes something.
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.idempotency_key.as_ref()
    }

    /// How long the service asked to wait before the next call, although this one succeeded.
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
