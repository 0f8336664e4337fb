//! The file in which a clip is collected, `NAME.part`, and the note beside it that lets a later run go on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::fetch::Version;
use super::{hex, mp4};
use crate::error::{Error, ErrorKind};

/// How much may be lost where the machine goes down: what came since the last time that the disk was asked to keep it.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What stands beside an unfinished clip.
#[derive(Serialize, Deserialize)]
struct Note {
    job_id: String,
    version: Version,
    /// How many bytes are safely on the disk.
    kept: u64,
}

pub(super) struct PartFile {
    file: File,
    path: PathBuf,
    note_path: PathBuf,
    job_id: String,
    version: Option<Version>,
    written: u64,
    hash: Sha256,
    synced_at: Instant,
}

impl PartFile {
    /// Opens the part of `target` and reads what an earlier run left, if it is of the same job. Blocks.
    pub(super) fn open(target: &Path, job_id: &str) -> Result<Self, Error> {
        let path = beside(target, "part");
        let note_path = beside(target, "part.json");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| Error::storage(&path, "write", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorKind::Storage,
                    format!("{} is being written by another download", path.display()),
                )
                .with_hint("wait for it, or choose another path"));
            }
            // A file system without locks is no reason not to download.
            Err(TryLockError::Error(error)) => tracing::debug!(%error, "the part file cannot be locked"),
        }
        let mut part = Self {
            file,
            path,
            note_path,
            job_id: job_id.to_owned(),
            version: None,
            written: 0,
            hash: Sha256::new(),
            synced_at: Instant::now(),
        };
        part.recover()?;
        Ok(part)
    }

    /// What to go on with: the version, and how much of it is there.
    pub(super) fn resumable(&self) -> Option<(Version, u64)> {
        self.version.clone().filter(|_| self.written > 0).map(|version| (version, self.written))
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Adds bytes of that version. Blocks.
    pub(super) fn write(&mut self, bytes: &Bytes, version: Option<&Version>) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| Error::storage(&self.path, "write", error))?;
        self.hash.update(bytes);
        self.written += bytes.len() as u64;
        self.version = version.cloned();
        if self.synced_at.elapsed() >= SYNC_EVERY {
            self.keep()?;
        }
        Ok(())
    }

    /// Makes sure that what came is there for a later run. Blocks.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        self.synced_at = Instant::now();
        let Some(version) = self.version.clone().filter(|_| self.written > 0) else { return Ok(()) };
        self.file.sync_data().map_err(|error| Error::storage(&self.path, "write", error))?;
        let note = Note { job_id: self.job_id.clone(), version, kept: self.written };
        let text = serde_json::to_vec(&note)
            .map_err(|error| Error::storage(&self.note_path, "write", error.into()))?;
        std::fs::write(&self.note_path, text).map_err(|error| Error::storage(&self.note_path, "write", error))
    }

    /// Throws away what came. Blocks.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        self.truncate(0)?;
        (self.version, self.hash) = (None, Sha256::new());
        remove(&self.note_path)
    }

    /// The SHA-256 of what is there, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Whether what is there is a whole MP4. Blocks.
    pub(super) fn check_mp4(&mut self) -> Result<(), String> {
        mp4::check(&mut std::io::BufReader::new(&self.file), self.written)
    }

    /// Gives the clip its final name. Blocks.
    pub(super) fn finish(self, target: &Path) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| Error::storage(&self.path, "write", error))?;
        std::fs::rename(&self.path, target).map_err(|error| Error::storage(target, "write", error))?;
        if let Some(directory) = target.parent().filter(|parent| !parent.as_os_str().is_empty())
            && let Ok(directory) = File::open(directory)
        {
            // Not every file system can do this, and the clip itself is safe already.
            let _best_effort = directory.sync_all();
        }
        remove(&self.note_path)
    }

    /// Goes on only with what is surely a prefix of a clip of this job.
    fn recover(&mut self) -> Result<(), Error> {
        let length = self.file.metadata().map_err(|error| Error::storage(&self.path, "read", error))?.len();
        let note: Option<Note> =
            std::fs::read(&self.note_path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(note) = note.filter(|note| note.job_id == self.job_id && note.kept <= length) else {
            return self.clear();
        };
        self.hash_prefix(note.kept)?;
        self.truncate(note.kept)?;
        self.version = Some(note.version);
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
}

/// `NAME.mp4` and `part` make `NAME.mp4.part`.
fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::storage(path, "remove", error))
        }
        _ => Ok(()),
    }
}
