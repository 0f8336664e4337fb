//! A transport over any [`Service`].

use std::future::poll_fn;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use tower_service::Service;

use super::convert::root_cause;
use super::default::request_failed;
use super::{ResponseBody, Transport};
use crate::error::{TransportError, TransportErrorKind};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sends requests to a [`Service`]: a server in the same process, such as the sandbox's router or an axum router, or a stack
/// of tower layers around a client.
///
/// A test needs no socket, and on tokio's paused clock no time:
///
/// ```
/// use infrai_video::Client;
/// use infrai_video::transport::TowerTransport;
/// use infrai_video_sandbox::Sandbox;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sandbox = Sandbox::builder().instant_jobs().router();
/// let client = Client::builder("ifr_pk_proj_test")
///     .with_base_url(sandbox.base_url())
///     .with_transport(TowerTransport::new(sandbox.clone()))
///     .build()?;
///
/// let job = client.generate("a city at dusk").await?;
/// assert_eq!(sandbox.jobs()[0].job_id, job.id().as_str());
/// assert_eq!(sandbox.ledger().charges().count(), 1);
/// # Ok(())
/// # }
/// ```
///
/// An error of the service, or of a response body, becomes [`TransportErrorKind::Lost`]: the request may have been
/// executed. A [`TransportError`] is returned unchanged, and errors of hyper-util's client are converted like those of the
/// built-in transport.
#[derive(Debug, Clone)]
pub struct TowerTransport<S>(S);

impl<S> TowerTransport<S> {
    /// A transport over `service`, which is cloned for each request.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Transport for TowerTransport<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            poll_fn(|context| service.poll_ready(context)).await.map_err(|error| failed(error, &host))?;
            let response = service.call(request.map(Full::new)).await;
            let response = response.map_err(|error| failed(error, &host))?;
            let lost = move |error| failed(error, &host);
            Ok(response.map(|body| body.into_data_stream().map_err(lost).boxed()))
        })
    }
}

fn failed(error: impl Into<BoxError>, host: &str) -> TransportError {
    let error = match error.into().downcast() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    match error.downcast() {
        Ok(error) => request_failed(*error, host),
        Err(error) => TransportError::new(TransportErrorKind::Lost, root_cause(&*error)),
    }
}
