//! Shared by the test programs: clients, a harness around a sandbox, and servers that follow a script or misbehave.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod costs;
pub(crate) mod fixed;
pub(crate) mod frame;
pub(crate) mod harness;
pub(crate) mod hostile;
pub(crate) mod script;

use futures_util::future::BoxFuture;
use http::Response;
use infrai_video::transport::{ResponseBody, TransportError};
use infrai_video::{Client, ClientBuilder};

/// An API key with an account of its own in any sandbox.
pub(crate) const KEY: &str = "ifr_pk_proj_sdk_tests";

/// What a transport returns.
pub(crate) type SendFuture<'a> = BoxFuture<'a, Result<Response<ResponseBody>, TransportError>>;

/// Settings of a client with repeatable jitter and idempotency keys.
pub(crate) fn client_of(base_url: &str) -> ClientBuilder {
    Client::builder(KEY).with_base_url(base_url).with_seed(7)
}

/// Runs a future on a paused clock, so that no wait takes time.
pub(crate) fn on_a_paused_clock<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(future)
}
