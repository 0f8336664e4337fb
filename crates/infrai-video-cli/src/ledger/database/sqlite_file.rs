//! Opens a SQLite file: checks it before SQLite does, makes it readable only by its owner, and creates its tables.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{LedgerError, migrations};
use crate::ledger::private_files::private_file;
use crate::ledger::worker;

/// The header of every SQLite database.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// How long a statement waits for the lock of another process.
const BUSY: Duration = Duration::from_secs(30);

pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    let failed = |error| LedgerError::Path(path.to_owned(), error);
    refuse_special(path)?;
    let lock = lock_for_opening(path).map_err(failed)?;
    inspect(path)?;
    drop(private_file(path).map_err(failed)?);
    // SQLite would read a relative path that begins with `file:` as a URI.
    let absolute = std::path::absolute(path).map_err(failed)?;
    let db = migrated(&absolute)?;
    drop(lock);
    Ok(db)
}

/// Lets one process at a time open a ledger, or two processes could both create its tables. Dropping the file unlocks it.
fn lock_for_opening(ledger: &Path) -> io::Result<File> {
    let mut path = ledger.as_os_str().to_owned();
    path.push("-open");
    let file = private_file(Path::new(&path))?;
    file.lock()?;
    Ok(file)
}

fn migrated(path: &Path) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    let count = |condition| {
        let sql = format!("SELECT count(*) FROM sqlite_schema WHERE name {condition}");
        db.query_row(&sql, (), |row| row.get::<_, i64>(0))
    };
    let is_ours = count("= '_sqlx_migrations'")? > 0;
    if !is_ours && count("NOT LIKE 'sqlite%'")? > 0 {
        return Err(LedgerError::Foreign("it contains tables of another program".to_owned()));
    }
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
    let applied = if is_ours { applied(&db)? } else { Vec::new() };
    let due = migrations::due(&applied)?;
    if !due.is_empty() {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migrations::RECORD)?;
        for migration in due {
            transaction.execute_batch(migration.sql)?;
            let record = (migration.version, migration.description, migration.checksum());
            transaction.execute(migrations::RECORD_ONE, record)?;
        }
        transaction.commit()?;
    }
    Ok(db)
}

fn applied(db: &Connection) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    db.prepare(migrations::APPLIED)?.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Returns an error for a device, a pipe or a socket. Nothing may be changed before: the permissions of a device such as `/dev/null`
/// concern all programs of the machine, and opening a pipe waits for another process.
fn refuse_special(path: &Path) -> Result<(), LedgerError> {
    match path.metadata() {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            Err(LedgerError::Foreign("it is not a regular file".to_owned()))
        }
        // The next step reports other errors.
        _ => Ok(()),
    }
}

/// Returns an error for a file that is not an undamaged ledger. A missing file is valid. Nothing is changed.
fn inspect(path: &Path) -> Result<(), LedgerError> {
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
