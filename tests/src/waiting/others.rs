//! One `status` call after another for each job, as most SDKs wait.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::{Duration, sleep, sleep_until};

use super::service::Service;

/// Waits for all jobs. The answer to the submission has told each one's state, so that a pause comes first.
pub(super) async fn wait(service: &Arc<Service>, pause: impl Fn(u32) -> Duration) {
    let pause = &pause;
    let waits = service.jobs().iter().enumerate().map(|(job, planned)| async move {
        sleep_until(planned.submitted).await;
        for polls in 0.. {
            sleep(pause(polls)).await;
            if service.status(job).await {
                return service.known(job);
            }
        }
    });
    join_all(waits).await;
}
