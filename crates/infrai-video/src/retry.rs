use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// How often, how long and how fast a call is repeated.
///
/// Only reads and calls that carry an idempotency key are repeated, and only after a lost connection, a time-out, an answer
/// that was cut short, or a status of 408, 429, 500, 502, 503 or 504; never where the service says `retryable: false`. A 409,
/// 423 or 425 with `retryable: true` says that a request under the same key is in progress, and is repeated too.
/// Between two attempts lies a random part of a delay that doubles each time, but at least what `Retry-After` asks for.
///
/// ```
/// use std::time::Duration;
/// use infrai_video::RetryPolicy;
///
/// let patient = RetryPolicy::default().with_max_attempts(10).with_max_elapsed(Duration::from_secs(600));
/// assert_eq!(RetryPolicy::never().max_attempts(), 1);
/// # let _ = patient;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    max_elapsed: Duration,
    base_delay: Duration,
    max_delay: Duration,
    max_retry_after: Duration,
}

impl Default for RetryPolicy {
    /// 5 attempts within 2 minutes; delays from half a second, doubling, up to 20 seconds; a `Retry-After` is read as at
    /// most 1 minute.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            max_elapsed: Duration::from_secs(120),
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(20),
            max_retry_after: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// The most attempts of one call, the first included. At least 1.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The most time that a whole call takes. No delay goes past it, and an attempt under way is cut off there.
    #[must_use]
    pub fn with_max_elapsed(mut self, elapsed: Duration) -> Self {
        self.max_elapsed = elapsed;
        self
    }

    /// The delay before the second attempt, before a random part of it is taken.
    #[must_use]
    pub fn with_base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The longest delay, before a random part of it is taken.
    #[must_use]
    pub fn with_max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest `Retry-After` that is believed.
    #[must_use]
    pub fn with_max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// The most attempts of one call.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// The most time that a whole call takes.
    pub fn max_elapsed(&self) -> Duration {
        self.max_elapsed
    }

    /// What a server asked for, as far as it is believed.
    pub(crate) fn believed(&self, retry_after: Option<Duration>) -> Duration {
        retry_after.unwrap_or_default().min(self.max_retry_after)
    }

    /// The delay after `attempts` attempts: a random part (`share`, from 0 to 1) of the doubled base, never less than the
    /// server asked for.
    pub(crate) fn delay(&self, attempts: u32, share: f64, retry_after: Option<Duration>) -> Duration {
        let doublings = attempts.saturating_sub(1).min(20);
        let ceiling = self.base_delay.saturating_mul(1 << doublings).min(self.max_delay);
        ceiling.mul_f64(share).max(self.believed(retry_after))
    }
}

/// A bucket of tokens shared by all clones of a client, so that many calls together do not storm a service that is down.
///
/// A retry takes tokens and a success gives one back. While the bucket is empty, a failed call fails at once.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    tokens: AtomicU32,
    capacity: u32,
}

const RETRY_COST: u32 = 5;

impl RetryBudget {
    pub(crate) fn new(retries: u32) -> Self {
        let capacity = retries.saturating_mul(RETRY_COST);
        Self { tokens: AtomicU32::new(capacity), capacity }
    }

    /// Takes the tokens for one retry, if there are enough.
    pub(crate) fn take(&self) -> bool {
        let take = |tokens: u32| tokens.checked_sub(RETRY_COST);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    pub(crate) fn give_back(&self) {
        let give = |tokens: u32| (tokens < self.capacity).then(|| tokens + 1);
        let _already_full = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }
}

/// What `Retry-After` asks for: seconds, or a date, which counts from the server's own `Date` so that a wrong clock on
/// either side does no harm. Nonsense counts as nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = server_time(headers).unwrap_or_else(std::time::SystemTime::now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// The server's clock, as its answer showed it.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<std::time::SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_by_the_servers_clock() {
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let dated = [(RETRY_AFTER, "Fri, 20 Nov 2026 17:40:30 GMT"), (DATE, "Fri, 20 Nov 2026 17:40:00 GMT")];
        assert_eq!(retry_after(&headers(&dated)), Some(Duration::from_secs(30)));
        let past = [(RETRY_AFTER, "Fri, 20 Nov 2026 17:39:00 GMT"), (DATE, "Fri, 20 Nov 2026 17:40:00 GMT")];
        assert_eq!(retry_after(&headers(&past)), Some(Duration::ZERO));
    }

    #[test]
    fn a_nonsensical_retry_after_counts_as_nothing() {
        for text in ["soon", "-5", "NaN", "inf", "1e400", ""] {
            assert_eq!(retry_after(&headers(&[(RETRY_AFTER, text)])), None, "{text}");
        }
    }

    #[test]
    fn a_delay_is_never_under_what_the_server_asked_for_nor_over_what_is_believed() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay(1, 0.0, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(policy.delay(1, 0.0, Some(Duration::MAX)), Duration::from_secs(60));
        assert_eq!(policy.delay(1, 1.0, None), Duration::from_millis(500));
        assert_eq!(policy.delay(3, 1.0, None), Duration::from_secs(2));
        assert_eq!(policy.delay(u32::MAX, 1.0, None), Duration::from_secs(20));
    }

    #[test]
    fn an_empty_budget_allows_no_retry_until_calls_succeed() {
        let budget = RetryBudget::new(2);
        assert!(budget.take() && budget.take());
        assert!(!budget.take());
        for _ in 0..RETRY_COST {
            budget.give_back();
        }
        assert!(budget.take());
        assert!(!budget.take());
    }
}
