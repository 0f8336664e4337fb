//! The final path: checked before anything is fetched, and created atomically at the end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::Overwrite;
use super::part::remove;
use crate::error::{Error, ErrorKind};
use crate::ids::JobId;

/// An id of the usual length.
pub(super) const USUAL_ID: &str = "vj_00000000000000000000000000";

/// The path of the job's clip.
pub(super) fn resolve(path: &Path, job_id: &JobId, overwrite: Overwrite) -> Result<PathBuf, Error> {
    let target = if path.is_dir() { path.join(job_id.clip_name()) } else { path.to_owned() };
    if target.file_name().is_none() {
        return Err(Error::new(ErrorKind::Storage, format!("{} is not a file name", target.display())));
    }
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        return Err(Error::new(ErrorKind::Storage, format!("there is no directory {}", parent.display()))
            .with_hint("create it, or choose another path"));
    }
    reject_existing(&target, overwrite)?;
    Ok(target)
}

/// Fails if the target exists and must be kept, or cannot be created.
pub(super) fn reject_existing(target: &Path, overwrite: Overwrite) -> Result<(), Error> {
    match target.symlink_metadata() {
        Ok(_) if overwrite == Overwrite::Refuse => Err(is_there(target)),
        Ok(there) if there.is_dir() => {
            Err(Error::new(ErrorKind::Storage, format!("{} is a directory", target.display()))
                .with_hint("choose another path"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(not_writable(target, error)),
    }
}

/// The error for a path that cannot be written.
pub(super) fn not_writable(path: &Path, error: io::Error) -> Error {
    // `io::ErrorKind::InvalidFilename`, which code may name since Rust 1.87.
    let is_too_long = format!("{:?}", error.kind()) == "InvalidFilename";
    let error = Error::storage(path, "write", error);
    if is_too_long { error.with_hint("choose a shorter path") } else { error }
}

/// Renames the part file. Blocks.
pub(super) fn rename_part(part: &Path, target: &Path, overwrite: Overwrite) -> Result<(), Error> {
    match overwrite {
        Overwrite::Replace => rename(part, target)?,
        // Unlike a rename, a hard link fails if the target was created meanwhile.
        Overwrite::Refuse => match std::fs::hard_link(part, target) {
            Ok(()) => {
                if let Err(error) = remove(part) {
                    tracing::warn!(%error, part = %part.display(), "the clip is saved, but its part file could not be removed");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_there(target)),
            Err(_not_supported_here) => {
                reject_existing(target, overwrite)?;
                rename(part, target)?;
            }
        },
    }
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(Ok(directory)) = directory.map(File::open) {
        // Not every file system supports this, and the clip itself is already synced.
        let _best_effort = directory.sync_all();
    }
    Ok(())
}

fn rename(part: &Path, target: &Path) -> Result<(), Error> {
    std::fs::rename(part, target).map_err(|error| Error::storage(target, "write", error))
}

fn is_there(target: &Path) -> Error {
    Error::new(ErrorKind::Storage, format!("{} already exists", target.display()))
        .with_hint("choose another path, or allow it to be replaced")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_explained() {
        let directory = tempfile::tempdir().unwrap();
        let error = reject_existing(&directory.path().join("a".repeat(256)), Overwrite::Refuse).unwrap_err();
        assert_eq!(error.hint(), Some("choose a shorter path"));
        assert!(reject_existing(&directory.path().join("a"), Overwrite::Refuse).is_ok());
    }
}
