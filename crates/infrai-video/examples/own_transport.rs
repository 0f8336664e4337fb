//! A transport of your own: one that logs every HTTP request, on top of a `reqwest` client.
//!
//! The SDK calls the transport once for each attempt, each poll and each part of a download. Retries and time limits stay with
//! the SDK. A transport can also record metrics, limit the rate, or replace the network in a test.
//!
//! ```sh
//! cargo run -p infrai-video --example own_transport
//! ```
//!
//! `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, `bytes`, `futures-util`, `http`,
//! `http-body-util`, `reqwest`, and `tokio` with the features `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use infrai_video::ClientBuilder;
use infrai_video::download::Overwrite;
use infrai_video::transport::{ResponseBody, Transport, TransportError};

/// Logs each request.
struct Logged(reqwest::Client);

impl Transport for Logged {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        Box::pin(async move {
            // Log neither headers nor the query: they contain the API key and the signatures of links.
            let line = format!("{} {}", request.method(), request.uri().path());
            let began = Instant::now();
            let result = self.0.execute(request.try_into()?).await;
            let elapsed = began.elapsed().as_millis();
            match &result {
                Ok(response) => println!("{line}: {} after {elapsed} ms", response.status().as_u16()),
                Err(_) => println!("{line}: no response after {elapsed} ms"),
            }
            // `?` converts the error of reqwest. The body is passed on as a stream: a clip can be large.
            let response: Response<reqwest::Body> = result?.into();
            let stream = |body: reqwest::Body| body.into_data_stream().map_err(TransportError::from).boxed();
            Ok(response.map(stream))
        })
    }
}

/// Makes one clip, and logs all requests.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A transport must not follow redirects, must not retry, and sets no time limit except for connecting.
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .build()?;
    let client = ClientBuilder::from_env()?.with_transport(Logged(http)).build()?;

    let job = client.generate("a river at dawn").duration_seconds(2).submit().await?;
    let finished = job.wait().await?;
    let saved = finished.download().with_overwrite(Overwrite::Replace).to_path("river.mp4").await?;
    println!("saved {}: {} bytes", saved.path.display(), saved.bytes);
    Ok(())
}
