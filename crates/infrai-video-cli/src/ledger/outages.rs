//! Slow and failing statements: a locked file is reported, and an outage of a shared database is waited for.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Ledger, LedgerError};

/// After this time a locked file is reported, and a database is checked: the pool hides why it cannot connect.
const SLOW: Duration = Duration::from_secs(2);

/// The delay before a statement is retried, at first and at most.
const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Whether a statement may have been carried out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    First,
    Retry,
}

/// Called when a file has been locked by another process for a while.
pub(super) type OnLocked = dyn Fn() + Send + Sync;

/// Called with the reason when a pause begins, and with `None` when it is over.
type OnPause = dyn Fn(Option<&str>) + Send + Sync;

/// Waits for the end of outages.
pub(super) struct OutagePolicy {
    /// The longest outage to wait for.
    max_outage: Duration,
    on_pause: Box<OnPause>,
    /// When the current outage began.
    since: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for OutagePolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutagePolicy").field("max_outage", &self.max_outage).finish_non_exhaustive()
    }
}

impl OutagePolicy {
    /// Whether to wait on.
    fn allows(&self, why: &str) -> bool {
        let now = Instant::now();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            (self.on_pause)(Some(why));
        }
        now.duration_since(*since.get_or_insert(now)) < self.max_outage
    }

    fn end(&self) {
        if self.since.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            (self.on_pause)(None);
        }
    }
}

impl Ledger {
    /// From now on outages of the database are waited for, each for `max_outage`. `on_pause` is called with the reason when such
    /// a wait begins, and with `None` when it is over.
    pub(crate) fn wait_for_outages(
        &self,
        max_outage: Duration,
        on_pause: impl Fn(Option<&str>) + Send + Sync + 'static,
    ) {
        let policy = OutagePolicy { max_outage, on_pause: Box::new(on_pause), since: Mutex::default() };
        let _set_only_once = self.outages.set(policy);
    }

    /// Runs a statement, and retries it if it was rolled back because this process was suspended, and during outages that are to be
    /// waited for.
    pub(super) async fn with_retries<T>(
        &self,
        mut statement: impl AsyncFnMut(Attempt) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let policy = self.outages.get().filter(|_| self.is_shared());
        let (mut attempt, mut delay) = (Attempt::First, FIRST_DELAY);
        loop {
            match (self.with_check(statement(attempt)).await, policy) {
                (Err(LedgerError::RolledBack(_)), _) => attempt = Attempt::Retry,
                (Err(LedgerError::Unreachable(why)), Some(policy)) if policy.allows(&why) => {
                    sleep(delay).await;
                    (attempt, delay) = (Attempt::Retry, (delay * 2).min(LONGEST_DELAY));
                }
                (result, policy) => {
                    if let (Ok(_), Some(policy)) = (&result, policy) {
                        policy.end();
                    }
                    return result;
                }
            }
        }
    }

    /// Reports a slow statement on a file, and fails one on a database that cannot be connected to.
    async fn with_check<T>(
        &self,
        statement: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        if !self.is_shared() {
            return notify_if_slow(statement, &*self.on_locked).await;
        }
        let mut statement = pin!(statement);
        loop {
            if let Ok(result) = timeout(SLOW, &mut statement).await {
                return result;
            }
            tokio::select! {
                result = &mut statement => return result,
                connected = self.database.try_connect() => connected?,
            }
        }
    }
}

/// Waits for the future, and calls `on_locked` once if that takes long.
pub(super) async fn notify_if_slow<T>(future: impl Future<Output = T>, on_locked: &OnLocked) -> T {
    notify_after(SLOW, future, on_locked).await
}

async fn notify_after<T>(delay: Duration, future: impl Future<Output = T>, on_locked: &OnLocked) -> T {
    let mut future = pin!(future);
    if let Ok(output) = timeout(delay, &mut future).await {
        return output;
    }
    on_locked();
    future.await
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn only_a_slow_statement_is_reported() {
        let quick = notify_after(Duration::ZERO, std::future::ready(1), &|| panic!("it is not slow"));
        assert_eq!(quick.await, 1);
        // The statement finishes once it is reported.
        let unlocked = std::sync::Arc::new(Notify::new());
        let unlock = std::sync::Arc::clone(&unlocked);
        notify_after(Duration::ZERO, unlocked.notified(), &move || unlock.notify_one()).await;
    }
}
