//! The part file of a download, `NAME.part`, and the sidecar that lets a later run resume it.

mod background_writer;
mod lock;
mod names;
mod sidecar;

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

pub(super) use background_writer::{BackgroundWriter, stopped as writer_stopped};
use lock::{LockedPart, check_part, lock};
pub(super) use names::part as path;
pub(super) use sidecar::remove;
use sidecar::{Sidecar, SidecarFile};

use super::fetch::Version;
use super::final_path::{not_writable, rename_part};
use super::hex::hex;
use super::{Overwrite, mp4};
use crate::error::Error;

/// The interval of syncs to disk: a crash of the machine loses the bytes since the last one.
pub(super) const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// The number of written bytes after which a sync is due earlier, so that little is left to sync at the end of a fast download.
const SYNC_BYTES: u64 = 32 * 1024 * 1024;

/// Checks the paths of the part file and its sidecar for `target`. Blocks.
pub(super) fn check(target: &Path) -> Result<(), Error> {
    let path = names::part(target);
    let sidecar_path = names::sidecar(&path);
    for path in [&path, &sidecar_path, &names::new_sidecar(&sidecar_path)] {
        match path.symlink_metadata() {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(not_writable(path, error)),
            _ => {}
        }
    }
    check_part(&path, &sidecar_path)
}

pub(super) struct PartFile {
    file: File,
    path: PathBuf,
    sidecar_path: PathBuf,
    job_id: String,
    version: Option<Version>,
    written: u64,
    hash: Sha256,
    /// The SHA-256, if this is the whole clip.
    whole: Option<String>,
    /// The time of the last sync, and the number of bytes that were written before it.
    synced_at: Instant,
    synced: u64,
}

impl PartFile {
    /// Opens the part file of `target`, and keeps the bytes of an earlier run of the same job. `None` if another download has
    /// locked it. Blocks.
    pub(super) fn open(target: &Path, job_id: &str) -> Result<Option<Self>, Error> {
        let path = names::part(target);
        let sidecar_path = names::sidecar(&path);
        let Some(LockedPart { file, sidecar }) = lock(&path, &sidecar_path)? else { return Ok(None) };
        let mut part = Self {
            file,
            path,
            sidecar_path,
            job_id: job_id.to_owned(),
            version: None,
            written: 0,
            hash: Sha256::new(),
            whole: None,
            synced_at: Instant::now(),
            synced: 0,
        };
        part.recover(sidecar)?;
        Ok(Some(part))
    }

    /// The version and the number of bytes to resume with.
    pub(super) fn resumable(&self) -> Option<(Version, u64)> {
        self.version.clone().filter(|_| self.written > 0).map(|version| (version, self.written))
    }

    /// Whether this or an earlier run has verified the whole clip.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Appends chunks of this version. Blocks. The caller hashes them, with [`take_hash`](Self::take_hash) and
    /// [`put_hash`](Self::put_hash).
    fn write(&mut self, chunks: &[Bytes], version: Option<Version>) -> Result<(), Error> {
        for chunk in chunks {
            self.file.write_all(chunk).map_err(|error| Error::storage(&self.path, "write", error))?;
            self.written += chunk.len() as u64;
        }
        self.version = version;
        Ok(())
    }

    /// Takes the hash of the written bytes, to add further bytes.
    fn take_hash(&mut self) -> Sha256 {
        std::mem::take(&mut self.hash)
    }

    fn put_hash(&mut self, hash: Sha256) {
        self.hash = hash;
    }

    /// Syncs the written bytes for a later run. Blocks.
    pub(super) fn sync_now(&mut self) -> Result<(), Error> {
        self.sync()?.map_or(Ok(()), |sync| sync())
    }

    /// Prepares a sync of the written bytes, if the last one was long enough ago, or many bytes ago. The returned function blocks,
    /// and is independent of the part file: bytes that are added meanwhile are not in its sidecar.
    fn sync_if_due(&mut self) -> Result<Option<impl FnOnce() -> Result<(), Error> + use<>>, Error> {
        let is_due = self.synced_at.elapsed() >= SYNC_INTERVAL || self.written - self.synced >= SYNC_BYTES;
        if is_due { self.sync() } else { Ok(None) }
    }

    fn sync(&mut self) -> Result<Option<impl FnOnce() -> Result<(), Error> + use<>>, Error> {
        (self.synced_at, self.synced) = (Instant::now(), self.written);
        let sidecar = self.sidecar();
        if sidecar.kept == 0 {
            return Ok(None);
        }
        let (path, sidecar_path) = (self.path.clone(), self.sidecar_path.clone());
        let failed = move |error| Error::storage(&path, "write", error);
        // The clone shares the lock, so no other download gets it before the sidecar is written.
        let file = self.file.try_clone().map_err(&failed)?;
        Ok(Some(move || {
            file.sync_data().map_err(failed)?;
            sidecar.write(&sidecar_path)
        }))
    }

    /// Adds a next step with the path of the part file, if a later run can resume it.
    pub(super) fn with_resume_hint(&self, error: Error) -> Error {
        if self.written == 0 || error.hint().is_some() {
            return error;
        }
        let (bytes, path, sidecar) = (self.written, self.path.display(), self.sidecar_path.display());
        error.with_hint(format!(
            "download again to resume after {bytes} bytes; if that fails too, delete {path} and {sidecar} first; nothing is charged again"
        ))
    }

