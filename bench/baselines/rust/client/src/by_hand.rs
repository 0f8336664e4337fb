//! A client for these two calls, written by hand without an SDK.

use bytes::Bytes;
use harness::Failure;
use http_body_util::{BodyExt as _, Empty};
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

use crate::KEY;

/// The envelope of every response.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) ok: bool,
    pub(crate) data: Option<T>,
    /// Decoded like the rest, as the SDK does.
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) cost_usd: Option<f64>,
    pub(crate) latency_ms: Option<f64>,
    pub(crate) vendor: Option<String>,
    pub(crate) cache_hit: Option<bool>,
    pub(crate) request_id: Option<String>,
}

impl<T> Envelope<T> {
    /// The result. The metadata counts as used.
    pub(crate) fn into_result(self) -> Result<T, Failure> {
        std::hint::black_box(self.metadata.as_ref().map(|metadata| {
            (
                metadata.cost_usd,
                metadata.latency_ms,
                metadata.vendor.is_some(),
                metadata.cache_hit,
                metadata.request_id.is_some(),
            )
        }));
        self.data.filter(|_| self.ok).ok_or_else(|| "the call was refused".into())
    }
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) job_id: String,
    pub(crate) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) video_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumbnail_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Job>,
    pub(crate) next_cursor: Option<String>,
}

/// hyper's own client, with its pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Hyper {
    client: Client<HttpConnector, Empty<Bytes>>,
    authorization: HeaderValue,
}

impl Hyper {
    pub(crate) fn new() -> Result<Self, Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, authorization: HeaderValue::from_str(&format!("Bearer {KEY}"))? })
    }

    /// The body of a successful response.
    pub(crate) async fn get(&self, url: &str) -> Result<Bytes, Failure> {
        let request = Request::get(url.parse::<Uri>()?).header(AUTHORIZATION, &self.authorization);
        let response = self.client.request(request.body(Empty::new())?).await?;
        if !response.status().is_success() {
            return Err(format!("the server responded {}", response.status()).into());
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }
}
