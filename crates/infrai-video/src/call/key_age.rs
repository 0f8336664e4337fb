//! The age of an idempotency key by the service's clock.

use std::time::Duration;

use infrai_video_client::{self as generated, Timestamp, options};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::attempt::api_for_one_request;
use super::exchange::transport_error;
use super::failure::Failure;
use crate::client::Client;
use crate::clock::after;
use crate::error::{Error, ErrorKind};

/// How long the service remembers a key.
pub(crate) const KEY_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum time in transit. A key that expires meanwhile is too old to be sent.
const TRANSIT: Duration = Duration::from_secs(60);

/// The maximum difference of two correct clocks.
const SKEW: Duration = Duration::from_secs(2 * 60);

/// The maximum age of a response's `Date`. No clock of a machine that was suspended as a whole, such as a virtual one, shows it.
const MAX_DATE_AGE: Duration = Duration::from_secs(5);

/// The time limit of a request whose response is only read for its `Date`.
const MAX_DATE_REQUEST: Duration = Duration::from_secs(10);

/// Whether the service may have forgotten a key of this age when a request that leaves now arrives.
pub(super) fn is_too_old(age: Duration) -> bool {
    age >= KEY_LIFETIME - TRANSIT
}

/// Checks that the service still remembers a key that was minted at `prepared_at`, by the service's own clock. Sends a free
/// request if no response has shown that clock yet.
pub(super) async fn check(client: &Client, prepared_at: Timestamp, deadline: Instant) -> Result<(), Failure> {
    let expired = |why: String| Failure::permanent(Error::new(ErrorKind::Expired, why));
    let Some(now) = service_time(client, deadline, MAX_DATE_AGE).await? else {
        return Err(expired(format!(
            "the age of the submission of {prepared_at:.0} cannot be established: the service's responses have no `Date`"
        )));
    };
    let ahead = prepared_at.checked_duration_since(now).unwrap_or_default();
    if ahead > SKEW {
        return Err(expired(format!(
            "the submission seems to be prepared at {prepared_at:.0}, which is after the service's time ({now:.0}): one of the \
             clocks was wrong, and its age is not known"
        )));
    }
    let age = now.checked_duration_since(prepared_at).unwrap_or_default();
    if is_too_old(age) {
        return Err(expired(format!(
            "the submission of {prepared_at:.0} is {} old by the service's clock, and a key is remembered for {}",
            hours(age),
            hours(KEY_LIFETIME)
        )));
    }
    Ok(())
}

/// Hours and minutes, such as `25h 3m`.
fn hours(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

/// Requests the service's time if no response has shown it, at most once for each client. Concurrent calls wait for that request,
/// so that none of them prepares a submission by this machine's clock meanwhile. Failures are ignored.
pub(crate) async fn sync_time(client: &Client) {
    let clocks = &client.shared.clocks;
    if clocks.service().is_none() {
        let request = async {
            let _not_shown = service_time(client, after(MAX_DATE_REQUEST), Duration::MAX).await;
        };
        let span = tracing::debug_span!("call", operation = "sync_time");
        clocks.synced.get_or_init(|| request.instrument(span)).await;
    }
}

/// The service's time. Any response shows it, whatever its status, so a second operation is called if the first fails.
async fn service_time(
    client: &Client,
    deadline: Instant,
    max_age: Duration,
) -> Result<Option<Timestamp>, Failure> {
    let clocks = &client.shared.clocks;
    let mut failure = None;
    for operation in 0..2 {
        if let Some(now) = clocks.service_shown_within(max_age) {
            return Ok(Some(now));
        }
        let api = api_for_one_request(client, None, deadline.min(after(MAX_DATE_REQUEST)));
        let read = match operation {
            0 => api.video_capabilities(options::VideoCapabilities::default()).await.map(drop),
            _ => api.video_list(options::VideoList::default().limit(1)).await.map(drop),
        };
        failure = match read {
            Err(generated::Error::Exchange(error)) => transport_error(error, &client.shared.secrets).ok(),
            _ => None,
        };
    }
    match (clocks.service_shown_within(max_age), failure) {
        (None, Some(error)) => Err(Failure::from_transport(error)),
        (now, _) => Ok(now),
    }
}
