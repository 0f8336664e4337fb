//! The bytes of a clip for a target that cannot go back to the start: a writer, or a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use sha2::{Digest as _, Sha256};

use super::fetch::{Fetch, Piece};
use super::{Download, Written, hex};
use crate::error::Error;

pub(super) struct InOrder {
    download: Download,
    fetch: Fetch,
    hash: Sha256,
    bytes: u64,
}

impl InOrder {
    pub(super) fn new(download: Download) -> Self {
        Self { fetch: download.fetch(), download, hash: Sha256::new(), bytes: 0 }
    }

    /// The next bytes, or nothing once the whole clip was handed out.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.fetch.next().await? {
                Piece::Data(bytes) => {
                    self.hash.update(&bytes);
                    self.bytes += bytes.len() as u64;
                    self.download.tell(self.bytes, self.fetch.total());
                    return Ok(Some(bytes));
                }
                Piece::Restart(_) if self.bytes == 0 => {}
                Piece::Restart(why) => return Err(why),
                Piece::EndUnproven => {
                    self.download.refuse_unproven()?;
                    break;
                }
                Piece::End => break,
            }
        }
        self.download.check_hash(&self.written().sha256)?;
        Ok(None)
    }

    pub(super) fn written(&self) -> Written {
        Written { bytes: self.bytes, sha256: hex(&self.hash.clone().finalize()) }
    }
}

/// The bytes of a clip as they come: a stream that ends after the last one, or with an error.
#[must_use = "a stream does nothing until it is polled"]
pub struct ByteStream {
    pieces: BoxStream<'static, Result<Bytes, Error>>,
}

impl ByteStream {
    pub(super) fn new(download: Download) -> Self {
        let pieces = try_unfold(InOrder::new(download), |mut clip| async move {
            Ok(clip.next().await?.map(|bytes| (bytes, clip)))
        });
        Self { pieces: pieces.boxed() }
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_next_unpin(context)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}
