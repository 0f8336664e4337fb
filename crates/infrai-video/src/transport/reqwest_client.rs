//! A client of reqwest as a transport.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use http_body_util::BodyExt as _;

use super::convert::from_layers_below;
use super::{ResponseBody, Transport};
use crate::error::{TransportError, TransportErrorKind};

/// See [`ClientBuilder::with_http_client`](crate::ClientBuilder::with_http_client).
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
impl Transport for reqwest::Client {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let response = async { self.execute(request.try_into()?).await }.await;
            let response: Response<reqwest::Body> = response.map_err(|error| failed(error, &host))?.into();
            let lost = move |error| failed(error, &host);
            Ok(response.map(|body| body.into_data_stream().map_err(lost).boxed()))
        })
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
impl From<reqwest::Error> for TransportError {
    /// Removes the URL, which may be a signed link.
    fn from(error: reqwest::Error) -> Self {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the server").to_owned();
        failed(error, &host)
    }
}

fn failed(error: reqwest::Error, host: &str) -> TransportError {
    let error = error.without_url();
    let kind = if error.is_builder() {
        TransportErrorKind::Request
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::TimedOut
    } else {
        TransportErrorKind::Lost
    };
    from_layers_below(kind, error, host)
}
