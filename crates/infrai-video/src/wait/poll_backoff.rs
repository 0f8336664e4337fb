//! The polling interval of a wait.

use std::time::Duration;

/// Polling interval: `share` x elapsed time, clamped to `min..=max`, minus up to 10 % jitter.
///
/// The default suits clips that take minutes. If the base URL is on loopback, as that of a sandbox, [`local`](Self::local) is
/// used instead.
///
/// ```
/// use std::time::Duration;
/// use infrai_video::wait::PollBackoff;
///
/// let backoff = PollBackoff::between(Duration::from_secs(1), Duration::from_secs(20));
/// # let client = infrai_video::Client::new("ifr_pk_proj_docs")?;
/// let wait = client.job("vj_01kaq3v8zn5w4x7r2m9t6h0c1d").wait().with_backoff(backoff);
/// # Ok::<(), infrai_video::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PollBackoff {
    first: Duration,
    min: Duration,
    max: Duration,
    share: f64,
    learned_min: Option<Duration>,
}

/// The number of rounds during the usual duration of a job, if the interval is learned.
const USUAL_POLLS: u32 = 3;

impl Default for PollBackoff {
    /// The first poll after 8 seconds, then one every 5 seconds; after ten minutes 0.85 % of the elapsed time, up to 15 seconds.
    fn default() -> Self {
        Self::between(Duration::from_secs(5), Duration::from_secs(15))
            .with_share(0.0085)
            .with_first(Duration::from_secs(8))
    }
}

impl PollBackoff {
    /// The interval for a service on this machine, such as a sandbox, whose jobs take seconds: a tenth of the elapsed time, from 0.2
    /// to 2 seconds. If the base URL is a local tunnel to the real service, set the [default](Self::default) instead.
    pub fn local() -> Self {
        Self::between(Duration::from_millis(200), Duration::from_secs(2))
    }

    /// A tenth of the elapsed time, from `min` to `max`.
    pub fn between(min: Duration, max: Duration) -> Self {
        Self { first: min, min, max: max.max(min), share: 0.1, learned_min: None }
    }

    /// A constant interval without jitter.
    pub fn fixed(delay: Duration) -> Self {
        Self::between(delay, delay)
    }

    /// The ratio of the interval to the elapsed time, from 0 to 1.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.1 };
        self
    }

    /// The delay from the submission of a job to its first poll; `min` if not set. A job that is known by its id alone is polled
    /// at once. A wait for many jobs ignores this setting.
    #[must_use]
    pub fn with_first(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// Lets a wait for many jobs learn from the jobs that have succeeded how long its jobs take, and poll sooner if that is short: the
    /// minimum becomes a third of their duration, but not less than `min`, and not less than half of `min` for each request that
    /// the last round needed. It is never raised, and it is the configured one after a round that failed. A job that takes more
    /// than three times as long as the others is only polled as often as its own elapsed time requires.
    #[must_use]
    pub fn with_learned_min(mut self, min: Duration) -> Self {
        self.learned_min = Some(min);
        self
    }

    /// The interval for jobs that take `usual`, if a round needs `requests`. `None` if the minimum is not learned.
    pub(crate) fn learned(&self, usual: Option<Duration>, requests: usize) -> Option<Self> {
        let (least, usual) = self.learned_min.zip(usual)?;
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let least = least.max(least.saturating_mul(requests) / 2);
        Some(Self { min: (usual / USUAL_POLLS).max(least).min(self.min), ..*self })
    }

    pub(crate) fn first_delay(&self, jitter: f64) -> Duration {
        self.jittered(self.first, jitter)
    }

    pub(crate) fn delay(&self, waited: Duration, jitter: f64) -> Duration {
        self.jittered(waited.mul_f64(self.share).clamp(self.min, self.max), jitter)
    }

    /// The delay after a round for many jobs. The share is divided by `speedup`. A round that takes longer than the minimum does not
    /// allow so short an interval between two polls of a job, so all intervals grow in the same proportion. This keeps the
    /// requests as well distributed over the time as before. An interval never grows beyond the undivided share.
    pub(crate) fn delay_between_rounds(
        &self,
        waited: Duration,
        speedup: f64,
        round: Duration,
        jitter: f64,
    ) -> Duration {
        let delay = waited.mul_f64(self.share / speedup).clamp(self.min, self.max);
        if self.min == self.max || round <= self.min {
            return self.jittered(delay, jitter);
        }
        let most = waited.mul_f64(self.share).max(delay);
        let grown = delay.as_secs_f64() * (round.as_secs_f64() / self.min.as_secs_f64());
        self.jittered(Duration::try_from_secs_f64(grown).unwrap_or(most).min(most), jitter)
    }

    /// Subtracts up to 10 % (`jitter` from 0 to 1), so that waits that start together drift apart, unless the interval is
    /// constant.
    fn jittered(&self, delay: Duration, jitter: f64) -> Duration {
        if self.min == self.max { delay } else { delay.mul_f64(1.0 - 0.1 * jitter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_a_ratio_and_the_maximum_is_at_least_the_minimum() {
        let after_ten_minutes = |backoff: PollBackoff| backoff.delay(Duration::from_secs(600), 0.0).as_secs();
        let backoff = PollBackoff::between(Duration::from_secs(1), Duration::from_secs(1000));
        for (share, delay) in [(0.5, 300), (7.0, 600), (-1.0, 1), (f64::NAN, 60), (f64::INFINITY, 60)] {
            assert_eq!(after_ten_minutes(backoff.with_share(share)), delay, "{share}");
        }
        let backoff = PollBackoff::between(Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!(after_ten_minutes(backoff), 2);
    }
}
