use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};

use super::fetch::{Fetch, Piece, Version};
use super::part::PartFile;
use super::{Container, Download, Overwrite, Saved};
use crate::error::{Error, ErrorKind};
use crate::operations::IntoJobId as _;

/// How much is collected before it is handed to the disk.
const BLOCK: usize = 512 * 1024;

/// How often a clip that came whole but broken is fetched once more.
const SECOND_CHANCES: u32 = 1;

pub(super) async fn to_path(download: Download, path: &Path) -> Result<Saved, Error> {
    let job_id = download.job.id().into_job_id()?;
    let target = target(path, job_id.as_str(), download.overwrite)?;
    let mut part = Some(
        blocking({
            let target = target.clone();
            move || PartFile::open(&target, job_id.as_str())
        })
        .await?,
    );
    let collected = collect(&download, &mut part).await;
    let Some(mut part) = part else { return Err(stopped()) };
    match collected {
        Ok(()) => {
            let saved = Saved { path: target.clone(), bytes: part.written(), sha256: part.sha256() };
            refuse_existing(&target, download.overwrite)?;
            blocking(move || part.finish(&target)).await?;
            Ok(saved)
        }
        Err(error) => {
            // What came stays for the next run; why it could not be kept matters less than why it broke off.
            if let Err(lost) = blocking(move || part.keep()).await {
                tracing::warn!(%lost, "the unfinished clip could not be kept");
            }
            Err(error)
        }
    }
}

/// Fetches until the part holds a whole and checked clip. The part is lent to the thread that writes, and comes back.
async fn collect(download: &Download, part: &mut Option<PartFile>) -> Result<(), Error> {
    let mut fetch = download.fetch();
    if let Some((version, offset)) = part.as_ref().and_then(PartFile::resumable) {
        download.tell(offset, version.total);
        fetch.resume(version, offset);
    }
    let mut second_chances = SECOND_CHANCES;
    loop {
        fill(download, &mut fetch, part).await?;
        match verify(download, part).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                // Going on with broken bytes would only break the next run too.
                lend(part, PartFile::clear).await?;
                if second_chances == 0 {
                    return Err(error);
                }
                tracing::warn!(job_id = download.job.id(), %error, "the clip came broken; it is fetched once more");
                second_chances -= 1;
                fetch.start_over();
            }
        }
    }
}

async fn fill(download: &Download, fetch: &mut Fetch, part: &mut Option<PartFile>) -> Result<(), Error> {
    let mut block = BytesMut::with_capacity(BLOCK);
    loop {
        let piece = match fetch.next().await {
            Ok(piece) => piece,
            Err(error) => {
                write(part, block.freeze(), fetch.version()).await?;
                return Err(error);
            }
        };
        match piece {
            Piece::Data(bytes) => {
                block.extend_from_slice(&bytes);
                if block.len() >= BLOCK {
                    write(part, block.split().freeze(), fetch.version()).await?;
                }
                let written = part.as_ref().map_or(0, PartFile::written);
                download.tell(written + block.len() as u64, fetch.total());
            }
            Piece::Restart => {
                block.clear();
                lend(part, PartFile::clear).await?;
            }
            Piece::End => return write(part, block.freeze(), fetch.version()).await,
        }
    }
}

async fn write(part: &mut Option<PartFile>, block: Bytes, version: Option<&Version>) -> Result<(), Error> {
    let version = version.cloned();
    lend(part, move |part| part.write(&block, version.as_ref())).await
}

async fn verify(download: &Download, part: &mut Option<PartFile>) -> Result<(), Error> {
    if let Some(part) = part {
        download.check_hash(&part.sha256())?;
    }
    if download.container == Container::Any {
        return Ok(());
    }
    lend(part, |part| {
        part.check_mp4()
            .map_err(|what| Error::new(ErrorKind::Download, format!("the clip is not a whole MP4: {what}")))
    })
    .await
}

/// Runs file work beside the async threads.
async fn lend(
    part: &mut Option<PartFile>,
    work: impl FnOnce(&mut PartFile) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let mut lent = part.take().ok_or_else(stopped)?;
    let (lent, done) = blocking(move || {
        let done = work(&mut lent);
        Ok((lent, done))
    })
    .await?;
    *part = Some(lent);
    done
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(stopped()))
}

fn stopped() -> Error {
    Error::new(ErrorKind::Storage, "the thread that writes the clip was stopped")
}

/// The final path, looked at before anything is fetched.
fn target(path: &Path, job_id: &str, overwrite: Overwrite) -> Result<PathBuf, Error> {
    let target = if path.is_dir() { path.join(format!("{job_id}.mp4")) } else { path.to_owned() };
    if target.file_name().is_none() {
        return Err(Error::new(ErrorKind::Storage, format!("{} is no file name", target.display())));
    }
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        return Err(Error::new(ErrorKind::Storage, format!("there is no directory {}", parent.display()))
            .with_hint("make it, or choose another path"));
    }
    refuse_existing(&target, overwrite)?;
    Ok(target)
}

fn refuse_existing(target: &Path, overwrite: Overwrite) -> Result<(), Error> {
    if overwrite == Overwrite::Refuse && target.symlink_metadata().is_ok() {
        return Err(Error::new(ErrorKind::Storage, format!("{} is there already", target.display()))
            .with_hint("choose another path, or allow it to be replaced"));
    }
    Ok(())
}
