//! One lifetime of a process and its machine: the crash, the wall clock, and sleep.

use std::time::SystemTime;

use fastrand::Rng;
use infrai_video_sandbox::SandboxRouter;
use tokio::time::{Duration, Instant};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The maximum total of the clock jumps in one run, in days. Every clip is kept for longer.
pub(crate) const LONGEST_JUMPS: u32 = 20;

/// The random parameters of one lifetime.
pub(crate) struct Life {
    /// When the process crashes.
    pub(crate) ends: Duration,
    /// The time until the next process starts.
    pub(crate) pause: Duration,
    /// When the machine sleeps, and for how long. Only the wall clock continues.
    pub(crate) sleep: Option<(Duration, Duration)>,
    clock: Steps,
}

/// The difference of the wall clock and the service's, in seconds.
#[derive(Clone, Copy)]
struct Steps {
    first: i64,
    /// When the clock is set, and the difference from then on.
    set: Option<(Duration, i64)>,
}

impl Life {
    /// The lifetime with this number, counted from 0.
    pub(crate) fn draw(number: u32, random: &mut Rng) -> Self {
        let first = ahead(random);
        // Without a response, a submission has the time of the wall clock. If that is ahead by less than the time until the
        // submission is sent again, its age cannot be detected: by the service's clock it looks younger than it is.
        let first = if number == 0 && first > 0 { 40 * DAY + first } else { first };
        let hours = |random: &mut Rng, most: u64| Duration::from_secs(random.u64(0..most * 3600));
        Self {
            ends: Duration::from_millis(random.u64(1..400_000)),
            pause: if random.u8(..3) == 0 { hours(random, 48) } else { Duration::ZERO },
            sleep: (random.u8(..6) == 0).then(|| {
                let begins = Duration::from_millis(random.u64(0..60_000));
                (begins, hours(random, 36))
            }),
            clock: Steps {
                first,
                set: (random.u8(..4) == 0)
                    .then(|| (Duration::from_millis(random.u64(0..120_000)), ahead(random))),
            },
        }
    }

    /// The wall clock of a lifetime that starts now.
    pub(crate) fn wall_clock(
        &self,
        sandbox: &SandboxRouter,
    ) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let (clock, sandbox, began) = (self.clock, sandbox.clone(), Instant::now());
        move || {
            let set = clock.set.filter(|(at, _)| began.elapsed() >= *at);
            let ahead = set.map_or(clock.first, |(_, ahead)| ahead);
            let by = Duration::from_secs(ahead.unsigned_abs());
            let now = sandbox.clock().now();
            if ahead < 0 { now - by } else { now + by }
        }
    }
}

/// The difference of a clock: none, hours or days, or that of a machine without a battery.
fn ahead(random: &mut Rng) -> i64 {
    match random.u8(..9) {
        0..=3 => 0,
        4 => -random.i64(1..72 * HOUR),
        5 => random.i64(1..72 * HOUR),
        6 => -random.i64(DAY..400 * DAY),
        7 => random.i64(DAY..360 * DAY),
        _ => -random.i64(DAY..56 * 365 * DAY),
    }
}
