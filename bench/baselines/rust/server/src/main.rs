//! Sends fixed responses, so that the client is measured and not the server: `fixed-responses SETTINGS`, a JSON file. The first
//! line of its output is its base URL. `/seen` returns the number of requests since the last request to it.

mod clip;
mod pages;
mod recorded;

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;

use clip::Clip;
use pages::Pages;
use recorded::Recorded;

type Failure = Box<dyn Error + Send + Sync>;
type Body = BoxBody<Bytes, Infallible>;

/// The responses.
#[derive(Deserialize)]
struct Settings {
    /// A response of `status`, with its head.
    status: String,
    /// A response of `list` with one job and a cursor, with its head.
    list: String,
    /// A response of `generate`, with its head.
    generate: String,
    /// The number of jobs of the account.
    jobs: usize,
    /// The number of jobs on a page.
    limit: usize,
    /// The delay of a page.
    page_ms: u64,
    /// A small clip, and the size to which it is extended.
    clip: std::path::PathBuf,
    clip_bytes: u64,
}

struct Server {
    base_url: String,
    status: Recorded,
    generate: Recorded,
    pages: Pages,
    page_time: Duration,
    clip: Clip,
    seen: AtomicU64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let path = std::env::args_os().nth(1).ok_or("name a file with the settings")?;
    let settings: Settings = serde_json::from_slice(&std::fs::read(path)?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = Arc::new(Server {
        base_url: format!("http://{}", listener.local_addr()?),
        status: Recorded::read(&settings.status)?,
        generate: Recorded::read(&settings.generate)?,
        pages: Pages::of(&Recorded::read(&settings.list)?, settings.jobs, settings.limit)?,
        page_time: Duration::from_millis(settings.page_ms),
        clip: Clip::padded(&settings.clip, settings.clip_bytes)?,
        seen: AtomicU64::new(0),
    });
    println!("{}", server.base_url);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.respond(request).await) }
            });
            // A client may close its connection.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Server {
    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        if path == "/seen" {
            return json(self.seen.swap(0, Ordering::Relaxed).to_string());
        }
        self.seen.fetch_add(1, Ordering::Relaxed);
        if path.starts_with("/v1/video/status/") {
            return self.status.response(self.status.body.clone());
        }
        if path == "/v1/video/generate" {
            // The client may abort a download.
            let _ = request.into_body().collect().await;
            return self.generate.response(self.generate.body.clone());
        }
        if path == "/v1/video/list" {
            if !self.page_time.is_zero() {
                tokio::time::sleep(self.page_time).await;
            }
            return self.pages.response(request.uri().query().unwrap_or_default());
        }
        if path.starts_with("/v1/video/download_url/") {
            let base_url = &self.base_url;
            return json(format!(
                r#"{{"ok":true,"data":{{"url":"{base_url}/clip.mp4"}},"error":null,"metadata":{{}}}}"#
            ));
        }
        if path == "/clip.mp4" {
            return self.clip.response();
        }
        failed(StatusCode::NOT_FOUND)
    }
}

fn json(text: String) -> Response<Body> {
    let mut response = Response::new(whole(text.into()));
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

fn failed(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).boxed()
}
