use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::fetch::{Fetch, Piece};
use super::lending::{Lending, stopped};
use super::part::{PartFile, SYNC_EVERY};
use super::target::{refuse_existing, target};
use super::{Container, Download, Fetched};
use crate::error::{Error, ErrorKind};

/// How much is collected before it is handed to the disk.
const BLOCK: u64 = 1024 * 1024;

/// How many pieces of that are collected at most, however small they are.
const PIECES: usize = 1024;

/// Bytes as they came, one piece after another.
#[derive(Default)]
struct Block {
    pieces: Vec<Bytes>,
    bytes: u64,
}

/// How long a part may be held by another download. One that was dropped holds it until its last write is done.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn fetch_to(download: Download, path: &Path) -> Result<Fetched, Error> {
    let job_id = download.job.checked_id()?;
    let target = target(path, &job_id, download.overwrite)?;
    let mut part = Lending::new(open(&target, job_id.as_str()).await?);
    // Whoever held the part may just have finished.
    refuse_existing(&target, download.overwrite)?;
    let collected = collect(&download, &mut part).await;
    let settled = part.settle().await;
    let Some(mut part) = part.into_part() else { return Err(stopped()) };
    // A disk that has failed once may say of the next try that all is well. The note before that is true.
    let disk_failed = settled.is_err() || collected.as_ref().is_err_and(is_of_the_disk);
    match collected {
        Ok(()) => {
            let part = blocking(move || part.seal().map(|()| part)).await?;
            Ok(Fetched::new(part, target, download.overwrite))
        }
        Err(error) => {
            let error =
                if error.kind() == ErrorKind::Download { part.with_resume_hint(error) } else { error };
            // What came stays for the next run; why it could not be kept matters less than why it broke off.
            if !disk_failed && let Err(lost) = blocking(move || part.keep()).await {
                tracing::warn!(%lost, "the unfinished clip could not be kept");
            }
            Err(error)
        }
    }
}

fn is_of_the_disk(error: &Error) -> bool {
    error.kind() == ErrorKind::Storage
}

async fn open(target: &Path, job_id: &str) -> Result<PartFile, Error> {
    let patient_until = Instant::now() + PATIENCE;
    loop {
        let (path, id) = (target.to_owned(), job_id.to_owned());
        if let Some(part) = blocking(move || PartFile::open(&path, &id)).await? {
            return Ok(part);
        }
        if Instant::now() >= patient_until {
            let message = format!("{} is being written by another download", target.display());
            return Err(Error::new(ErrorKind::Storage, message)
                .with_hint("wait for it, or choose another path")
                .with_retryable(true));
        }
        sleep(PATIENCE / 20).await;
    }
}

/// Fetches until the part holds a whole and checked clip.
async fn collect(download: &Download, part: &mut Lending) -> Result<(), Error> {
    let mut fetch = download.fetch();
    let mut is_there = part.part().is_some_and(|part| take_up(download, &mut fetch, part));
    let mut refused = None;
    loop {
        if !is_there && !fill(download, &mut fetch, part).await? && download.container == Container::Any {
            download.refuse_unproven()?;
        }
        is_there = false;
        let Err(error) = verify(download, part).await else { return Ok(()) };
        let sha256 = part.part().map(PartFile::sha256);
        if refused == sha256 {
            // The server has nothing else. The bytes stay for a run that takes them as they are.
            return Err(error);
        }
        // Going on with broken bytes would only break the next run too.
        part.run(PartFile::clear).await?;
        if refused.is_some() {
            return Err(error);
        }
        tracing::warn!(
            job_id = download.job.id(),
            error = error.message(),
            "the clip came broken; it is fetched once more"
        );
        refused = sha256;
        fetch.start_over();
    }
}

/// Goes on with what an earlier run left, and says whether that is the whole clip.
fn take_up(download: &Download, fetch: &mut Fetch, part: &PartFile) -> bool {
    if part.is_whole() {
        download.tell(part.written(), Some(part.written()));
    } else if let Some((version, offset)) = part.resumable() {
        download.tell(offset, version.total);
        fetch.resume(version, offset);
    }
    part.is_whole()
}

/// Fetches to the end of the clip, and says whether the server confirmed that it is the end. While one block is written the
/// next one is fetched.
async fn fill(download: &Download, fetch: &mut Fetch, part: &mut Lending) -> Result<bool, Error> {
    let mut block = Block::default();
    let mut handed_over = part.part().map_or(0, PartFile::written);
    let mut last_time = Instant::now();
    loop {
        let piece = match fetch.next().await {
            Ok(piece) => piece,
            Err(error) => {
                part.write(block.pieces, fetch.version()).await?;
                part.settle().await?;
                return Err(error);
            }
        };
        match piece {
            Piece::Data(bytes) => {
                block.bytes += bytes.len() as u64;
                block.pieces.push(bytes);
                download.tell(handed_over + block.bytes, fetch.total());
                // Over a slow network a block takes long to fill, and a crash must not cost what it holds.
                let full = block.bytes >= BLOCK || block.pieces.len() >= PIECES;
                if full || last_time.elapsed() >= SYNC_EVERY {
                    handed_over += block.bytes;
                    part.write(std::mem::take(&mut block.pieces), fetch.version()).await?;
                    block.bytes = 0;
                    last_time = Instant::now();
                }
            }
            Piece::Restart(why) => {
                tracing::debug!(job_id = download.job.id(), %why, "the clip is fetched from its start");
                block = Block::default();
                part.run(PartFile::clear).await?;
                handed_over = 0;
            }
            Piece::End | Piece::EndUnproven => {
                part.write(block.pieces, fetch.version()).await?;
                part.settle().await?;
                return Ok(matches!(piece, Piece::End));
            }
        }
    }
}

async fn verify(download: &Download, part: &mut Lending) -> Result<(), Error> {
    if let Some(part) = part.part() {
        download.check_hash(&part.sha256())?;
    }
    if download.container == Container::Any {
        return Ok(());
    }
    part.run(|part| {
        part.check_mp4().map_err(|what| {
            Error::new(ErrorKind::Download, format!("the clip is not a whole MP4: {what}")).with_hint(
                "download again, or take the clip as it is with `with_container(Container::Any)`; nothing is charged again",
            )
        })
    })
    .await
}

/// Runs file work beside the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(stopped()))
}
