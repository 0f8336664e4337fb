//! Outages of a database that machines share: said at once, and waited for where a batch may pause.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Ledger, LedgerError, Location, open};

/// How long a statement may take before the database is asked whether it is there: the pool hides why it cannot connect.
const QUIET: Duration = Duration::from_secs(2);

/// How soon a statement is repeated, at first and at last.
const FIRST: Duration = Duration::from_millis(200);
const LAST: Duration = Duration::from_secs(5);

/// Whether a statement may have been carried out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    First,
    Again,
}

/// Called with the reason when a pause begins, and with `None` when it is over.
type OnPause = dyn Fn(Option<&str>) + Send + Sync;

/// Waits through outages of the database.
pub(super) struct Patience {
    /// The longest outage to wait through.
    most: Duration,
    tell: Box<OnPause>,
    /// When the current outage began.
    since: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Patience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patience").field("most", &self.most).finish_non_exhaustive()
    }
}

impl Patience {
    /// Whether an outage may go on.
    fn allows(&self, why: &str) -> bool {
        let now = Instant::now();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            (self.tell)(Some(why));
        }
        now.duration_since(*since.get_or_insert(now)) < self.most
    }

    fn is_over(&self) {
        if self.since.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            (self.tell)(None);
        }
    }
}

impl Ledger {
    /// From now on outages are waited for, each for so long. `tell` hears why a wait begins, and that it is over.
    pub(crate) fn wait_for_outages(
        &self,
        most: Duration,
        tell: impl Fn(Option<&str>) + Send + Sync + 'static,
    ) {
        let patience = Patience { most, tell: Box::new(tell), since: Mutex::default() };
        let _only_the_first_counts = self.patience.set(patience);
    }

    /// Carries a statement out, and repeats it through outages where they are waited for.
    pub(super) async fn patiently<T>(
        &self,
        mut act: impl AsyncFnMut(Try) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let patience = self.patience.get().filter(|_| self.is_shared());
        let (mut attempt, mut delay) = (Try::First, FIRST);
        loop {
            match (self.promptly(act(attempt)).await, patience) {
                (Err(LedgerError::Unreachable(why)), Some(patience)) if patience.allows(&why) => {
                    sleep(delay).await;
                    (attempt, delay) = (Try::Again, (delay * 2).min(LAST));
                }
                (result, patience) => {
                    if let (Ok(_), Some(patience)) = (&result, patience) {
                        patience.is_over();
                    }
                    return result;
                }
            }
        }
    }

    /// Breaks a statement off where the database cannot be connected to.
    async fn promptly<T>(&self, act: impl Future<Output = Result<T, LedgerError>>) -> Result<T, LedgerError> {
        let Location::Postgres(url) = &self.location else { return act.await };
        let mut act = pin!(act);
        loop {
            if let Ok(result) = timeout(QUIET, &mut act).await {
                return result;
            }
            tokio::select! {
                result = &mut act => return result,
                connected = open::connect(url.as_str()) => connected?,
            }
        }
    }
}
