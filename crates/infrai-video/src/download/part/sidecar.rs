//! The sidecar of a part file, `NAME.part.json`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Version;
use super::names;
use crate::error::Error;

/// The job of a part file, and the number of bytes that a later run can resume with.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    pub(super) job_id: String,
    /// `None` if the server sends no version, so that the rest could belong to another clip.
    pub(super) version: Option<Version>,
    /// The number of bytes that are synced to disk.
    pub(super) kept: u64,
    /// The SHA-256 of the whole clip, once it is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<String>,
}

/// The file at the path of a sidecar.
pub(super) enum SidecarFile {
    Missing,
    Valid(Sidecar),
    /// Another program's file.
    Foreign,
}

impl Sidecar {
    pub(super) fn read(path: &Path) -> Result<SidecarFile, Error> {
        match std::fs::read(path) {
            Ok(text) => Ok(serde_json::from_slice(&text).map_or(SidecarFile::Foreign, SidecarFile::Valid)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(SidecarFile::Missing),
            Err(error) => Err(Error::storage(path, "read", error)),
        }
    }

    /// Replaces the sidecar atomically, so that it is complete even after a crash of the machine.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let new = names::new_sidecar(path);
        let written = serde_json::to_vec(self).map_err(Into::into).and_then(|text| {
            remove(&new)?;
            let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
            file.write_all(&text)?;
            file.sync_data()?;
            std::fs::rename(&new, path)
        });
        written.map_err(|error| Error::storage(path, "write", error))
    }
}

/// Removes a file if it exists.
pub(in crate::download) fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
