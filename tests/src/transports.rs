//! Transports for the SDK: a sandbox without a socket, and a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use http_body_util::Full;
use infrai_video::{ResponseBody, Transport, TransportError, TransportErrorKind};
use infrai_video_sandbox::SandboxRouter;
use tower::ServiceExt as _;

type Sent<'a> = BoxFuture<'a, Result<Response<ResponseBody>, TransportError>>;

/// What a script still has to say.
type Answers = VecDeque<Answer>;

#[derive(Debug)]
enum Answer {
    Whole(Response<Bytes>),
    /// A head, and then a lost connection.
    Cut(Response<()>),
    Never(TransportErrorKind),
}

/// Hands requests to a sandbox in the same process, with no socket between them.
#[derive(Debug, Clone)]
pub struct RouterTransport(pub SandboxRouter);

impl Transport for RouterTransport {
    fn send(&self, request: Request<Bytes>) -> Sent<'_> {
        let answered = self.0.clone().oneshot(request.map(Full::new));
        Box::pin(async move {
            let lost = |error: String| TransportError::new(TransportErrorKind::Lost, error);
            let response = answered.await.map_err(|error| lost(error.to_string()))?;
            Ok(response
                .map(|body| body.into_data_stream().map_err(move |error| lost(error.to_string())).boxed()))
        })
    }
}

/// Answers from a script, and remembers what it was asked.
#[derive(Debug, Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<Answers>>,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Script {
    /// A script of JSON answers.
    pub fn of(answers: impl IntoIterator<Item = (u16, String)>) -> Self {
        answers.into_iter().fold(Self::default(), |script, (status, body)| script.then(status, &[], body))
    }

    /// The same script with one more answer of JSON.
    ///
    /// # Panics
    ///
    /// Where the answer is no HTTP.
    #[must_use]
    pub fn then(self, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        self.then_raw(status, &[&[("content-type", "application/json")], headers].concat(), body)
    }

    /// The same script with one more answer of anything.
    ///
    /// # Panics
    ///
    /// Where the answer is no HTTP.
    #[must_use]
    pub fn then_raw(self, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let builder = Response::builder().status(status);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let answer = builder.body(body.into()).expect("the script holds valid HTTP");
        self.lock().push_back(Answer::Whole(answer));
        self
    }

    /// The same script with an answer whose body is cut off before its first byte.
    ///
    /// # Panics
    ///
    /// Where there is no such status.
    #[must_use]
    pub fn then_cut(self, status: u16) -> Self {
        let answer = Response::builder().status(status).body(()).expect("the script holds valid HTTP");
        self.lock().push_back(Answer::Cut(answer));
        self
    }

    /// The same script with a request that brings no answer.
    #[must_use]
    pub fn then_fail(self, kind: TransportErrorKind) -> Self {
        self.lock().push_back(Answer::Never(kind));
        self
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Request<Bytes>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> Sent<'_> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let answer = self.lock().pop_front();
        Box::pin(async move {
            let body = |body| futures_util::stream::once(async move { body }).boxed() as ResponseBody;
            let cut = TransportError::new(TransportErrorKind::Lost, "the script cuts the answer");
            match answer {
                Some(Answer::Whole(answer)) => Ok(answer.map(|bytes| body(Ok(bytes)))),
                Some(Answer::Cut(answer)) => Ok(answer.map(|()| body(Err(cut)))),
                Some(Answer::Never(kind)) => Err(TransportError::new(kind, "the script says so")),
                None => {
                    Err(TransportError::new(TransportErrorKind::Connect, "the script has come to its end"))
                }
            }
        })
    }
}
