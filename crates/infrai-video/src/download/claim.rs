//! Takes a part for one download alone, without harm to a file that is somebody else's.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::note::{Found, Note, remove};
use super::target::not_writable;
use crate::error::{Error, ErrorKind};

/// How often the part may be moved away between opening and locking it.
const MAX_MOVES: u32 = 8;

/// A part that is locked, and what the note beside it says.
pub(super) struct Claim {
    pub(super) file: File,
    pub(super) note: Option<Note>,
}

/// Opens and locks the part at `path`. Nothing where another download holds it.
pub(super) fn claim(path: &Path, note_path: &Path) -> Result<Option<Claim>, Error> {
    let failed = |error| Error::storage(path, "open", error);
    for _ in 0..MAX_MOVES {
        if let Found::Foreign = Note::read(note_path)? {
            return Err(foreign(note_path));
        }
        let file = open(path)?;
        match hold(&file, path).map_err(failed)? {
            Hold::Held => {}
            Hold::Busy => return Ok(None),
            Hold::Moved => continue,
        }
        let note = own_note(path, note_path)?;
        if has_another_name(&file.metadata().map_err(failed)?) {
            // A run gave the clip its final name, and was stopped before it took this one away.
            remove(path).map_err(failed)?;
            continue;
        }
        return Ok(Some(Claim { file, note }));
    }
    Ok(None)
}

/// The note beside the part. Without one, only an empty part is this SDK's to write into.
fn own_note(path: &Path, note_path: &Path) -> Result<Option<Note>, Error> {
    match Note::read(note_path)? {
        Found::Note(note) => Ok(Some(note)),
        Found::Foreign => Err(foreign(note_path)),
        Found::Nothing if path.symlink_metadata().is_ok_and(|there| there.len() > 0) => Err(foreign(path)),
        Found::Nothing => Ok(None),
    }
}

/// Whether the part at `path` could be taken, if it is there.
pub(super) fn check_part(path: &Path, note_path: &Path) -> Result<(), Error> {
    if path.symlink_metadata().is_ok() {
        drop(open(path)?);
    }
    own_note(path, note_path).map(drop)
}

fn open(path: &Path) -> Result<File, Error> {
    // What is no plain file is not opened at all: a link leads elsewhere, and a pipe would never answer.
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        return Err(foreign(path));
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|error| not_writable(path, error))
}

fn foreign(path: &Path) -> Error {
    let message = format!("{} is no unfinished clip, and is not written over", path.display());
    Error::new(ErrorKind::Storage, message).with_hint("move it away, or choose another path")
}

/// What became of a part that was opened.
#[derive(Debug, PartialEq, Eq)]
enum Hold {
    Held,
    Busy,
    /// It is locked, but it is not the file at its path any more: the download that held it has given it its final name.
    Moved,
}

fn hold(file: &File, path: &Path) -> io::Result<Hold> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Hold::Busy),
        // A file system without locks is no reason not to download.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "the part file cannot be locked"),
    }
    match path.symlink_metadata() {
        Ok(there) if is_same(&file.metadata()?, &there) => Ok(Hold::Held),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(Hold::Moved),
    }
}

#[cfg(unix)]
fn is_same(open: &Metadata, there: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// Where files have no number, it must do that there is one.
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
    fn a_part_that_became_the_clip_before_it_was_locked_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let (part, clip) = (directory.path().join("clip.mp4.part"), directory.path().join("clip.mp4"));
        let first = open(&part).unwrap();
        assert_eq!(hold(&first, &part).unwrap(), Hold::Held);
        let second = open(&part).unwrap();
        assert_eq!(hold(&second, &part).unwrap(), Hold::Busy);
        std::fs::rename(&part, &clip).unwrap();
        drop(first);
        assert_eq!(hold(&second, &part).unwrap(), Hold::Moved);
        #[cfg(unix)]
        {
            let _third = open(&part).unwrap();
            assert_eq!(hold(&second, &part).unwrap(), Hold::Moved, "also where there is a new part");
        }
    }
}
