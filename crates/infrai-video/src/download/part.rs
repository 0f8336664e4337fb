//! The file in which a clip is collected, `NAME.part`, and the note beside it that lets a later run go on.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::claim::{Claim, check_part, claim};
use super::fetch::Version;
use super::note::{Found, Note, remove};
use super::target::{not_writable, place};
use super::{Overwrite, hex, mp4, names};
use crate::error::Error;

/// How much may be lost where the machine goes down: what came since the last time that the disk was asked to keep it.
pub(super) const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Whether a clip for `target` can be collected beside it, as far as names tell. Blocks.
pub(super) fn check(target: &Path) -> Result<(), Error> {
    let path = names::part(target);
    let note_path = names::note(&path);
    for path in [&path, &note_path, &names::fresh(&note_path)] {
        match path.symlink_metadata() {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(not_writable(path, error)),
            _ => {}
        }
    }
    check_part(&path, &note_path)
}

pub(super) struct PartFile {
    file: File,
    path: PathBuf,
    note_path: PathBuf,
    job_id: String,
    version: Option<Version>,
    written: u64,
    hash: Sha256,
    /// The SHA-256, once this is the whole clip.
    whole: Option<String>,
    synced_at: Instant,
}

impl PartFile {
    /// Opens the part of `target` and reads what an earlier run left, if it is of the same job. Nothing where another
    /// download holds it. Blocks.
    pub(super) fn open(target: &Path, job_id: &str) -> Result<Option<Self>, Error> {
        let path = names::part(target);
        let note_path = names::note(&path);
        let Some(Claim { file, note }) = claim(&path, &note_path)? else { return Ok(None) };
        let mut part = Self {
            file,
            path,
            note_path,
            job_id: job_id.to_owned(),
            version: None,
            written: 0,
            hash: Sha256::new(),
            whole: None,
            synced_at: Instant::now(),
        };
        part.recover(note)?;
        Ok(Some(part))
    }

    /// What to go on with: the version, and how much of it is there.
    pub(super) fn resumable(&self) -> Option<(Version, u64)> {
        self.version.clone().filter(|_| self.written > 0).map(|version| (version, self.written))
    }

    /// Whether this run or an earlier one found that all of the clip is there.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Adds pieces of that version. Blocks. They are hashed beside it, by [`take_hash`](Self::take_hash) and
    /// [`put_hash`](Self::put_hash).
    pub(super) fn write(&mut self, pieces: &[Bytes], version: Option<Version>) -> Result<(), Error> {
        for piece in pieces {
            self.file.write_all(piece).map_err(|error| Error::storage(&self.path, "write", error))?;
            self.written += piece.len() as u64;
        }
        self.version = version;
        Ok(())
    }

    /// The hash of what is there, to be put back with what is added.
    pub(super) fn take_hash(&mut self) -> Sha256 {
        std::mem::take(&mut self.hash)
    }

    pub(super) fn put_hash(&mut self, hash: Sha256) {
        self.hash = hash;
    }

    /// Makes sure that what came is there for a later run. Blocks.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        self.sync()?.map_or(Ok(()), |sync| sync())
    }

    /// What keeps the bytes that are there now, if the last time was long ago. It blocks, and needs the part no more: bytes that
    /// are added meanwhile are not in its note.
    pub(super) fn sync_where_it_is_time(
        &mut self,
    ) -> Result<Option<impl FnOnce() -> Result<(), Error> + use<>>, Error> {
        if self.synced_at.elapsed() < SYNC_EVERY { Ok(None) } else { self.sync() }
    }

    fn sync(&mut self) -> Result<Option<impl FnOnce() -> Result<(), Error> + use<>>, Error> {
        self.synced_at = Instant::now();
        let note = self.last_note();
        if note.kept == 0 {
            return Ok(None);
        }
        let (path, note_path) = (self.path.clone(), self.note_path.clone());
        let failed = move |error| Error::storage(&path, "write", error);
        // It shares the lock, which nobody else gets before the note is written.
        let file = self.file.try_clone().map_err(&failed)?;
        Ok(Some(move || {
            file.sync_data().map_err(failed)?;
            note.write(&note_path)
        }))
    }

    /// Adds a next step that names the part file, if a later run can resume it.
    pub(super) fn with_resume_hint(&self, error: Error) -> Error {
        if self.written == 0 || error.hint().is_some() {
            return error;
        }
        let (bytes, path, note) = (self.written, self.path.display(), self.note_path.display());
        error.with_hint(format!(
            "download again to resume after {bytes} bytes; if that fails too, delete {path} and {note} first; nothing is charged again"
        ))
    }

    /// Throws away what came. Blocks.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        // The note is what tells the file from one of somebody else, so it is there before the first byte.
        (self.version, self.whole) = (None, None);
        self.last_note().write(&self.note_path)?;
        self.hash = Sha256::new();
        self.truncate(0)
    }

    /// The SHA-256 of what is there, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Whether what is there is a whole MP4. Blocks.
    pub(super) fn check_mp4(&mut self) -> Result<(), String> {
        mp4::check(&mut std::io::BufReader::new(&self.file), self.written)
    }

    /// Writes down that this is the whole clip, so that a later run finds it so. Blocks.
    pub(super) fn seal(&mut self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| Error::storage(&self.path, "write", error))?;
        self.whole = Some(self.sha256());
        if let Err(error) = self.last_note().write(&self.note_path) {
            tracing::debug!(%error, "the clip is complete, and its note could not be written");
        }
        Ok(())
    }

    /// Gives a sealed clip its final name. Where that fails, a later run finds it whole. Blocks.
    pub(super) fn finish(self, target: &Path, overwrite: Overwrite) -> Result<(), Error> {
        place(&self.path, target, overwrite)?;
        if let Err(error) = self.remove_note() {
            tracing::warn!(%error, "the clip is saved, and its note could not be removed");
        }
        Ok(())
    }

    /// By now the next download may have a part of that name and a note beside it, which must stay.
    fn remove_note(&self) -> Result<(), Error> {
        match Note::read(&self.note_path)? {
            Found::Note(note) if note == self.last_note() => {
                remove(&self.note_path).map_err(|error| Error::storage(&self.note_path, "remove", error))
            }
            _ => Ok(()),
        }
    }

    /// Goes on only with what is surely a prefix of a clip of this job.
    fn recover(&mut self, note: Option<Note>) -> Result<(), Error> {
        let length = self.file.metadata().map_err(|error| Error::storage(&self.path, "read", error))?.len();
        let note = note.filter(|note| note.job_id == self.job_id && (1..=length).contains(&note.kept));
        let Some(Note { version, kept, whole, .. }) = note else { return self.clear() };
        if version.is_none() && whole.is_none() {
            return self.clear();
        }
        self.hash_prefix(kept)?;
        if whole.as_ref().is_some_and(|sha256| *sha256 != self.sha256()) {
            return self.clear();
        }
        self.truncate(kept)?;
        (self.version, self.whole) = (version, whole);
        Ok(())
    }

    fn hash_prefix(&mut self, length: u64) -> Result<(), Error> {
        let failed = |error| Error::storage(&self.path, "read", error);
        let mut buffer = vec![0; 256 * 1024];
        let mut prefix = (&self.file).take(length);
        loop {
            match prefix.read(&mut buffer).map_err(failed)? {
                0 => return Ok(()),
                count => self.hash.update(&buffer[..count]),
            }
        }
    }

    fn truncate(&mut self, length: u64) -> Result<(), Error> {
        let cut = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length)));
        cut.map_err(|error| Error::storage(&self.path, "write", error))?;
        self.written = length;
        Ok(())
    }

    /// The note for what is there now.
    fn last_note(&self) -> Note {
        let (version, resumable) = self.resumable().unzip();
        let kept = if self.is_whole() { self.written } else { resumable.unwrap_or(0) };
        Note { job_id: self.job_id.clone(), version, kept, whole: self.whole.clone() }
    }
}

