use std::time::Duration;

/// The number, duration and spacing of the attempts of a call.
///
/// Only reads, and writes with an idempotency key, are retried, and only after a connection failure, a timeout, a response that
/// was cut short, or a status of 408, 429, 500, 502, 503 or 504, unless the service says `retryable: false`. A 409, 423 or 425
/// with `retryable: true` means that a request with the same key is in progress, and is retried too. The backoff doubles with
/// each attempt, with full jitter, and is at least the delay in `Retry-After`.
///
/// ```
/// use std::time::Duration;
/// use infrai_video::retry::RetryPolicy;
///
/// let policy = RetryPolicy::default().with_max_attempts(10).with_max_elapsed(Duration::from_secs(600));
/// assert_eq!(RetryPolicy::never().max_attempts(), 1);
/// # let _ = policy;
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
    /// 5 attempts within 2 minutes; delays from half a second, doubling, up to 20 seconds; at most 1 minute for
    /// `Retry-After`.
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
    /// A single attempt.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// The maximum number of attempts, including the first. At least 1.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The time limit of the whole call. An attempt that reaches it is aborted.
    #[must_use]
    pub fn with_max_elapsed(mut self, elapsed: Duration) -> Self {
        self.max_elapsed = elapsed;
        self
    }

    /// The delay before the second attempt, before jitter.
    #[must_use]
    pub fn with_base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The maximum delay, before jitter.
    #[must_use]
    pub fn with_max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The maximum delay for `Retry-After`. A longer one is shortened to it.
    #[must_use]
    pub fn with_max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// The maximum number of attempts.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// The time limit of the whole call.
    pub fn max_elapsed(&self) -> Duration {
        self.max_elapsed
    }

    /// The delay for `Retry-After`, limited by the policy.
    pub(crate) fn limit_retry_after(&self, retry_after: Option<Duration>) -> Duration {
        retry_after.unwrap_or_default().min(self.max_retry_after)
    }

    /// The delay after `attempts` attempts: `jitter` (from 0 to 1) times the exponential backoff, or the delay for
    /// `Retry-After` if that is longer.
    pub(crate) fn delay(&self, attempts: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
        let doublings = attempts.saturating_sub(1).min(20);
        let ceiling = self.base_delay.saturating_mul(1 << doublings).min(self.max_delay);
        ceiling.mul_f64(jitter).max(self.limit_retry_after(retry_after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_backoff_doubles_up_to_its_maximum() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay(1, 1.0, None), SECOND / 2);
        assert_eq!(policy.delay(3, 1.0, None), 2 * SECOND);
        assert_eq!(policy.delay(3, 0.25, None), SECOND / 2);
        assert_eq!(policy.delay(u32::MAX, 1.0, None), 20 * SECOND);
    }

    #[test]
    fn retry_after_is_the_minimum_of_a_delay_up_to_the_policys_limit() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay(1, 0.0, Some(3 * SECOND)), 3 * SECOND);
        assert_eq!(policy.delay(3, 1.0, Some(SECOND)), 2 * SECOND);
        assert_eq!(policy.delay(1, 0.0, Some(Duration::MAX)), 60 * SECOND);
    }

    #[test]
    fn each_setting_replaces_its_default() {
        let policy = RetryPolicy::default().with_base_delay(SECOND).with_max_delay(3 * SECOND);
        let delays = [1, 2, 3, 9].map(|attempts| policy.delay(attempts, 1.0, None));
        assert_eq!(delays, [SECOND, 2 * SECOND, 3 * SECOND, 3 * SECOND]);
        let policy = policy.with_max_retry_after(5 * SECOND);
        assert_eq!(policy.delay(1, 1.0, Some(9 * SECOND)), 5 * SECOND);
        let policy = policy.with_max_attempts(0).with_max_elapsed(7 * SECOND);
        assert_eq!((policy.max_attempts(), policy.max_elapsed()), (1, 7 * SECOND));
        assert_eq!(policy.with_max_attempts(8).max_attempts(), 8);
    }

    #[test]
    fn never_allows_one_attempt_within_the_default_time_limit() {
        let never = RetryPolicy::never();
        assert_eq!((never.max_attempts(), never.max_elapsed()), (1, 120 * SECOND));
    }
}
