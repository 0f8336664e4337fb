use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

/// Stands for "never": no program waits for so long.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The moment `delay` from now. A delay too long for a clock means never.
pub(crate) fn after(delay: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(delay.min(FAR)).unwrap_or(now)
}

/// What the clock on the wall shows. One beyond the year 9999 shows the last moment there is: `Timestamp::now` would panic, and
/// its message takes the words of every error of jiff into the program.
pub(crate) fn wall_clock() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX)
}
