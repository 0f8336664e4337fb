//! Errors of the ledger and their remedies. Another ledger is never a remedy: this one records what was paid.

use std::io;
use std::path::{Path, PathBuf};

use super::Location;

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// A file or a directory cannot be used.
    #[error("{}: {}", .0.display(), .1)]
    Path(PathBuf, io::Error),
    #[error("{0}")]
    Foreign(String),
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("the disk is full")]
    Full,
    #[error("another process keeps it locked")]
    Busy,
    #[error("no thread can be started: {0}")]
    NoThread(io::Error),
    /// The database does not respond.
    #[error("{0}")]
    Unreachable(String),
    /// The database has rolled the transaction back, since this process was suspended in it.
    #[error("{0}")]
    RolledBack(String),
    /// The database rejects the connection.
    #[error("{0}")]
    Denied(String),
    #[error("a newer version of this command has written it")]
    Newer,
    #[error("{0}")]
    Sql(String),
    /// Another process holds the lease of the item.
    #[error("another process has taken this over")]
    Lost,
}

impl LedgerError {
    /// Replaces an error such as "disk I/O error" by the error of the operating system, which SQLite hides.
    pub(crate) fn explained(&self, location: &Location) -> Option<Self> {
        let (Self::Sql(_) | Self::Unreachable(_), Some(file)) = (self, location.file()) else { return None };
        let directory = super::private_files::directory_of(file).into_owned();
        probe(&directory).err().map(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Path(directory, error),
        })
    }

    /// The same error for another write, if it is about the database and not about one write.
    pub(super) fn of_every_write(&self) -> Option<Self> {
        match self {
            Self::Busy => Some(Self::Busy),
            Self::Full => Some(Self::Full),
            Self::Unreachable(why) => Some(Self::Unreachable(why.clone())),
            Self::RolledBack(why) => Some(Self::RolledBack(why.clone())),
            Self::Denied(why) => Some(Self::Denied(why.clone())),
            _ => None,
        }
    }

    /// Whether a file or a directory cannot be created there, so that another path helps if there is no ledger yet.
    pub(crate) fn is_about_the_path(&self) -> bool {
        let Self::Path(_, error) = self else { return false };
        error.raw_os_error() != Some(TOO_MANY_FILES)
            && !matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// What to do next.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Foreign(_) => "name the right file, or restore a good copy of it",
            Self::Damaged(_) => "restore a good copy of it, which records what was paid",
            Self::Full => "free space on its disk",
            Self::Busy => "wait until the other process has finished",
            Self::NoThread(_) => "raise the limit of processes, such as with ulimit -u",
            Self::Path(_, error) if error.raw_os_error() == Some(TOO_MANY_FILES) => {
                "raise the limit of open files, such as with ulimit -n"
            }
            Self::Path(_, error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on its disk",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make it and its directory writable"
                }
                _ => "check its path",
            },
            Self::Denied(_) => "check the user, the password and the database",
            Self::Newer => "use that version",
            Self::Unreachable(_) | Self::RolledBack(_) | Self::Sql(_) | Self::Lost => {
                "check that it can be reached"
            }
        }
    }
}

/// `EMFILE` of Linux, macOS and the BSDs.
const TOO_MANY_FILES: i32 = 24;

/// Number of files that SQLite opens for one database, plus one.
const FILES: usize = 5;

/// Opens files in the directory and writes one, as SQLite does.
fn probe(directory: &Path) -> io::Result<()> {
    let files: io::Result<Vec<_>> = (0..FILES).map(|_| tempfile::tempfile_in(directory)).collect();
    let mut files = files.map_err(without_path)?;
    files.iter_mut().try_for_each(|file| {
        io::Write::write_all(file, &[0; 16 * 1024])?;
        file.sync_all()
    })
}

/// The error of the operating system without the name of a temporary file.
fn without_path(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(std::error::Error::source);
    let code = inner.and_then(|inner| inner.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error);
    code.map_or(error, io::Error::from_raw_os_error)
}
