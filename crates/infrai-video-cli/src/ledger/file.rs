//! The file of a ledger, as far as it can be judged without SQLite.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{LedgerError, worker};

/// What every database of SQLite begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Says what is wrong with a file that is to be a ledger, before anything is done to it. One that is not there yet is fine.
pub(super) fn inspect(path: &Path) -> Result<(), LedgerError> {
    let place = |error| LedgerError::Place(path.to_owned(), error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(place(error)),
    };
    let length = file.metadata().map_err(place)?.len();
    if length == 0 {
        return match worker::directory(path).exists() {
            true => Err(LedgerError::Damaged("it is empty, and was used before".to_owned())),
            false => Ok(()),
        };
    }
    let mut header = Vec::new();
    file.by_ref().take(100).read_to_end(&mut header).map_err(place)?;
    if !header.starts_with(MAGIC) {
        return Err(LedgerError::Foreign("it is no database of SQLite".to_owned()));
    }
    match expected_length(&header) {
        // Pages that are in the log only may be missing in the file.
        Some(expected) if length < expected && !has_log(path) => {
            // Another process may have moved them from its log into the file meanwhile.
            let length = file.metadata().map_err(place)?.len();
            match length < expected {
                true => Err(LedgerError::Damaged(format!("it has {length} bytes of {expected}"))),
                false => Ok(()),
            }
        }
        None => Err(LedgerError::Damaged(format!("it has {length} bytes"))),
        _ => Ok(()),
    }
}

/// How long a database is by its header, or nothing where that is cut off (<https://www.sqlite.org/fileformat.html>).
fn expected_length(header: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let page = match u16::from_be_bytes(header.get(16..18)?.try_into().ok()?) {
        1 => 65_536,
        page => u64::from(page),
    };
    let (pages, changed, written_at) = (number(28)?, number(24)?, number(92)?);
    // Only a version of SQLite that is older than 3.7.0 leaves the number of pages behind.
    Some(if changed == written_at { page * u64::from(pages) } else { 0 })
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Path::new(&log).metadata().is_ok_and(|log| log.len() > 0)
}

/// The URL under which sqlx opens that very file. All that could mean something else in it is encoded, slashes included: so the
/// path stays as it is, also where it has dots.
pub(super) fn url(path: &Path) -> Result<String, LedgerError> {
    let absolute = std::path::absolute(path).map_err(|error| LedgerError::Place(path.to_owned(), error))?;
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

/// A name in UTF-8 for a file that has none, since sqlx takes no other. SQLite follows the link, so that its log is beside the
/// file itself.
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

/// The directory of a file.
pub(super) fn directory_of(file: &Path) -> Cow<'_, Path> {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory.into(),
        _ => PathBuf::from(".").into(),
    }
}
