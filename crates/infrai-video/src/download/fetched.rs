//! A clip that is there, whole and checked, and has not got its final name yet.

use std::fmt;
use std::path::{Path, PathBuf};

use super::part::PartFile;
use super::to_path::blocking;
use super::{Overwrite, Saved};
use crate::error::Error;

/// A whole and checked clip that still has the name of its part. [`save`](Self::save) gives it its final one.
///
/// It holds its part, so that no other download touches it. Where it is dropped, the part is let go and stays as it is: a
/// later [`Download::fetch_to`](super::Download::fetch_to) or [`Download::to_path`](super::Download::to_path) of any process
/// finds the clip there, and asks the service for nothing.
#[must_use = "the clip has its final name only once it is saved"]
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

    /// The path that the clip will have.
    pub fn path(&self) -> &Path {
        &self.target
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.part.written()
    }

    /// The SHA-256 of its bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Gives the clip its final name, in one step: whoever looks sees no clip or the whole one. Once begun it goes on, even
    /// where the future is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) where the name cannot be given, or where a file has come to be there
    /// that may not be [replaced](Overwrite). The path is then as it was, and the part stays for a later run.
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
