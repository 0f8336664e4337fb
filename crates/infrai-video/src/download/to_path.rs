//! Downloads to a path.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::fetch::{Chunk, Fetch};
use super::final_path::{reject_existing, resolve};
use super::part::{BackgroundWriter, PartFile, SYNC_INTERVAL, writer_stopped};
use super::{Container, Download, Fetched};
use crate::error::{Error, ErrorKind};

/// The size of a block that is written at once.
const BLOCK_SIZE: u64 = 1024 * 1024;

/// The maximum number of chunks in a block.
const MAX_CHUNKS: usize = 1024;

/// Received bytes that are not written yet.
#[derive(Default)]
struct Block {
    chunks: Vec<Bytes>,
    bytes: u64,
}

/// How long to wait for another download's lock. A dropped download keeps it until its last write is finished.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn fetch_to(download: Download, path: &Path) -> Result<Fetched, Error> {
    let job_id = download.job.checked_id()?;
    let target = resolve(path, &job_id, download.overwrite)?;
    let mut part = BackgroundWriter::new(open(&target, job_id.as_str()).await?);
    // Another download may just have finished.
    reject_existing(&target, download.overwrite)?;
    let collected = collect(&download, &mut part).await;
    let settled = part.settle().await;
    let Some(mut part) = part.into_part() else { return Err(writer_stopped()) };
    // After a failed write, a later sync may wrongly succeed. The previous sidecar is correct.
    let disk_failed = settled.is_err() || collected.as_ref().is_err_and(is_storage_error);
    match collected {
        Ok(()) => {
            let part = blocking(move || part.seal().map(|()| part)).await?;
            Ok(Fetched::new(part, target, download.overwrite))
        }
        Err(error) => {
            let error =
                if error.kind() == ErrorKind::Download { part.with_resume_hint(error) } else { error };
            // The received bytes stay for the next run. The first error matters more than that of the sync.
            if !disk_failed {
                if let Err(lost) = blocking(move || part.sync_now()).await {
                    tracing::warn!(%lost, "the unfinished clip could not be synced");
                }
            }
            Err(error)
        }
    }
}

fn is_storage_error(error: &Error) -> bool {
    error.kind() == ErrorKind::Storage
}

async fn open(target: &Path, job_id: &str) -> Result<PartFile, Error> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        let (path, id) = (target.to_owned(), job_id.to_owned());
        if let Some(part) = blocking(move || PartFile::open(&path, &id)).await? {
            return Ok(part);
        }
        if Instant::now() >= deadline {
            let message = format!("{} is being written by another download", target.display());
            return Err(Error::new(ErrorKind::Storage, message)
                .with_hint("wait for it, or choose another path")
                .with_retryable(true));
        }
        sleep(LOCK_TIMEOUT / 20).await;
    }
}

/// Fetches until the part file contains the whole and verified clip.
async fn collect(download: &Download, part: &mut BackgroundWriter) -> Result<(), Error> {
    let mut fetch = download.fetch();
    let mut is_complete = part.part().is_some_and(|part| resume(download, &mut fetch, part));
    let mut rejected = None;
    loop {
        if !is_complete && !fill(download, &mut fetch, part).await? && download.container == Container::Any {
            download.require_proof()?;
        }
        is_complete = false;
        let Err(error) = verify(download, part).await else { return Ok(()) };
        let sha256 = part.part().map(PartFile::sha256);
        if rejected == sha256 {
            // The server has no other bytes. They stay for a run without verification.
            return Err(error);
        }
        // The next run must not resume with invalid bytes.
        part.run(PartFile::clear).await?;
        if rejected.is_some() {
            return Err(error);
        }
        tracing::warn!(
            job_id = download.job.id().as_str(),
            error = error.message(),
            "the clip is damaged; downloading it again"
        );
        rejected = sha256;
        fetch.start_over();
    }
}

/// Resumes an earlier run. Returns whether the clip is complete.
fn resume(download: &Download, fetch: &mut Fetch, part: &PartFile) -> bool {
    if part.is_whole() {
        download.report(part.written(), Some(part.written()));
    } else if let Some((version, offset)) = part.resumable() {
        download.report(offset, version.total);
        fetch.resume(version, offset);
    }
    part.is_whole()
}

/// Fetches the rest of the clip. Returns whether the server confirmed its end. While one block is written, the next one is
/// fetched.
async fn fill(download: &Download, fetch: &mut Fetch, part: &mut BackgroundWriter) -> Result<bool, Error> {
    let mut block = Block::default();
    let mut submitted = part.part().map_or(0, PartFile::written);
    let mut last_write = Instant::now();
    loop {
        let chunk = match fetch.next().await {
            Ok(chunk) => chunk,
            Err(error) => {
                part.write(block.chunks, fetch.version()).await?;
                part.settle().await?;
                return Err(error);
            }
        };
        match chunk {
            Chunk::Data(bytes) => {
                block.bytes += bytes.len() as u64;
                block.chunks.push(bytes);
                download.report(submitted + block.bytes, fetch.total());
                // On a slow network a block fills slowly, and a crash must not lose it.
                let full = block.bytes >= BLOCK_SIZE || block.chunks.len() >= MAX_CHUNKS;
                if full || last_write.elapsed() >= SYNC_INTERVAL {
                    submitted += block.bytes;
                    part.write(std::mem::take(&mut block.chunks), fetch.version()).await?;
                    block.bytes = 0;
                    last_write = Instant::now();
                }
            }
            Chunk::Restart(why) => {
                tracing::debug!(job_id = download.job.id().as_str(), %why, "restarting the download");
                block = Block::default();
                part.run(PartFile::clear).await?;
                submitted = 0;
            }
            Chunk::End | Chunk::EndUnproven => {
                part.write(block.chunks, fetch.version()).await?;
                part.settle().await?;
                return Ok(matches!(chunk, Chunk::End));
            }
        }
    }
}

async fn verify(download: &Download, part: &mut BackgroundWriter) -> Result<(), Error> {
    if let Some(part) = part.part() {
        download.check_hash(&part.sha256())?;
    }
    if download.container == Container::Any {
        return Ok(());
    }
    part.run(|part| {
        part.check_mp4().map_err(|what| {
            Error::new(ErrorKind::Download, format!("the clip is not a whole MP4: {what}")).with_hint(
                "download again, or accept the clip as it is with `with_container(Container::Any)`; nothing is charged again",
            )
        })
    })
    .await
}

/// Runs file work on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(writer_stopped()))
}
