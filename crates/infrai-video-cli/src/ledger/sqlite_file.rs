//! Checks of a SQLite file before SQLite opens it, and its URL for sqlx.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{LedgerError, worker};

/// The header of every SQLite database.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Returns an error for a device, a pipe or a socket. Nothing may be changed before: the permissions of a device such as `/dev/null`
/// concern all programs of the machine, and opening a pipe waits for another process.
pub(super) fn refuse_special(path: &Path) -> Result<(), LedgerError> {
    match path.metadata() {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            Err(LedgerError::Foreign("it is not a regular file".to_owned()))
        }
        // The next step reports other errors.
        _ => Ok(()),
    }
}

/// Returns an error for a file that is not an undamaged ledger. A missing file is valid. Nothing is changed.
pub(super) fn inspect(path: &Path) -> Result<(), LedgerError> {
    let failed = |error| LedgerError::Path(path.to_owned(), error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let length = file.metadata().map_err(failed)?.len();
    if length == 0 {
        return match worker::directory(path).exists() {
            true => Err(LedgerError::Damaged("it is empty, and was used before".to_owned())),
            false => Ok(()),
        };
    }
    let mut header = Vec::new();
    file.by_ref().take(100).read_to_end(&mut header).map_err(failed)?;
    if !header.starts_with(MAGIC) {
        return Err(LedgerError::Foreign("it is not a SQLite database".to_owned()));
    }
    match expected_length(&header) {
        // Pages may be in the log only.
        Some(expected) if length < expected && !has_log(path) => {
            // Another process may have moved pages from its log into the file meanwhile.
            let length = file.metadata().map_err(failed)?.len();
            match length < expected {
                true => Err(LedgerError::Damaged(format!("it has {length} bytes of {expected}"))),
                false => Ok(()),
            }
        }
        None => Err(LedgerError::Damaged(format!("it has {length} bytes"))),
        _ => Ok(()),
    }
}

/// The length of the database according to its header (<https://www.sqlite.org/fileformat.html>). `None` if the header is cut off.
fn expected_length(header: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let page = match u16::from_be_bytes(header.get(16..18)?.try_into().ok()?) {
        1 => 65_536,
        page => u64::from(page),
    };
    let (pages, changed, written_at) = (number(28)?, number(24)?, number(92)?);
    // SQLite before 3.7.0 does not update the number of pages.
    Some(if changed == written_at { page * u64::from(pages) } else { 0 })
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Path::new(&log).metadata().is_ok_and(|log| log.len() > 0)
}

/// The URL under which sqlx opens exactly this file. Everything but letters and digits is percent-encoded, so that no part of the
/// path is interpreted.
pub(super) fn url(path: &Path) -> Result<String, LedgerError> {
    let absolute = std::path::absolute(path).map_err(|error| LedgerError::Path(path.to_owned(), error))?;
    let mut url = String::from("sqlite:");
    for byte in absolute.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(*byte));
        } else {
            let _infallible = write!(url, "%{byte:02X}");
        }
    }
    Ok(url)
}

/// A symbolic link for a path that is not UTF-8, which sqlx requires. SQLite resolves the link, so that its log is beside the file.
pub(super) fn alias(path: &Path) -> io::Result<Option<(TempDir, PathBuf)>> {
    if path.to_str().is_some() {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let link = directory.path().join("ledger.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(std::path::absolute(path)?, &link)?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_file(std::path::absolute(path)?, &link)?;
    Ok(Some((directory, link)))
}
