use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use crate::ledger::{HEARTBEAT, Ledger};

/// Says in the ledger that this process lives, until it is dropped.
pub(crate) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(crate) fn start(ledger: &Arc<Ledger>) -> Self {
        let ledger = Arc::clone(ledger);
        Self(tokio::spawn(async move {
            let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
            loop {
                beats.tick().await;
                if let Err(error) = ledger.heartbeat().await {
                    tracing::debug!(%error, "the ledger could not be told that this process lives");
                }
            }
        }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
