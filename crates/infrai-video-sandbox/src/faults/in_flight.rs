//! Idempotency keys whose first request is still in progress.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use super::action::RetryAfter;
use crate::model::keys::{IDEMPOTENCY_KEY, account_in};
use crate::model::time::later;

/// The idempotency keys whose first request is in progress, each with its account's API key.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashMap<Key, Progress>>);

/// The headers that name an account and an idempotency key.
type Key = [HeaderValue; 2];

struct Progress {
    ends: Timestamp,
    repetition: Repetition,
}

/// A retry of a call that is in progress.
#[derive(Clone, Debug)]
pub(crate) struct Repetition {
    /// The `Retry-After` header of the response.
    pub(crate) retry_after: Option<RetryAfter>,
}

impl InFlight {
    /// Marks the request with these headers as in progress for `lasts`. Requests without an idempotency key are ignored.
    pub(super) fn begin(
        &self,
        headers: &HeaderMap,
        at: Timestamp,
        lasts: Duration,
        retry_after: Option<RetryAfter>,
    ) {
        if let Some(key) = key(headers) {
            self.lock()
                .insert(key, Progress { ends: later(at, lasts), repetition: Repetition { retry_after } });
        }
    }

    /// Finds the request with these headers, if it is in progress.
    pub(super) fn find(&self, headers: &HeaderMap, at: Timestamp) -> Option<Repetition> {
        let mut keys = self.lock();
        if keys.is_empty() {
            return None;
        }
        keys.retain(|_, progress| at < progress.ends);
        keys.get(&key(headers)?).map(|progress| progress.repetition.clone())
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Forgets the requests of an account.
    pub(super) fn clear_account(&self, account: &str) {
        self.lock().retain(|[authorization, _], _| account_in(authorization).as_deref() != Some(account));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(headers: &HeaderMap) -> Option<Key> {
    Some([headers.get(AUTHORIZATION)?.clone(), headers.get(IDEMPOTENCY_KEY)?.clone()])
}
