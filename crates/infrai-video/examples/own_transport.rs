//! A transport of your own: one that logs every HTTP request, on top of a client of hyper.
//!
//! The SDK calls the transport once for each attempt, each poll and each part of a download. Retries and time limits stay with
//! the SDK. A transport can also record metrics, limit the rate, or replace the network in a test.
//!
//! ```sh
//! cargo run -p infrai-video --example own_transport
//! ```
//!
//! `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, `bytes`, `futures-util`, `http`,
//! `http-body-util`, `hyper-rustls` 0.27, `hyper-util` with the features `client-legacy`, `http1` and `tokio`, `rustls` 0.23 with
//! the feature `ring`, `rustls-platform-verifier`, and `tokio` with the features `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use infrai_video::ClientBuilder;
use infrai_video::download::Overwrite;
use infrai_video::transport::{ResponseBody, TowerTransport, Transport, TransportError};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Logs each request, and sends it through another transport.
struct Logged<T>(T);

impl<T: Transport> Transport for Logged<T> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        Box::pin(async move {
            // Log neither headers nor the query: they contain the API key and the signatures of links.
            let line = format!("{} {}", request.method(), request.uri().path());
            let began = Instant::now();
            let result = self.0.send(request).await;
            let elapsed = began.elapsed().as_millis();
            match &result {
                Ok(response) => println!("{line}: {} after {elapsed} ms", response.status().as_u16()),
                Err(_) => println!("{line}: no response after {elapsed} ms"),
            }
            // The body is a stream that is not read here: a clip can be large.
            result
        })
    }
}

/// A client of hyper. A transport must not follow redirects, must not retry, and sets no time limit except for connecting.
fn hyper() -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, rustls::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(Duration::from_secs(10)));
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth();
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let mut client = Client::builder(TokioExecutor::new());
    client.retry_canceled_requests(false);
    Ok(client.build(https.wrap_connector(tcp)))
}

/// Makes one clip, and logs all requests.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let transport = Logged(TowerTransport::new(hyper()?));
    let client = ClientBuilder::from_env()?.with_transport(transport).build()?;

    let job = client.generate("a river at dawn").duration_seconds(2).submit().await?;
    let finished = job.wait().await?;
    let saved = finished.download().with_overwrite(Overwrite::Replace).to_path("river.mp4").await?;
    println!("saved {}: {} bytes", saved.path.display(), saved.bytes);
    Ok(())
}
