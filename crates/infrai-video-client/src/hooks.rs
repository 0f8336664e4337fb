//! Hooks of the generated code.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;

use crate::Client;
use crate::context::Context;
use crate::error::{Error, ExchangeError};
use crate::response::RawResponse;

/// The generated client as the hooks see it.
pub(crate) trait ClientInfo<Inner> {
    #[allow(dead_code, reason = "part of the generated code")]
    fn api_version() -> &'static str;
    #[allow(dead_code, reason = "part of the generated code")]
    fn baseurl(&self) -> &str;
    fn inner(&self) -> &Inner;
}

/// The operation of a request.
pub(crate) struct OperationInfo {
    pub(crate) operation_id: &'static str,
}

/// Hooks of the generated code: it calls `pre`, `exec` and `post`, in this order.
pub(crate) trait ClientHooks<Inner>: ClientInfo<Inner> {
    async fn pre<E>(&self, request: &mut Request<Bytes>, info: &OperationInfo) -> Result<(), Error<E>>;

    async fn exec(&self, request: Request<Bytes>, info: &OperationInfo)
    -> Result<RawResponse, ExchangeError>;

    async fn post<E>(
        &self,
        _result: &Result<RawResponse, ExchangeError>,
        _info: &OperationInfo,
    ) -> Result<(), Error<E>> {
        Ok(())
    }
}

impl ClientHooks<Context> for Client {
    async fn pre<E>(&self, request: &mut Request<Bytes>, _: &OperationInfo) -> Result<(), Error<E>> {
        request.headers_mut().insert(AUTHORIZATION, self.inner().key.authorization.clone());
        Ok(())
    }

    async fn exec(
        &self,
        request: Request<Bytes>,
        info: &OperationInfo,
    ) -> Result<RawResponse, ExchangeError> {
        self.inner().exchange.exchange(request, info.operation_id).await
    }
}
