use std::time::Duration;

use tokio::time::Instant;

/// Stands for "never": no program waits for so long.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The moment `delay` from now. A delay too long for a clock means never.
pub(crate) fn after(delay: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(delay.min(FAR)).unwrap_or(now)
}
