//! A service of jobs with given ends. It serves `status`, `list` and `generate`, and counts the requests of the first two, which
//! it can limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::{Method, Request, Response};
use infrai_video::transport::{ResponseBody, Transport, TransportError};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::Waited;
use crate::support::SendFuture;

/// The time that each response takes. It has the state at the arrival of the request.
pub(crate) const ANSWER: Duration = Duration::from_millis(50);

/// The maximum number of jobs on a page.
pub(crate) const PAGE: u32 = 100;

/// When a job is submitted, and when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) submitted: Instant,
    pub(super) ends: Instant,
}

#[derive(Debug)]
pub(super) struct Service {
    /// In order of submission.
    jobs: Vec<Planned>,
    /// When the client knew of the end of each.
    known: Mutex<Vec<Option<Instant>>>,
    gate: Mutex<Gate>,
}

/// A token bucket for the requests of one second.
#[derive(Debug)]
struct Gate {
    /// Per second, if the rate is limited.
    limit: Option<u32>,
    tokens: f64,
    filled: Instant,
    requests: u64,
    refused: u64,
}

impl Gate {
    /// Whether a request is served. The response to the others is 429 with `Retry-After: 1`.
    fn admits(&mut self) -> bool {
        self.requests += 1;
        let Some(limit) = self.limit.map(f64::from) else { return true };
        self.tokens = (self.tokens + limit * self.filled.elapsed().as_secs_f64()).min(limit);
        self.filled = Instant::now();
        let is_admitted = self.tokens >= 1.0;
        if is_admitted {
            self.tokens -= 1.0;
        } else {
            self.refused += 1;
        }
        is_admitted
    }
}

impl Service {
    pub(super) fn new(jobs: Vec<Planned>, limit: Option<u32>) -> Self {
        let known = Mutex::new(vec![None; jobs.len()]);
        let tokens = f64::from(limit.unwrap_or_default());
        let gate = Gate { limit, tokens, filled: Instant::now(), requests: 0, refused: 0 };
        Self { jobs, known, gate: Mutex::new(gate) }
    }

    pub(super) fn jobs(&self) -> &[Planned] {
        &self.jobs
    }

    pub(super) fn id(job: usize) -> String {
        format!("vj_{job:05}")
    }

    pub(super) fn number(id: &str) -> Option<usize> {
        id.strip_prefix("vj_")?.parse().ok()
    }

    /// Responds with whether a job is final; `false` if the request is refused.
    pub(super) async fn status(&self, job: usize) -> bool {
        let over = self.gate().admits() && self.is_over(job);
        sleep(ANSWER).await;
        over
    }

    /// Records that the client knows of the end of a job.
    pub(super) fn known(&self, job: usize) {
        assert!(self.is_over(job), "job {job} is not over");
        self.known.lock().unwrap_or_else(PoisonError::into_inner)[job] = Some(Instant::now());
    }

    /// The result of the finished wait.
    pub(super) fn waited(&self) -> Waited {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let delays = self.jobs.iter().zip(known.iter()).map(|(job, known)| {
            known.expect("the end of every job is known").duration_since(job.ends).as_secs_f64()
        });
        let gate = self.gate();
        Waited { requests: gate.requests, refused: gate.refused, delays: delays.collect() }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, job: usize) -> bool {
        Instant::now() >= self.jobs[job].ends
    }

    fn job(&self, job: usize) -> Value {
        let state = if self.is_over(job) { "succeeded" } else { "running" };
        json!({"job_id": Self::id(job), "state": state, "video_url": null, "thumbnail_url": null, "error": null})
    }

    /// A page of jobs in reverse order of submission, from the cursor on.
    fn page(&self, query: &str) -> Value {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find_map(|(key, value)| (key == name).then(|| value.parse::<usize>().ok())?)
        };
        let there = self.jobs.partition_point(|job| job.submitted <= Instant::now());
        let end = value("cursor").unwrap_or(there).min(there);
        let start = end.saturating_sub(value("limit").unwrap_or(20).min(PAGE as usize));
        let items: Vec<Value> = (start..end).rev().map(|job| self.job(job)).collect();
        json!({"items": items, "next_cursor": (start > 0).then(|| start.to_string())})
    }

    /// The status and the data of a response.
    fn response(&self, request: &Request<Bytes>) -> (u16, Option<Value>) {
        let path = request.uri().path();
        let is_read = request.method() == Method::GET;
        if is_read && !self.gate().admits() {
            return (429, None);
        }
        let data = match path.strip_prefix("/v1/video/status/") {
            Some(id) => Self::number(id).filter(|job| *job < self.jobs.len()).map(|job| self.job(job)),
            None if path == "/v1/video/list" => Some(self.page(request.uri().query().unwrap_or_default())),
            None => (!is_read && path == "/v1/video/generate").then(|| self.job(0)),
        };
        (if data.is_some() { 200 } else { 404 }, data)
    }
}

/// Sends the SDK's requests to the service.
pub(super) struct ServiceTransport(pub(super) Arc<Service>);

impl Transport for ServiceTransport {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        Box::pin(async move {
            let (status, data) = self.0.response(&request);
            // A submission takes no time, so that a wait starts with its job.
            if request.method() == Method::GET {
                sleep(ANSWER).await;
            }
            let body = json!({"ok": data.is_some(), "data": data, "error": null, "metadata": {}}).to_string();
            let body = stream::iter([Ok(Bytes::from(body))]).boxed() as ResponseBody;
            let mut response = Response::builder().status(status).header("content-type", "application/json");
            if status == 429 {
                response = response.header("retry-after", "1");
            }
            Ok(response.body(body).expect("the response is valid HTTP"))
        })
    }
}
