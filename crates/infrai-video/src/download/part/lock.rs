//! Locks a part file for one download, without damage to files of other programs.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use fs4::{FileExt, TryLockError};

use super::not_writable;
use super::sidecar::{Sidecar, SidecarFile, remove};
use crate::error::{Error, ErrorKind};

/// How often the part file may be renamed between opening and locking it.
const MAX_MOVES: u32 = 8;

/// A locked part file, and its sidecar.
pub(super) struct LockedPart {
    pub(super) file: File,
    pub(super) sidecar: Option<Sidecar>,
}

/// Opens and locks the part file at `path`. `None` if another download has locked it.
pub(super) fn lock(path: &Path, sidecar_path: &Path) -> Result<Option<LockedPart>, Error> {
    let failed = |error| Error::storage(path, "open", error);
    for _ in 0..MAX_MOVES {
        if let SidecarFile::Foreign = Sidecar::read(sidecar_path)? {
            return Err(foreign(sidecar_path));
        }
        let file = open(path)?;
        match try_lock(&file, path).map_err(failed)? {
            LockState::Locked => {}
            LockState::Busy => return Ok(None),
            LockState::Renamed => continue,
        }
        let sidecar = own_sidecar(path, sidecar_path)?;
        if has_another_name(&file.metadata().map_err(failed)?) {
            // A run linked the clip to its final name, and was stopped before it removed the part name.
            remove(path).map_err(failed)?;
            continue;
        }
        return Ok(Some(LockedPart { file, sidecar }));
    }
    Ok(None)
}

/// The sidecar of the part file. Without a sidecar, the SDK only writes to an empty part file.
fn own_sidecar(path: &Path, sidecar_path: &Path) -> Result<Option<Sidecar>, Error> {
    match Sidecar::read(sidecar_path)? {
        SidecarFile::Valid(sidecar) => Ok(Some(sidecar)),
        SidecarFile::Foreign => Err(foreign(sidecar_path)),
        SidecarFile::Missing if path.symlink_metadata().is_ok_and(|there| there.len() > 0) => {
            Err(foreign(path))
        }
        SidecarFile::Missing => Ok(None),
    }
}

/// Checks whether the part file at `path` could be locked, if it exists.
pub(super) fn check_part(path: &Path, sidecar_path: &Path) -> Result<(), Error> {
    if path.symlink_metadata().is_ok() {
        drop(open(path)?);
    }
    own_sidecar(path, sidecar_path).map(drop)
}

fn open(path: &Path) -> Result<File, Error> {
    // Only regular files are opened: a link points to another file, and opening a pipe blocks.
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        return Err(foreign(path));
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|error| not_writable(path, error))
}

fn foreign(path: &Path) -> Error {
    let message = format!("{} is not an unfinished clip, and is not overwritten", path.display());
    Error::new(ErrorKind::Storage, message).with_hint("move it away, or choose another path")
}

/// The state of an opened part file.
#[derive(Debug, PartialEq, Eq)]
enum LockState {
    Locked,
    Busy,
    /// It is locked, but the path now refers to another file or none: another download has renamed it to its final name.
    Renamed,
}

fn try_lock(file: &File, path: &Path) -> io::Result<LockState> {
    // The same lock as that of `File::try_lock` in Rust 1.89.
    match FileExt::try_lock(file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(LockState::Busy),
        // The download works on file systems without locks too.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "the part file cannot be locked"),
    }
    match path.symlink_metadata() {
        Ok(there) if is_same(&file.metadata()?, &there) => Ok(LockState::Locked),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(LockState::Renamed),
    }
}

#[cfg(unix)]
fn is_same(open: &Metadata, there: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// Without inode numbers, any file counts as the same.
#[cfg(not(unix))]
fn is_same(_open: &Metadata, there: &Metadata) -> bool {
    there.is_file()
}

#[cfg(unix)]
fn has_another_name(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
fn has_another_name(_metadata: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_file_that_another_program_locks_with_the_standard_library_is_busy() {
        let directory = tempfile::tempdir().unwrap();
        let part = directory.path().join("clip.mp4.part");
        let other = File::create(&part).unwrap();
        other.lock().unwrap();
        assert_eq!(try_lock(&open(&part).unwrap(), &part).unwrap(), LockState::Busy);
        drop(other);
        let ours = open(&part).unwrap();
        assert_eq!(try_lock(&ours, &part).unwrap(), LockState::Locked);
        assert!(File::open(&part).unwrap().try_lock().is_err());
    }

    #[test]
    fn a_part_file_that_was_renamed_before_it_was_locked_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let (part, clip) = (directory.path().join("clip.mp4.part"), directory.path().join("clip.mp4"));
        let first = open(&part).unwrap();
        assert_eq!(try_lock(&first, &part).unwrap(), LockState::Locked);
        let second = open(&part).unwrap();
        assert_eq!(try_lock(&second, &part).unwrap(), LockState::Busy);
        std::fs::rename(&part, &clip).unwrap();
        drop(first);
        assert_eq!(try_lock(&second, &part).unwrap(), LockState::Renamed);
        #[cfg(unix)]
        {
            let _third = open(&part).unwrap();
            assert_eq!(
                try_lock(&second, &part).unwrap(),
                LockState::Renamed,
                "also if there is a new part file"
            );
        }
    }
}
