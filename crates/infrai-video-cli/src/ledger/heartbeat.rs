use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use super::{HEARTBEAT_INTERVAL, Ledger};

/// Extends the leases of this process until it is dropped.
pub(crate) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(crate) fn start(ledger: &Arc<Ledger>) -> Self {
        let ledger = Arc::clone(ledger);
        Self(tokio::spawn(async move {
            let mut beats = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
            loop {
                beats.tick().await;
                if let Err(error) = ledger.extend_leases().await {
                    tracing::debug!(%error, "the leases could not be extended");
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
