//! The SDK's own waits.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use infrai_video::Client;
use tokio::time::{Instant, sleep_until};

use super::service::{Service, ServiceTransport};
use crate::support::client_of;

/// Waits for all jobs: for one by its handle, for several by their ids.
pub(super) async fn wait(service: &Arc<Service>, seed: u64) {
    let client = client_of("https://api.infrai.cc").with_seed(seed).with_max_wait(None);
    let client = client.with_transport(ServiceTransport(Arc::clone(service))).build();
    let client = client.expect("the settings are valid");
    if service.jobs().len() == 1 { one(service, &client).await } else { all(service, &client).await }
}

async fn one(service: &Service, client: &Client) {
    let job = client.generate("a city at dusk").submit().await.expect("the service takes every job");
    job.wait().await.expect("every job succeeds");
    service.known(0);
}

async fn all(service: &Arc<Service>, client: &Client) {
    let submitting = Arc::clone(service);
    let ids = stream::iter(0..service.jobs().len()).then(move |job| {
        let service = Arc::clone(&submitting);
        async move {
            let submitted = service.jobs()[job].submitted;
            // A timer yields to the runtime even if its time has come, and the first poll would see one job.
            if submitted > Instant::now() {
                sleep_until(submitted).await;
            }
            Service::id(job)
        }
    });
    let mut results = client.wait_all(Vec::<String>::new()).results_with(ids);
    while let Some((id, result)) = results.next().await {
        result.expect("every job succeeds");
        service.known(Service::number(&id).expect("only known ids come back"));
    }
}
