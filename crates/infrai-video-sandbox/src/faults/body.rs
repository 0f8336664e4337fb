//! Faulty response bodies.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

/// Shared with the connection of a request: once set, closing the connection resets it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResetFlag(Arc<AtomicBool>);

impl ResetFlag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The first bytes of a body, and then an error that closes the connection.
pub(crate) fn broken(bytes: &Bytes, after: u64, reset: Option<ResetFlag>) -> Body {
    let start = start_of(bytes, after);
    let parts = stream::unfold(Some(start), move |start| {
        let reset = reset.clone();
        async move {
            match start {
                Some(start) if !start.is_empty() => Some((Ok(start), Some(Bytes::new()))),
                Some(_) => {
                    // The server flushes when a body is pending; without this the bytes before the error might never be
                    // sent.
                    tokio::task::yield_now().await;
                    if let Some(reset) = reset {
                        reset.set();
                    }
                    Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
                }
                None => None,
            }
        }
    });
    Body::from_stream(parts)
}

/// A body of unknown length.
pub(crate) fn unsized_body(bytes: Bytes) -> Body {
    Body::from_stream(stream::iter([Ok::<_, io::Error>(bytes)]))
}

/// A body in small pieces, with a pause before each.
pub(crate) fn slow(bytes: Bytes, chunk: usize, pause: Duration) -> Body {
    let pieces = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = left.split_to(chunk.clamp(1, left.len()));
        Some((Ok::<_, io::Error>(piece), left))
    });
    Body::from_stream(pieces)
}

pub(crate) fn start_of(bytes: &Bytes, after: u64) -> Bytes {
    bytes.slice(..usize::try_from(after).unwrap_or(usize::MAX).min(bytes.len()))
}
