//! Calls of the API: what a user awaits, and the state that all attempts share.

mod api_result;
mod attempt;
mod exchange;
mod failure;
mod key_age;
mod retry_loop;

use std::future::IntoFuture;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use infrai_video_client as generated;
use infrai_video_client::{Envelope, ResponseValue, Timestamp};
use tracing::Instrument as _;

use api_result::ApiResult;
pub(crate) use key_age::{KEY_LIFETIME, sync_time};

use crate::client::Client;
use crate::error::Error;
use crate::ids::{IdempotencyKey, JobId};
use crate::response::Response;
use crate::retry::RetryPolicy;

/// The result of a generated method.
type Reply<T> = Result<ResponseValue<Envelope<T>>, generated::Error>;

/// Calls the generated method of an operation.
type SendFn<T> = dyn for<'a> Fn(&'a generated::Client, &'a Plan) -> BoxFuture<'a, Reply<T>> + Send + Sync;

/// A read-only call. It is sent when it is awaited.
#[must_use = "a call is not sent until it is awaited"]
pub struct Call<T> {
    client: Client,
    plan: Result<Plan, Error>,
    send: Box<SendFn<T>>,
}

/// A call that changes something, with an idempotency key. It is sent when it is awaited.
#[must_use = "a call is not sent until it is awaited"]
pub struct WriteCall<T>(Call<T>);

/// State shared by all attempts of a call.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) operation: &'static str,
    pub(crate) job: Option<JobId>,
    pub(crate) policy: RetryPolicy,
    /// The key of a write, which every attempt carries.
    pub(crate) key: Option<IdempotencyKey>,
    /// When the key was minted, if the request may only be sent during the key's lifetime.
    pub(crate) prepared_at: Option<Timestamp>,
    /// The exact body, if it was fixed before.
    pub(crate) body: Option<Bytes>,
    /// Whether an earlier call, possibly of an earlier process, may have sent the key.
    pub(crate) sent_before: bool,
    /// Whether the caller chose the key, so that the service may know it from another request. Irrelevant to `video_generate`:
    /// each of its conflicts is about the key.
    pub(crate) custom_key: bool,
}

impl Plan {
    pub(crate) fn new(operation: &'static str, policy: RetryPolicy) -> Self {
        Self {
            operation,
            policy,
            job: None,
            key: None,
            prepared_at: None,
            body: None,
            sent_before: false,
            custom_key: false,
        }
    }

    /// The job's id, for operations that have one in their path.
    pub(crate) fn job(&self) -> &str {
        self.job.as_ref().map_or("", JobId::as_str)
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(IdempotencyKey::as_str)
    }
}

impl<T> Call<T> {
    pub(crate) fn new(
        client: &Client,
        plan: Result<Plan, Error>,
        send: impl for<'a> Fn(&'a generated::Client, &'a Plan) -> BoxFuture<'a, Reply<T>> + Send + Sync + 'static,
    ) -> Self {
        Self { client: client.clone(), plan, send: Box::new(send) }
    }

    /// Uses this retry policy instead of the client's.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        if let Ok(plan) = &mut self.plan {
            plan.policy = policy;
        }
        self
    }

    /// Replaces the error of a call that cannot be made.
    pub(crate) fn map_invalid(mut self, map: impl FnOnce(Error) -> Error) -> Self {
        self.plan = self.plan.map_err(map);
        self
    }
}

impl<T> WriteCall<T> {
    /// Mints the key once, before the first attempt.
    pub(crate) fn new(mut call: Call<T>) -> Self {
        if let Ok(plan) = &mut call.plan {
            plan.key.get_or_insert_with(|| call.client.mint_key());
        }
        Self(call)
    }

    /// Uses this key instead of a minted one: several calls with one key are executed once.
    pub fn with_idempotency_key(mut self, key: IdempotencyKey) -> Self {
        if let Ok(plan) = &mut self.0.plan {
            (plan.key, plan.custom_key) = (Some(key), true);
        }
        self
    }

    /// Uses this retry policy instead of the client's.
    pub fn with_retry_policy(self, policy: RetryPolicy) -> Self {
        Self(self.0.with_retry_policy(policy))
    }

    pub(crate) fn map_invalid(self, map: impl FnOnce(Error) -> Error) -> Self {
        Self(self.0.map_invalid(map))
    }
}

impl<T: ApiResult + Send + 'static> IntoFuture for Call<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let plan = self.plan?;
            let span = tracing::debug_span!(
                "call",
                operation = plan.operation,
                job_id = plan.job.as_ref().map(JobId::as_str),
                idempotency_key = plan.key(),
            );
            retry_loop::run(&self.client, &plan, &*self.send).instrument(span).await
        })
    }
}

impl<T: ApiResult + Send + 'static> IntoFuture for WriteCall<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.into_future()
    }
}

impl<T> std::fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plan = self.plan.as_ref().ok();
        f.debug_struct("Call")
            .field("operation", &plan.map(|plan| plan.operation))
            .field("job", &plan.and_then(|plan| plan.job.as_ref()))
            .field("idempotency_key", &plan.and_then(|plan| plan.key.as_ref()))
            .finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for WriteCall<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
