//! The time limits of a request.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, Sleep};

use super::ResponseBody;
use crate::error::TransportError;

/// One timer for the limit of a whole request and for that of a pause in its response. It is registered with the runtime when
/// there is something to wait for, and then moved.
pub(crate) struct Timer<'a> {
    sleep: Pin<&'a mut Sleep>,
    end: Instant,
    limit: Duration,
    stall: Duration,
    is_over: bool,
}

impl<'a> Timer<'a> {
    /// Limits of a request that ends when `sleep` does, after `limit`, and whose response pauses for at most `stall`.
    pub(crate) fn new(sleep: Pin<&'a mut Sleep>, limit: Duration, stall: Duration) -> Self {
        Self { end: sleep.deadline(), sleep, limit, stall, is_over: false }
    }

    /// Whether the limit of the whole request has expired.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The response to a request.
    pub(crate) async fn response<T>(
        &mut self,
        response: &mut BoxFuture<'_, Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        self.wait(response, None).await?
    }

    /// The next chunk of a body, or `None` at its end.
    pub(crate) async fn chunk(&mut self, body: &mut ResponseBody) -> Result<Option<Bytes>, TransportError> {
        let (stall, mut next) = (self.stall, body.next());
        self.wait(&mut next, Some(stall)).await?.transpose()
    }

    /// The output of `future`, unless it takes longer than `pause` or beyond the end of the request.
    async fn wait<F: Future + Unpin>(
        &mut self,
        future: &mut F,
        pause: Option<Duration>,
    ) -> Result<F::Output, TransportError> {
        let mut expires = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.poll_unpin(context) {
                return Poll::Ready(Ok(output));
            }
            let expires = *expires.get_or_insert_with(|| {
                let paused = pause.and_then(|pause| Instant::now().checked_add(pause));
                paused.map_or(self.end, |paused| paused.min(self.end))
            });
            if self.sleep.deadline() != expires {
                self.sleep.as_mut().reset(expires);
            }
            self.sleep.as_mut().poll(context).map(|()| Err(self.expired(expires)))
        })
        .await
    }

    fn expired(&mut self, at: Instant) -> TransportError {
        self.is_over = at == self.end;
        match self.is_over {
            true => TransportError::timed_out("no complete response was received", self.limit),
            false => TransportError::timed_out("no byte was received", self.stall),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::stream;
    use tokio::time::{sleep, sleep_until};

    use super::super::{Body, Sending};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Reads a response whose head and chunks each come after such a pause, within 60 s and with pauses of at most 30 s. Returns
    /// the body or the error, and how long it took.
    async fn read(pauses: &[u32]) -> (String, Duration) {
        let start = Instant::now();
        let (head, chunks) = (pauses[0] * SECOND, pauses[1..].to_vec());
        let mut response: Sending<'_> = Box::pin(async move {
            sleep(head).await;
            let body = stream::iter(chunks).then(|pause| async move {
                sleep(pause * SECOND).await;
                Ok(Bytes::from_static(b"."))
            });
            Ok(http::Response::new(body.boxed()))
        });
        let sleep = pin!(sleep_until(start + 60 * SECOND));
        let mut timer = Timer::new(sleep, 60 * SECOND, 30 * SECOND);
        let body = match timer.response(&mut response).await {
            Ok(response) => Body(response.into_body()).bounded(&mut timer, 100).await,
            Err(error) => Err(error),
        };
        let text = match body {
            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
            Err(error) => error.to_string(),
        };
        (text, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_at_its_limit_or_when_its_response_pauses_for_too_long() {
        let (whole, pause) =
            ("no complete response was received within 60s", "no byte was received within 30s");
        for (pauses, text, seconds) in [
            (&[59, 0][..], ".", 59),
            (&[20, 20, 0, 19], "...", 59),
            (&[61], whole, 60),
            // The limit of a pause is for the body alone.
            (&[45, 20], whole, 60),
            (&[10, 20, 20, 20], whole, 60),
            (&[10, 31], pause, 40),
            (&[0, 10, 31], pause, 40),
        ] {
            assert_eq!(read(pauses).await, (text.to_owned(), seconds * SECOND), "{pauses:?}");
        }
    }
}