impl Drop for PartFile {
    /// A part without one byte helps nobody. The lock is still held, so it is no other download's.
    fn drop(&mut self) {
        if self.written == 0 {
            let removed = remove(&self.note_path).and_then(|()| remove(&self.path));
            if let Err(error) = removed {
                tracing::debug!(%error, "an empty part could not be removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &[u8] = b"a clip, as far as a file system can tell";

    fn opened(target: &Path) -> PartFile {
        PartFile::open(target, "vj_1").unwrap().expect("nobody else holds it")
    }

    fn filled(target: &Path) -> PartFile {
        let mut part = opened(target);
        let version = Version { validator: "\"a\"".to_owned(), total: None };
        part.write(&[Bytes::from_static(BYTES)], Some(version)).unwrap();
        part.hash.update(BYTES);
        part
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_last_step_replaces_nothing_that_came_in_between() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut part = filled(&target);
        part.seal().unwrap();
        std::fs::write(&target, b"precious").unwrap();
        let error = part.finish(&target, Overwrite::Refuse).unwrap_err();
        assert!(error.to_string().contains("is there already"), "{error}");
        assert_eq!(std::fs::read(&target).unwrap(), b"precious");
        assert!(opened(&target).is_whole(), "the clip waits for a later run");
        opened(&target).finish(&target, Overwrite::Replace).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), BYTES);
        assert_eq!(names(directory.path()), ["clip.mp4"]);
    }

    #[test]
    fn a_part_with_a_byte_in_it_has_a_note_before_that_byte() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let part = opened(&target);
        assert_eq!(names(directory.path()), ["clip.mp4.part", "clip.mp4.part.json"]);
        drop(part);
        assert!(names(directory.path()).is_empty(), "and nothing is left of an empty one");
    }

    #[test]
    fn what_a_killed_run_left_is_known_by_its_note_and_what_has_none_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let (path, note_path) = (target.with_extension("mp4.part"), target.with_extension("mp4.part.json"));
        let part = opened(&target);
        let note = std::fs::read(&note_path).unwrap();
        drop(part);
        std::fs::write(&path, BYTES).unwrap();
        let error = PartFile::open(&target, "vj_1").err().expect("it is somebody else's");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), BYTES);
        std::fs::write(&note_path, note).unwrap();
        assert_eq!(opened(&target).written(), 0);
    }

    #[test]
    fn a_note_is_replaced_and_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut part = filled(&target);
        let (note, before) = (directory.path().join("clip.mp4.part.json"), directory.path().join("before"));
        std::fs::hard_link(&note, &before).unwrap();
        let text = std::fs::read(&before).unwrap();
        part.keep().unwrap();
        assert_eq!(std::fs::read(&before).unwrap(), text);
        assert_ne!(std::fs::read(&note).unwrap(), text);
    }

    #[cfg(unix)]
    #[test]
    fn a_clip_that_got_its_name_before_the_part_lost_its_own_is_not_emptied() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut part = filled(&target);
        part.keep().unwrap();
        std::fs::hard_link(directory.path().join("clip.mp4.part"), &target).unwrap();
        drop(part);
        let mut part = opened(&target);
        part.clear().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), BYTES);
    }
}
