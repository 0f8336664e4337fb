//! One `status` call after another for each job, as most SDKs wait.

use std::cell::Cell;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::service::Service;

/// Polls leave the client no faster than the service admits them.
pub(super) struct Queue {
    apart: Duration,
    next: Cell<Instant>,
}

impl Queue {
    /// A queue for this number of requests in a second.
    pub(super) fn new(limit: Option<u32>) -> Self {
        let apart = limit.map_or(Duration::ZERO, |limit| Duration::from_secs(1) / limit);
        Self { apart, next: Cell::new(Instant::now()) }
    }

    async fn wait(&self) {
        let slot = self.next.get().max(Instant::now());
        self.next.set(slot + self.apart);
        sleep_until(slot).await;
    }
}

/// Waits for all jobs. The response to a submission has each job's state, so the first poll comes after an interval.
pub(super) async fn wait(service: &Arc<Service>, queue: Option<&Queue>, interval: impl Fn(u32) -> Duration) {
    let interval = &interval;
    let waits = service.jobs().iter().enumerate().map(|(job, planned)| async move {
        sleep_until(planned.submitted).await;
        for polls in 0.. {
            sleep(interval(polls)).await;
            if let Some(queue) = queue {
                queue.wait().await;
            }
            if service.status(job).await {
                return service.known(job);
            }
        }
    });
    join_all(waits).await;
}