    /// Discards all bytes. Blocks.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        // Only the sidecar distinguishes the file from another program's, so it is written before the first byte.
        (self.version, self.whole) = (None, None);
        self.sidecar().write(&self.sidecar_path)?;
        self.hash = Sha256::new();
        self.truncate(0)
    }

    /// The SHA-256 of the written bytes, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Checks that the file is a whole MP4. Blocks.
    pub(super) fn check_mp4(&mut self) -> Result<(), String> {
        mp4::check(&mut std::io::BufReader::new(&self.file), self.written)
    }

    /// Records that this is the whole clip. Blocks.
    pub(super) fn seal(&mut self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| Error::storage(&self.path, "write", error))?;
        self.whole = Some(self.sha256());
        if let Err(error) = self.sidecar().write(&self.sidecar_path) {
            tracing::debug!(%error, "the clip is complete, but its sidecar could not be written");
        }
        Ok(())
    }

    /// Renames a sealed clip to its final name. If that fails, a later run finds the whole clip. Blocks.
    pub(super) fn finish(self, target: &Path, overwrite: Overwrite) -> Result<(), Error> {
        rename_part(&self.path, target, overwrite)?;
        if let Err(error) = self.remove_sidecar() {
            tracing::warn!(%error, "the clip is saved, but its sidecar could not be removed");
        }
        Ok(())
    }

    /// Removes the sidecar, unless it belongs to another download that started meanwhile.
    fn remove_sidecar(&self) -> Result<(), Error> {
        match Sidecar::read(&self.sidecar_path)? {
            SidecarFile::Valid(sidecar) if sidecar == self.sidecar() => remove(&self.sidecar_path)
                .map_err(|error| Error::storage(&self.sidecar_path, "remove", error)),
            _ => Ok(()),
        }
    }

    /// Keeps the bytes of an earlier run if they are certainly a prefix of this job's clip.
    fn recover(&mut self, sidecar: Option<Sidecar>) -> Result<(), Error> {
        let length = self.file.metadata().map_err(|error| Error::storage(&self.path, "read", error))?.len();
        let usable =
            |sidecar: &Sidecar| sidecar.job_id == self.job_id && (1..=length).contains(&sidecar.kept);
        let Some(Sidecar { version, kept, whole, .. }) = sidecar.filter(usable) else { return self.clear() };
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
        (self.written, self.synced) = (length, length);
        Ok(())
    }

    /// The sidecar of the current state.
    fn sidecar(&self) -> Sidecar {
        let (version, resumable) = self.resumable().unzip();
        let kept = if self.is_whole() { self.written } else { resumable.unwrap_or(0) };
        Sidecar { job_id: self.job_id.clone(), version, kept, whole: self.whole.clone() }
    }
}

impl Drop for PartFile {
    /// Removes an empty part file. The lock is still held, so it does not belong to another download.
    fn drop(&mut self) {
        if self.written == 0 {
            let removed = remove(&self.sidecar_path).and_then(|()| remove(&self.path));
            if let Err(error) = removed {
                tracing::debug!(%error, "an empty part file could not be removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &[u8] = b"a clip, as far as a file system can tell";

    fn opened(target: &Path) -> PartFile {
        PartFile::open(target, "vj_1").unwrap().expect("no other download has locked it")
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
    fn saving_does_not_replace_a_file_that_was_created_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut part = filled(&target);
        part.seal().unwrap();
        std::fs::write(&target, b"precious").unwrap();
        let error = part.finish(&target, Overwrite::Refuse).unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");
        assert_eq!(std::fs::read(&target).unwrap(), b"precious");
        assert!(opened(&target).is_whole(), "the clip stays for a later run");
        opened(&target).finish(&target, Overwrite::Replace).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), BYTES);
        assert_eq!(names(directory.path()), ["clip.mp4"]);
    }

    #[test]
    fn the_sidecar_exists_before_the_first_byte() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let part = opened(&target);
        assert_eq!(names(directory.path()), ["clip.mp4.part", "clip.mp4.part.json"]);
        drop(part);
        assert!(names(directory.path()).is_empty(), "an empty part file is removed");
    }

    #[test]
    fn a_part_file_without_a_sidecar_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let (path, sidecar_path) =
            (target.with_extension("mp4.part"), target.with_extension("mp4.part.json"));
        let part = opened(&target);
        let sidecar = std::fs::read(&sidecar_path).unwrap();
        drop(part);
        std::fs::write(&path, BYTES).unwrap();
        let error = PartFile::open(&target, "vj_1").err().expect("it is not this SDK's file");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), BYTES);
        std::fs::write(&sidecar_path, sidecar).unwrap();
        assert_eq!(opened(&target).written(), 0);
    }

    #[test]
    fn a_sidecar_is_replaced_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut part = filled(&target);
        let (sidecar, before) =
            (directory.path().join("clip.mp4.part.json"), directory.path().join("before"));
        std::fs::hard_link(&sidecar, &before).unwrap();
        let text = std::fs::read(&before).unwrap();
        part.sync_now().unwrap();
        assert_eq!(std::fs::read(&before).unwrap(), text);
        assert_ne!(std::fs::read(&sidecar).unwrap(), text);
    }

    #[cfg(unix)]
    #[test]
    fn a_clip_that_still_has_its_part_name_is_not_truncated() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("clip.mp4");
        let mut part = filled(&target);
        part.sync_now().unwrap();
        std::fs::hard_link(directory.path().join("clip.mp4.part"), &target).unwrap();
        drop(part);
        let mut part = opened(&target);
        part.clear().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), BYTES);
    }
}
