//! The only loop in this crate that repeats a request.

use tokio::time::sleep;
use tracing::Instrument as _;

use super::api_result::ApiResult;
use super::attempt::{Success, attempt};
use super::{Plan, SendFn, key_age};
use crate::client::Client;
use crate::clock::after;
use crate::error::Error;
use crate::response::Response;

pub(super) async fn run<T: ApiResult>(
    client: &Client,
    plan: &Plan,
    send: &SendFn<T>,
) -> Result<Response<T>, Error> {
    let deadline = after(plan.policy.max_elapsed());
    let clocks = &client.shared.clocks;
    // Only a key that must not be too old needs the clocks.
    let prepared = plan.prepared_at.map(|at| (at, clocks.moment(), clocks.service()));
    let mut attempts = 0;
    // Whether an attempt of this call, or an earlier call with this key, may have been executed without a response.
    let mut outcome_unknown = plan.sent_before;
    loop {
        attempts += 1;
        let span = tracing::debug_span!("attempt", attempt = attempts);
        let once = async {
            if let Some((prepared_at, began, service_began)) = prepared.filter(|_| outcome_unknown) {
                // A call of this process outlasts its key only if the machine sleeps, or with days of retries. If the machine
                // was suspended as a whole, only a response since then shows it.
                let since = clocks.since(began).filter(|_| !plan.sent_before);
                let by_service = clocks
                    .service()
                    .zip(service_began)
                    .and_then(|(now, then)| now.checked_duration_since(then));
                if since.is_none_or(key_age::is_too_old) || by_service.is_some_and(key_age::is_too_old) {
                    // Rare, and large.
                    Box::pin(key_age::check(client, prepared_at, deadline)).await?;
                }
            }
            attempt(client, plan, send, deadline).await
        };
        let failure = match once.instrument(span).await {
            Ok(Success { result, metadata, retry_after }) => {
                client.shared.budget.refund();
                return Ok(Response::new(result, metadata, attempts, plan.key.clone(), retry_after));
            }
            Err(failure) => failure.with_key_conflicts(plan, outcome_unknown),
        };
        outcome_unknown |= plan.key.is_some() && failure.may_have_been_executed;
        // An early retry of a request in progress would only use up an attempt.
        let jitter = if failure.in_progress { 1.0 } else { client.random_share() };
        let delay = plan.policy.delay(attempts, jitter, failure.retry_after);
        let retry = failure.retryable
            && attempts < plan.policy.max_attempts()
            && after(delay) < deadline
            && client.shared.budget.take();
        if !retry {
            return Err(failure
                .error
                .with_operation(plan.operation)
                .with_retry_after(failure.retry_after)
                .with_attempts(attempts, plan.key.as_ref())
                .with_retryable(failure.retryable)
                .with_outcome_unknown(outcome_unknown));
        }
        tracing::debug!(attempt = attempts, delay_ms = delay.as_millis() as u64, error = %failure.error, "retrying");
        sleep(delay).await;
    }
}
