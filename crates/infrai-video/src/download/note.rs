//! What stands beside an unfinished clip, in `NAME.part.json`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fetch::Version;
use super::names;
use crate::error::Error;

/// Says whose bytes a part holds, and how many of them a later run may go on with.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) job_id: String,
    /// Nothing where the rest could not be told from the rest of another clip.
    pub(super) version: Option<Version>,
    /// How many bytes are safely on the disk.
    pub(super) kept: u64,
    /// The SHA-256 of the whole clip, once it is there and was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<String>,
}

/// What is found in a note's place.
pub(super) enum Found {
    Nothing,
    Note(Note),
    /// A file of somebody else.
    Foreign,
}

impl Note {
    pub(super) fn read(path: &Path) -> Result<Found, Error> {
        match std::fs::read(path) {
            Ok(text) => Ok(serde_json::from_slice(&text).map_or(Found::Foreign, Found::Note)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => Err(Error::storage(path, "read", error)),
        }
    }

    /// Takes the place of the note before in one step: a note is never half written, whatever happens to the machine.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let fresh = names::fresh(path);
        let written = serde_json::to_vec(self).map_err(Into::into).and_then(|text| {
            remove(&fresh)?;
            let mut file = OpenOptions::new().write(true).create_new(true).open(&fresh)?;
            file.write_all(&text)?;
            file.sync_data()?;
            std::fs::rename(&fresh, path)
        });
        written.map_err(|error| Error::storage(path, "write", error))
    }
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
