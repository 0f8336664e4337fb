//! A downloaded and verified clip without its final name.

use std::fmt;
use std::path::{Path, PathBuf};

use super::part::PartFile;
use super::to_path::blocking;
use super::{Overwrite, Saved};
use crate::error::Error;

/// A downloaded and verified clip in its part file. [`save`](Self::save) gives it its final name.
///
/// It keeps the part file locked. If it is dropped, the part file stays: a later
/// [`Download::fetch_to`](super::Download::fetch_to) or [`Download::to_path`](super::Download::to_path) of any process finds the
/// clip there, and sends no request.
#[must_use = "the clip has no final name until it is saved"]
pub struct Fetched {
    part: PartFile,
    target: PathBuf,
    overwrite: Overwrite,
    sha256: String,
}

impl Fetched {
    pub(super) fn new(part: PartFile, target: PathBuf, overwrite: Overwrite) -> Self {
        let sha256 = part.sha256();
        Self { part, target, overwrite, sha256 }
    }

    /// The final path of the clip.
    pub fn path(&self) -> &Path {
        &self.target
    }

    /// The size in bytes.
    pub fn bytes(&self) -> u64 {
        self.part.written()
    }

    /// The SHA-256, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Gives the clip its final name atomically. Once started, this completes even if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the file cannot be renamed, or if a file now exists that must not be
    /// [replaced](Overwrite). The path is then unchanged, and the part file stays for a later run.
    pub async fn save(self) -> Result<Saved, Error> {
        let Self { part, target, overwrite, sha256 } = self;
        let saved = Saved { path: target.clone(), bytes: part.written(), sha256 };
        blocking(move || part.finish(&target, overwrite)).await?;
        Ok(saved)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("path", &self.path())
            .field("bytes", &self.bytes())
            .field("sha256", &self.sha256)
            .field("overwrite", &self.overwrite)
            .finish_non_exhaustive()
    }
}
