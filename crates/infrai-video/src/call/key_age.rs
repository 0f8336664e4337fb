//! The age of an idempotency key, which only the service's clock can tell.

use std::time::Duration;

use infrai_video_client::{self as generated, options};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{Ended, Failure, api_for_one_request, transport_failure};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::generate::Submission;
use crate::time::after;

/// How long a request may be under way. A key that the service forgets meanwhile is too old to be sent.
const WAY: SignedDuration = SignedDuration::from_mins(1);

/// How much later than the service's time a submission may seem to be prepared: clocks differ a little.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// How long a response may take that is only to show the service's time.
const LONGEST_READ_OF_THE_TIME: Duration = Duration::from_secs(10);

/// Whether the service may have forgotten a key of that age when a request arrives that leaves now.
pub(super) fn is_too_old(age: SignedDuration) -> bool {
    age >= Submission::KEY_LIFETIME - WAY
}

/// Whether the service still remembers a key that was made at `prepared_at`. Only its own clock can tell: reads something
/// that is not paid where no response has shown it.
pub(super) async fn check(client: &Client, prepared_at: Timestamp, deadline: Instant) -> Result<(), Failure> {
    let expired = |why: String| Failure::certain(Error::new(ErrorKind::Expired, why));
    let Some(now) = service_time(client, deadline).await? else {
        return Err(expired(format!(
            "the age of the submission of {prepared_at:.0} cannot be established: the service's responses have no `Date`"
        )));
    };
    let age = now.duration_since(prepared_at);
    if age < -SKEW {
        return Err(expired(format!(
            "the submission seems to be prepared at {prepared_at:.0}, which is after the service's time ({now:.0}): one of the \
             clocks was wrong, and its age is not known"
        )));
    }
    if is_too_old(age) {
        return Err(expired(format!(
            "the submission of {prepared_at:.0} is {:#} old by the service's clock, and a key is remembered for {:#}",
            SignedDuration::from_mins(age.as_mins()),
            Submission::KEY_LIFETIME
        )));
    }
    Ok(())
}

/// Reads the service's time where no response has shown it, at most once for each client. Failures are ignored.
pub(crate) async fn sync_time(client: &Client) {
    let clocks = &client.shared.clocks;
    if clocks.service().is_none() && clocks.is_first_sync() {
        let _not_shown = service_time(client, after(LONGEST_READ_OF_THE_TIME)).await;
    }
}

/// The service's time. The head of any response tells it, whatever its status, so that a second route is asked where the
/// first one is out of order.
async fn service_time(client: &Client, deadline: Instant) -> Result<Option<Timestamp>, Failure> {
    let clocks = &client.shared.clocks;
    let mut failure = None;
    for route in 0..2 {
        if let Some(now) = clocks.service() {
            return Ok(Some(now));
        }
        let api = api_for_one_request(client, None, deadline.min(after(LONGEST_READ_OF_THE_TIME)));
        let read = match route {
            0 => api.video_capabilities(options::VideoCapabilities::default()).await.map(drop),
            _ => {
                let options = options::VideoList { limit: Some(1), ..Default::default() };
                api.video_list(options).await.map(drop)
            }
        };
        failure = match read {
            Err(generated::Error::Exchange(error)) => match error.downcast() {
                Ok(Ended::Failed(error)) => Some(transport_failure(error.without(&client.shared.secrets))),
                _ => None,
            },
            _ => None,
        };
    }
    match (clocks.service(), failure) {
        (None, Some(failure)) => Err(Failure { may_have_been_carried_out: false, ..failure }),
        (now, _) => Ok(now),
    }
}
