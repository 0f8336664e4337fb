//! Downloads to a writer or a stream, which cannot be restarted.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use sha2::{Digest as _, Sha256};

use super::fetch::{Chunk, Fetch};
use super::hex::hex;
use super::{Download, Written};
use crate::error::Error;

pub(super) struct SequentialReader {
    download: Download,
    fetch: Fetch,
    hash: Sha256,
    bytes: u64,
}

impl SequentialReader {
    pub(super) fn new(download: Download) -> Self {
        Self { fetch: download.fetch(), download, hash: Sha256::new(), bytes: 0 }
    }

    /// The next bytes, or `None` after the whole clip.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.fetch.next().await? {
                Chunk::Data(bytes) => {
                    self.hash.update(&bytes);
                    self.bytes += bytes.len() as u64;
                    self.download.report(self.bytes, self.fetch.total());
                    return Ok(Some(bytes));
                }
                Chunk::Restart(_) if self.bytes == 0 => {}
                Chunk::Restart(why) => return Err(why),
                Chunk::EndUnproven => {
                    self.download.require_proof()?;
                    break;
                }
                Chunk::End => break,
            }
        }
        self.download.check_hash(&self.written().sha256)?;
        Ok(None)
    }

    pub(super) fn written(&self) -> Written {
        Written { bytes: self.bytes, sha256: hex(&self.hash.clone().finalize()) }
    }
}

/// A stream of a clip's bytes. It ends after the last one, or with an error.
#[must_use = "a stream does nothing until it is polled"]
pub struct ByteStream {
    chunks: BoxStream<'static, Result<Bytes, Error>>,
}

impl ByteStream {
    pub(super) fn new(download: Download) -> Self {
        let chunks = try_unfold(SequentialReader::new(download), |mut clip| async move {
            Ok(clip.next().await?.map(|bytes| (bytes, clip)))
        });
        Self { chunks: chunks.boxed() }
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_next_unpin(context)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}
