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
            Ok(response.map(|body| body.into_data_stream().map_err(lost).boxed()))
        })
    }
}

/// Before there is a response.
fn failed(error: impl Into<BoxError>, host: &str) -> TransportError {
    match error.into().downcast() {
        Ok(error) => request_failed(*error, host),
        Err(error) => lost(error),
    }
}

fn lost(error: impl Into<BoxError>) -> TransportError {
    match error.into().downcast() {
        Ok(error) => *error,
        Err(error) => TransportError::new(TransportErrorKind::Lost, root_cause(&*error)),
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    use tokio::net::TcpListener;

    use super::*;

    async fn error_of(url: String) -> TransportError {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let request = Request::get(url).body(Bytes::new()).unwrap();
        TowerTransport::new(client).send(request).await.err().expect("nothing responds")
    }

    #[tokio::test]
    async fn a_request_was_not_sent_if_no_connection_could_be_made() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = error_of(format!("http://{address}/")).await;
        assert_eq!(error.kind(), TransportErrorKind::Connect, "{error}");
        assert!(!error.may_have_been_sent());
    }

    #[tokio::test]
    async fn a_request_may_have_been_executed_if_the_connection_is_lost() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = async move {
            let (connection, _) = listener.accept().await.unwrap();
            connection.readable().await.unwrap();
        };
        let (error, ()) = tokio::join!(error_of(url), server);
        assert_eq!(error.kind(), TransportErrorKind::Lost, "{error}");
        assert!(error.may_have_been_sent());
    }
}
