//! Errors of a directory with the state of a sandbox.

use std::io;
use std::path::{Path, PathBuf};

/// Why a sandbox could not be started on a directory. Except for [`PersistError::Directory`], the content of the
/// directory is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersistError {
    /// Another sandbox runs on the directory.
    #[error(
        "{} is in use by another sandbox: stop that one, or choose another directory",
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory belongs to another seed.
    #[error(
        "{} holds the state of a sandbox with seed {stored}, not {asked}: leave the seed out, or choose another \
         directory",
        directory.display()
    )]
    OtherSeed {
        /// The directory.
        directory: PathBuf,
        /// The stored seed.
        stored: u64,
        /// The requested seed.
        asked: u64,
    },
    /// The file was written by a later version of this crate.
    #[error(
        "{} has format {found}, and this version knows formats up to {known}: use the version that wrote it, or \
         choose another directory",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: i64,
        /// The latest format that this version knows.
        known: i64,
    },
    /// The file is the database of another program.
    #[error("{} is not the state of a sandbox: choose another directory", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file is damaged, or not a database.
    #[error(
        "{} cannot be read: {reason}; restore a good copy of the directory, or choose another one",
        file.display()
    )]
    Broken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The directory or one of its files cannot be used.
    #[error("{} cannot be used: {source}; make it writable, or choose another directory", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl PersistError {
    /// For `map_err` of what is done to `path`.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Directory { path, source }
    }

    pub(super) fn broken(file: &Path, reason: impl std::fmt::Display) -> Self {
        // Some reasons of SQLite have several lines.
        let reason = reason.to_string().replace('\n', "; ");
        Self::Broken { file: file.to_owned(), reason }
    }
}
