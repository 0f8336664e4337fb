//! One life of the machine that a program runs on: when it ends, what its wall clock shows, and how long it sleeps.

use std::time::SystemTime;

use fastrand::Rng;
use infrai_video_sandbox::SandboxRouter;
use tokio::time::{Duration, Instant};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How many days the jumps of the service's clock in one run take together at most. Every clip is kept for longer.
pub(super) const LONGEST_JUMPS: u32 = 20;

/// What a seed has in store for one life.
pub(super) struct Life {
    /// When it ends by a crash.
    pub(super) ends: Duration,
    /// How much time passes before the next one begins.
    pub(super) pause: Duration,
    /// When the machine is put to sleep, and for how long. Its clocks do not see the time pass, the wall clock excepted.
    pub(super) sleep: Option<(Duration, Duration)>,
    clock: Steps,
}

/// How many seconds the wall clock is ahead of the service's.
#[derive(Clone, Copy)]
struct Steps {
    first: i64,
    /// When it is set, and by how much it is ahead from then on.
    set: Option<(Duration, i64)>,
}

impl Life {
    /// The life of this number, counted from 0.
    pub(super) fn draw(number: u32, random: &mut Rng) -> Self {
        let first = ahead(random);
        // A program that has seen no response stamps a submission by its wall clock. If that was ahead by less than the time
        // until the submission is sent again, then no clock can tell its age: the service's date makes it younger than it is.
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

    /// The wall clock of a life that begins now.
    pub(super) fn wall_clock(
        &self,
        sandbox: &SandboxRouter,
    ) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let (clock, sandbox, began) = (self.clock, sandbox.clone(), Instant::now());
        move || {
            let set = clock.set.filter(|(at, _)| began.elapsed() >= *at);
            let ahead = set.map_or(clock.first, |(_, ahead)| ahead);
            let by = Duration::from_secs(ahead.unsigned_abs());
            let now = SystemTime::from(sandbox.clock().now());
            if ahead < 0 { now - by } else { now + by }
        }
    }
}

/// How far a clock is ahead: right, hours or days wrong either way, or as a machine without a battery starts.
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
