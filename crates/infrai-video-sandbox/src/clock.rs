//! The sandbox's clock: every time that an answer shows, and every deadline, is read from it.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::store::Durable;

/// 2026-01-01T00:00:00Z: the time at which a clock starts that has nothing to do with the system's.
pub(crate) const FIXED_EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How time passes in a sandbox.
///
/// All clocks are built on [`tokio::time::Instant`], so that a runtime with a paused clock makes the
/// sandbox's time virtual too. Every clock can be moved forward with [`ClockHandle::advance`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock(Pace);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    Scaled(f64),
    Manual,
}

impl Clock {
    /// Time passes as it does outside. It starts at the system's time, and without sockets at 2026-01-01T00:00:00Z.
    pub fn real() -> Self {
        Self(Pace::Scaled(1.0))
    }

    /// Time passes `factor` times as fast as outside: with 60, a minute takes a second.
    ///
    /// # Panics
    /// If `factor` is not a finite number above zero.
    pub fn scaled(factor: f64) -> Self {
        assert!(factor.is_finite() && factor > 0.0, "a clock's factor must be a finite number above zero");
        Self(Pace::Scaled(factor))
    }

    /// Time stands still until [`ClockHandle::advance`] moves it. It starts at 2026-01-01T00:00:00Z.
    pub fn manual() -> Self {
        Self(Pace::Manual)
    }

    /// Whether time passes by itself.
    pub(crate) fn runs(self) -> bool {
        self.0 != Pace::Manual
    }

    /// How many times as fast as outside it runs: 0 for one that stands still.
    pub(crate) fn factor(self) -> f64 {
        match self.0 {
            Pace::Scaled(factor) => factor,
            Pace::Manual => 0.0,
        }
    }

    /// Whether time passes as it does outside.
    #[cfg(feature = "persist")]
    pub(crate) fn is_real(self) -> bool {
        self == Self::real()
    }

    /// How much sandbox time passes in a second of real time. Nothing for a manual clock.
    fn second(self) -> Option<Duration> {
        match self.0 {
            Pace::Scaled(factor) => Some(Duration::try_from_secs_f64(factor).unwrap_or(Duration::MAX)),
            Pace::Manual => None,
        }
    }

    /// How much real time a stretch of the sandbox's time takes. A manual clock's waits are real ones:
    /// nothing else would end them.
    pub(crate) fn real_time(self, sandbox_time: Duration) -> Duration {
        match self.0 {
            Pace::Scaled(factor) => {
                Duration::try_from_secs_f64(sandbox_time.as_secs_f64() / factor).unwrap_or(Duration::MAX)
            }
            Pace::Manual => sandbox_time,
        }
    }

    /// When it starts on sockets.
    pub(crate) fn default_epoch(self) -> Timestamp {
        match self.0 {
            Pace::Scaled(_) => Timestamp::now(),
            Pace::Manual => FIXED_EPOCH,
        }
    }
}

/// A text that names no clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no clock: use `real`, `manual`, or a factor such as `x60`")]
pub struct UnknownClock(String);

impl FromStr for Clock {
    type Err = UnknownClock;

    /// Takes `real`, `manual`, or a factor such as `x60`.
    fn from_str(text: &str) -> Result<Self, UnknownClock> {
        let factor =
            |text: &str| text.strip_prefix('x')?.parse().ok().filter(|f: &f64| f.is_finite() && *f > 0.0);
        match text {
            "real" => Ok(Self::real()),
            "manual" => Ok(Self::manual()),
            _ => factor(text).map(Self::scaled).ok_or_else(|| UnknownClock(text.to_owned())),
        }
    }
}

/// A running clock, as [`Handle::clock`](crate::Handle::clock) gives it.
pub struct ClockHandle {
    clock: Clock,
    epoch: Timestamp,
    started: Instant,
    advanced: Mutex<Duration>,
    /// Where the time is written down, for a sandbox that keeps its state.
    durable: Option<Durable>,
    /// The earliest time at which a restart would go on, as far as it was asked for.
    reached: Mutex<Timestamp>,
}

impl ClockHandle {
    pub(crate) fn start(clock: Clock, epoch: Timestamp, durable: Option<Durable>) -> Self {
        Self {
            clock,
            epoch,
            started: Instant::now(),
            advanced: Mutex::new(Duration::ZERO),
            durable,
            reached: Mutex::new(Timestamp::MIN),
        }
    }

    /// The time in the sandbox.
    pub fn now(&self) -> Timestamp {
        let passed = match self.clock.0 {
            Pace::Scaled(factor) => {
                Duration::try_from_secs_f64(self.started.elapsed().as_secs_f64() * factor)
                    .unwrap_or(Duration::MAX)
            }
            Pace::Manual => Duration::ZERO,
        };
        later(self.epoch, passed.saturating_add(self.advanced()))
    }

    /// Moves the clock forward: jobs finish, links expire and clips go as if `by` had passed.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        *advanced = advanced.saturating_add(by);
        drop(advanced);
        if let Some(durable) = &self.durable {
            durable.reach(self.now());
        }
    }

    /// Sees to it that a restart goes on no earlier than now. A clock that runs writes a second ahead, and therefore
    /// once in a second at most.
    pub(crate) fn reach(&self) {
        let (Some(durable), Some(second)) = (&self.durable, self.clock.second()) else {
            return;
        };
        let now = self.now();
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if *reached < now {
            *reached = later(now, second);
            durable.reach(*reached);
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// How far it was moved by hand.
    pub(crate) fn advanced(&self) -> Duration {
        *self.advanced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ClockHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClockHandle").field("clock", &self.clock).field("now", &self.now()).finish()
    }
}

/// `at` plus `by`, or the last time that can be told.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// A day on the sandbox's clock.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// RFC 3339 in UTC, in whole seconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The form of dates in HTTP headers.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_makes_time_virtual() {
        let clock = ClockHandle::start(Clock::scaled(60.0), Timestamp::UNIX_EPOCH, None);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(rfc3339(clock.now()), "1970-01-01T00:02:00Z");
    }

    #[test]
    fn a_manual_clock_moves_only_when_told_to() {
        let clock = ClockHandle::start(Clock::manual(), FIXED_EPOCH, None);
        assert_eq!(rfc3339(clock.now()), "2026-01-01T00:00:00Z");
        clock.advance(DAY);
        assert_eq!(http_date(clock.now()), "Fri, 02 Jan 2026 00:00:00 GMT");
    }

    #[test]
    fn a_clock_can_be_named() {
        assert_eq!("x60".parse(), Ok(Clock::scaled(60.0)));
        assert_eq!("real".parse(), Ok(Clock::real()));
        assert_eq!("manual".parse(), Ok(Clock::manual()));
        for wrong in ["", "x", "x0", "x-1", "xinf", "60", "fast"] {
            assert!(wrong.parse::<Clock>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_endless_advance_stops_at_the_last_time() {
        let clock = ClockHandle::start(Clock::manual(), FIXED_EPOCH, None);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
