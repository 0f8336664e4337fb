//! A transport that follows a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use infrai_video::transport::{ResponseBody, Transport, TransportError, TransportErrorKind};

use super::SendFuture;

#[derive(Debug)]
enum Step {
    Respond(Response<Bytes>),
    /// A head, and then a lost connection.
    Cut(Response<()>),
    Fail(TransportErrorKind),
}

/// Sends the scripted responses one after the other, and records the requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Script {
    /// A script of JSON responses.
    pub(crate) fn of(responses: impl IntoIterator<Item = (u16, String)>) -> Self {
        let add = |script: Self, (status, body)| script.then(status, &[], body);
        responses.into_iter().fold(Self::default(), add)
    }

    /// Adds a JSON response.
    #[must_use]
    pub(crate) fn then(self, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        self.then_raw(status, &[&[("content-type", "application/json")], headers].concat(), body)
    }

    /// Adds a response with these headers alone.
    #[must_use]
    pub(crate) fn then_raw(self, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let builder = Response::builder().status(status);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        self.add(Step::Respond(builder.body(body.into()).expect("the script holds valid HTTP")))
    }

    /// Adds a response whose body is cut off before its first byte.
    #[must_use]
    pub(crate) fn then_cut(self, status: u16) -> Self {
        let head = Response::builder().status(status).body(()).expect("the script holds valid HTTP");
        self.add(Step::Cut(head))
    }

    /// Adds a request that fails without a response.
    #[must_use]
    pub(crate) fn then_fail(self, kind: TransportErrorKind) -> Self {
        self.add(Step::Fail(kind))
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        lock(&self.requests).clone()
    }

    fn add(self, step: Step) -> Self {
        lock(&self.steps).push_back(step);
        self
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        lock(&self.requests).push(request);
        let step = lock(&self.steps).pop_front();
        Box::pin(async move {
            let body = |body| futures_util::stream::once(async move { body }).boxed() as ResponseBody;
            let cut = TransportError::new(TransportErrorKind::Lost, "the script cuts the response");
            match step {
                Some(Step::Respond(response)) => Ok(response.map(|bytes| body(Ok(bytes)))),
                Some(Step::Cut(response)) => Ok(response.map(|()| body(Err(cut)))),
                Some(Step::Fail(kind)) => Err(TransportError::new(kind, "the script says so")),
                None => {
                    Err(TransportError::new(TransportErrorKind::Connect, "the script has come to its end"))
                }
            }
        })
    }
}
