use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, InvalidHeaderValue};
use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};

use crate::Client;
use crate::canonical::canonical_json;
use crate::envelope::ErrorBody;
use crate::types::ErrorEnvelope;

/// The largest body of an answer that is read, in bytes: 16 MiB. A longer one counts as cut short.
pub const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// What each call of a [`Client`] carries: the project key, and who does the exchange.
#[derive(Clone, Default)]
pub struct Context {
    authorization: Option<HeaderValue>,
    exchange: Option<Arc<dyn Exchange>>,
}

impl Context {
    /// A context that authenticates with `key`, a project key (`ifr_pk_proj_...`).
    ///
    /// # Errors
    ///
    /// Fails where the key holds characters that no header can carry.
    pub fn new(key: &str) -> Result<Self, InvalidHeaderValue> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization: Some(authorization), exchange: None })
    }

    /// The same context with requests handed to `exchange` instead of the client's own `reqwest::Client`.
    #[must_use]
    pub fn with_exchange(&self, exchange: Arc<dyn Exchange>) -> Self {
        Self { authorization: self.authorization.clone(), exchange: Some(exchange) }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// Sends one request in place of `reqwest`: the seam for retry loops, records and tests.
///
/// There is no way to fail: an exchange that could not take place answers with a made-up error response, and keeps what
/// it knows to itself.
pub trait Exchange: Send + Sync {
    /// Sends `request`, which belongs to the operation of that name, and reads the whole answer.
    fn exchange(
        &self,
        request: reqwest::Request,
        operation: &'static str,
    ) -> BoxFuture<'_, http::Response<Bytes>>;
}

impl ClientHooks<Context> for Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>> {
        check_path(request.url().path(), info.operation_id).map_err(Error::InvalidRequest)?;
        let headers = request.headers_mut();
        headers.remove(API_VERSION);
        if let Some(authorization) = &self.inner().authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if request.method() == http::Method::POST {
            let body = canonical_body(request).map_err(|error| Error::InvalidRequest(error.to_string()))?;
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.headers_mut().remove(CONTENT_LENGTH);
            *request.body_mut() = Some(body.into());
        }
        Ok(())
    }

    async fn exec(
        &self,
        request: reqwest::Request,
        info: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        if let Some(exchange) = &self.inner().exchange {
            return Ok(exchange.exchange(request, info.operation_id).await.into());
        }
        let response = self.client().execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_bounded(response, MAX_RESPONSE_BYTES).await?;
        let body = if status.is_success() { body } else { contract_error(status, body) };
        let mut answer = http::Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer.into())
    }
}

/// The body as the contract asks for it, and `{}` where the operation has a body without fields.
fn canonical_body(request: &reqwest::Request) -> serde_json::Result<Bytes> {
    match request.body().and_then(reqwest::Body::as_bytes) {
        Some(bytes) => canonical_json(&serde_json::from_slice::<serde_json::Value>(bytes)?),
        None => Ok(Bytes::from_static(b"{}\n")),
    }
}

/// An id such as `..\..\list` would make a URL of another route: the path must be the operation's own, with at most one
/// segment after it.
fn check_path(path: &str, operation: &str) -> Result<(), String> {
    let verb = operation.trim_start_matches("video_");
    let rest = path.rfind("/v1/video/").and_then(|at| path[at + "/v1/video/".len()..].strip_prefix(verb));
    let fits = match rest {
        Some("") => true,
        Some(rest) => rest.strip_prefix('/').is_some_and(|id| !id.is_empty() && !id.contains('/')),
        None => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "the id does not fit into the path of {operation}; pass the job_id as video_generate answered it"
        ))
    }
}

/// Reads a body of at most `limit` bytes; the rest of a longer one is not read, which leaves it cut short.
///
/// # Errors
///
/// Fails where the connection does.
pub async fn read_bounded(mut response: reqwest::Response, limit: usize) -> reqwest::Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
        if body.len() == limit {
            break;
        }
    }
    Ok(body.freeze())
}

/// A body that the generated code can decode: as it came where it has the contract's shape, else as much as was read.
fn contract_error(status: http::StatusCode, body: Bytes) -> Bytes {
    if serde_json::from_slice::<ErrorEnvelope>(&body).is_ok() {
        return body;
    }
    let envelope =
        ErrorBody::read(&body).into_envelope(&format!("the server answered {status} without an envelope"));
    serde_json::to_vec(&envelope).map_or(body, Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_would_reach_another_route_is_refused() {
        for path in ["/v1/list", "/v1/video/list", "/v1/video/get/", "/v1/video/get/a/b", "/v1/video/getx/a"]
        {
            assert!(check_path(path, "video_get").is_err(), "{path}");
        }
        for path in ["/v1/video/get/vj_1", "/behind/a/proxy/v1/video/get/vj_1"] {
            assert!(check_path(path, "video_get").is_ok(), "{path}");
        }
        assert!(check_path("/v1/video/delete_all", "video_delete_all").is_ok());
        assert!(check_path("/v1/video/delete_all", "video_delete").is_err());
    }

    #[test]
    fn an_error_page_becomes_an_envelope_with_its_status() {
        let body =
            contract_error(http::StatusCode::BAD_GATEWAY, Bytes::from_static(b"<html>bad gateway</html>"));
        let envelope: ErrorEnvelope = serde_json::from_slice(&body).unwrap();
        assert_eq!(envelope.error.message, "the server answered 502 Bad Gateway without an envelope");
    }

    #[test]
    fn debug_shows_no_key() {
        let context = Context::new("ifr_pk_proj_secret").unwrap();
        assert!(!format!("{context:?}").contains("secret"));
    }
}
