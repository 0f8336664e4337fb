//! The clock of a sandbox. All times in responses and all deadlines come from it.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::time::{later, system_time};
use crate::store::Durable;

/// 2026-01-01T00:00:00Z: the epoch of clocks that are independent of the system time.
pub(crate) const FIXED_EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How time passes in a sandbox.
///
/// All clocks are built on [`tokio::time::Instant`], so that tokio's paused clock makes the sandbox's time virtual too.
/// Every clock can be moved forward with [`ClockHandle::advance`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock(Pace);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    Scaled(f64),
    Manual,
}

impl Clock {
    /// Real time. It starts at the system's time, and without sockets at 2026-01-01T00:00:00Z.
    pub fn real() -> Self {
        Self(Pace::Scaled(1.0))
    }

    /// Time passes `factor` times as fast as real time: with 60, a minute takes a second.
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

    /// Whether time passes on its own.
    pub(crate) fn runs(self) -> bool {
        self.0 != Pace::Manual
    }

    /// Its speed relative to real time: 0 for a manual clock.
    pub(crate) fn factor(self) -> f64 {
        match self.0 {
            Pace::Scaled(factor) => factor,
            Pace::Manual => 0.0,
        }
    }

    /// Whether it is [`Clock::real`].
    #[cfg(feature = "persist")]
    pub(crate) fn is_real(self) -> bool {
        self == Self::real()
    }

    /// The sandbox time that passes in a second of real time. `None` for a manual clock.
    fn second(self) -> Option<Duration> {
        match self.0 {
            Pace::Scaled(factor) => Some(Duration::try_from_secs_f64(factor).unwrap_or(Duration::MAX)),
            Pace::Manual => None,
        }
    }

    /// The real time that a duration on this clock takes. Waits on a manual clock use real time: otherwise they would not
    /// finish.
    pub(crate) fn real_time(self, sandbox_time: Duration) -> Duration {
        match self.0 {
            Pace::Scaled(factor) => {
                Duration::try_from_secs_f64(sandbox_time.as_secs_f64() / factor).unwrap_or(Duration::MAX)
            }
            Pace::Manual => sandbox_time,
        }
    }

    /// Its epoch on sockets.
    pub(crate) fn default_epoch(self) -> Timestamp {
        match self.0 {
            Pace::Scaled(_) => Timestamp::now(),
            Pace::Manual => FIXED_EPOCH,
        }
    }
}

/// The error of a text that does not name a clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no clock: use `real`, `manual`, or a factor such as `x60`")]
pub struct UnknownClock(String);

impl FromStr for Clock {
    type Err = UnknownClock;

    /// Parses `real`, `manual`, or a factor such as `x60`.
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

/// A running clock, see [`Handle::clock`](crate::Handle::clock).
pub struct ClockHandle {
    clock: Clock,
    epoch: Timestamp,
    started: Instant,
    advanced: Mutex<Duration>,
    /// Where the time is stored, for a persistent sandbox.
    durable: Option<Durable>,
    /// The time that was last sent to the disk: a restart continues no earlier.
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
    pub fn now(&self) -> SystemTime {
        system_time(self.timestamp())
    }

    /// The time in the sandbox, as it is used inside.
    pub(crate) fn timestamp(&self) -> Timestamp {
        let passed = match self.clock.0 {
            Pace::Scaled(factor) => {
                Duration::try_from_secs_f64(self.started.elapsed().as_secs_f64() * factor)
                    .unwrap_or(Duration::MAX)
            }
            Pace::Manual => Duration::ZERO,
        };
        later(self.epoch, passed.saturating_add(self.advanced()))
    }

    /// Moves the clock forward: jobs finish, links and clips expire as if `by` had passed.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        *advanced = advanced.saturating_add(by);
        drop(advanced);
        if let Some(durable) = &self.durable {
            durable.reach(self.timestamp());
        }
    }

    /// Ensures that a restart continues no earlier than now. A running clock writes a second ahead, and therefore at most
    /// once per second.
    pub(crate) fn reach(&self) {
        let (Some(durable), Some(second)) = (&self.durable, self.clock.second()) else {
            return;
        };
        let now = self.timestamp();
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if *reached < now {
            *reached = later(now, second);
            durable.reach(*reached);
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// The sum of all calls of [`ClockHandle::advance`].
    pub(crate) fn advanced(&self) -> Duration {
        *self.advanced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ClockHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClockHandle").field("clock", &self.clock).field("now", &self.timestamp()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{DAY, http_date, rfc3339};

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_makes_time_virtual() {
        let clock = ClockHandle::start(Clock::scaled(60.0), Timestamp::UNIX_EPOCH, None);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(rfc3339(clock.timestamp()), "1970-01-01T00:02:00Z");
    }

    #[test]
    fn a_manual_clock_moves_only_when_advanced() {
        let clock = ClockHandle::start(Clock::manual(), FIXED_EPOCH, None);
        assert_eq!(rfc3339(clock.timestamp()), "2026-01-01T00:00:00Z");
        clock.advance(DAY);
        assert_eq!(http_date(clock.timestamp()), "Fri, 02 Jan 2026 00:00:00 GMT");
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
        assert_eq!(clock.timestamp(), Timestamp::MAX);
    }
}
