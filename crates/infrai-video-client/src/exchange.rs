//! How requests are sent.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Request;

use crate::error::ExchangeError;
use crate::response::RawResponse;

/// The maximum size of a response body in bytes: 16 MiB. A longer one counts as cut short.
pub const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Sends the requests of a [`Client`](crate::Client). With the feature `reqwest`, `reqwest::Client` is an exchange.
pub trait Exchange: Send + Sync {
    /// Sends `request`, which belongs to `operation`, and reads the whole response, whatever its status.
    ///
    /// # Errors
    ///
    /// If there is no complete response. The call fails with [`Error::Exchange`](crate::Error::Exchange).
    fn exchange(
        &self,
        request: Request<Bytes>,
        operation: &'static str,
    ) -> BoxFuture<'_, Result<RawResponse, ExchangeError>>;
}

/// Reads at most [`MAX_RESPONSE_BYTES`] of a response. Errors do not contain the URL. Build the client without redirects and
/// retries, so that each request is sent once.
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
impl Exchange for reqwest::Client {
    fn exchange(
        &self,
        request: Request<Bytes>,
        _: &'static str,
    ) -> BoxFuture<'_, Result<RawResponse, ExchangeError>> {
        let exchange = async move {
            let mut response = self.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            let mut body = bytes::BytesMut::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk[..chunk.len().min(MAX_RESPONSE_BYTES - body.len())]);
                if body.len() == MAX_RESPONSE_BYTES {
                    break;
                }
            }
            Ok(RawResponse::new(status, headers, body.freeze()))
        };
        Box::pin(async move {
            exchange.await.map_err(|error: reqwest::Error| ExchangeError::new(error.without_url()))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Sends nothing.
    pub(crate) struct NoNetwork;

    impl Exchange for NoNetwork {
        fn exchange(
            &self,
            _: Request<Bytes>,
            operation: &'static str,
        ) -> BoxFuture<'_, Result<RawResponse, ExchangeError>> {
            Box::pin(std::future::ready(Err(ExchangeError::new(format!("{operation} was not sent")))))
        }
    }
}
