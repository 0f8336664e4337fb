//! One `status` call after another for each job, as most SDKs wait.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::{Duration, sleep, sleep_until};

use super::service::Service;

/// Waits for all jobs. The response to a submission has each job's state, so the first poll comes after an interval.
pub(super) async fn wait(service: &Arc<Service>, interval: impl Fn(u32) -> Duration) {
    let interval = &interval;
    let waits = service.jobs().iter().enumerate().map(|(job, planned)| async move {
        sleep_until(planned.submitted).await;
        for polls in 0.. {
            sleep(interval(polls)).await;
            if service.status(job).await {
                return service.known(job);
            }
        }
    });
    join_all(waits).await;
}
