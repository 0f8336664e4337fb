//! One attempt of a call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use infrai_video_client as generated;
use infrai_video_client::{Envelope, ErrorBody, RawResponse, ResponseValue, types};
use tokio::time::Instant;

use super::api_result::ApiResult;
use super::exchange::{Exchange, transport_error};
use super::failure::Failure;
use super::{Plan, SendFn};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::retry::retry_after;
use crate::secrets::Secrets;
use crate::text::one_line;

/// The result of an attempt.
pub(super) struct Success<T> {
    pub(super) result: T,
    pub(super) metadata: types::Metadata,
    pub(super) retry_after: Option<Duration>,
}

/// A generated client for one request, which ends at `deadline` at the latest.
pub(super) fn api_for_one_request(
    client: &Client,
    body: Option<&Bytes>,
    deadline: Instant,
) -> generated::Client {
    let shared = &client.shared;
    let now = Instant::now();
    let limit = shared.timeouts.attempt.min(deadline.saturating_duration_since(now));
    let exchange = Arc::new(Exchange::new(Arc::clone(shared), now, limit));
    let api = generated::Client::new(&shared.base_url, shared.api_key.clone(), exchange);
    match body {
        Some(body) => api.with_body(body.clone()),
        None => api,
    }
}

pub(super) async fn attempt<T: ApiResult>(
    client: &Client,
    plan: &Plan,
    send: &SendFn<T>,
    deadline: Instant,
) -> Result<Success<T>, Failure> {
    let api = api_for_one_request(client, plan.body.as_ref(), deadline);
    let secrets = &client.shared.secrets;
    match send(&api, plan).await {
        Ok(response) => accept(response, secrets),
        Err(generated::Error::ErrorResponse(response)) => {
            let (status, retry_after) = (response.status(), retry_after(response.headers()));
            let generated::types::ErrorEnvelope { error, metadata, .. } = response.into_inner();
            let request_id = metadata.and_then(|metadata| metadata.request_id);
            let body = secrets.remove_from_body(ErrorBody::from_detail(error, request_id));
            Err(Failure::from_response(status, body, retry_after))
        }
        Err(generated::Error::UnexpectedResponse(response)) => {
            let body = secrets.remove_from_body(ErrorBody::read(&response.body));
            Err(Failure::from_response(response.status, body, retry_after(&response.headers)))
        }
        Err(generated::Error::InvalidResponsePayload(response, error)) => match T::of_empty_response() {
            Some(result) if is_empty(&response) => {
                let (metadata, retry_after) = (types::Metadata::default(), retry_after(&response.headers));
                Ok(Success { result, metadata, retry_after })
            }
            _ => Err(Failure::from_decode_error(response.status, &error)),
        },
        Err(generated::Error::Exchange(error)) => Err(match transport_error(error, secrets) {
            Ok(error) => Failure::from_transport(error),
            Err(error) => Failure::unclassified(error.to_string()),
        }),
        Err(generated::Error::InvalidRequest(why)) => {
            Err(Failure::permanent(Error::new(ErrorKind::InvalidInput, why)))
        }
        Err(error) => Err(Failure::unclassified(error.to_string())),
    }
}

/// Whether a response announces that it has no body, and has none.
fn is_empty(response: &RawResponse) -> bool {
    let announced = response.status == StatusCode::NO_CONTENT
        || response.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
    announced && response.body.is_empty()
}

/// Decides whether a response with a successful status is one: its envelope or its result may still report a failure.
fn accept<T: ApiResult>(
    response: ResponseValue<Envelope<T>>,
    secrets: &Secrets,
) -> Result<Success<T>, Failure> {
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let mut envelope = response.into_inner();
    secrets.remove_from_metadata(&mut envelope.metadata);
    if let Some(data) = &mut envelope.data {
        data.for_each_text(&mut |text| secrets.remove_from(text));
    }
    match envelope {
        Envelope { ok: true, data: Some(data), metadata, .. } if data.reports_failure() => {
            let request_id = metadata.request_id.as_deref().map(one_line);
            let mut body = ErrorBody::default();
            body.request_id = request_id;
            let error = Error::new(ErrorKind::Rejected, "the service reports that it was not executed");
            Err(Failure::permanent(error.with_response(status.as_u16(), body)))
        }
        Envelope { ok: true, data: Some(result), metadata, .. } => {
            Ok(Success { result, metadata, retry_after })
        }
        Envelope { error, metadata, .. } => {
            let body = error.map(|error| ErrorBody::from_detail(error, metadata.request_id));
            let body = secrets.remove_from_body(body.unwrap_or_default());
            Err(Failure::from_response(status, body, retry_after))
        }
    }
}
