//! The files of a directory: locked by one sandbox at a time, checked before anything is written, created atomically.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::PersistError;
use super::load::{Stored, load};
use super::{changes, snapshot};
use crate::clips::clip_store::sync_directory;
use crate::model::money::Usd;

/// Distinguishes the file from other SQLite databases: `IVSB`.
const APPLICATION_ID: i64 = 0x4956_5342;

/// The migrations from each format to the next. The number of a format is its index, counted from 1.
const MIGRATIONS: [&str; 3] =
    [include_str!("migrations/1.sql"), include_str!("migrations/2.sql"), include_str!("migrations/3.sql")];

const LATEST: i64 = MIGRATIONS.len() as i64;

pub(super) struct OpenFile {
    pub(super) db: Connection,
    pub(super) file: PathBuf,
    pub(super) lock: File,
    pub(super) stored: Stored,
}

pub(super) fn open(
    directory: &Path,
    asked: Option<u64>,
    default_seed: u64,
    opening: Usd,
) -> Result<OpenFile, PersistError> {
    fs::create_dir_all(directory).map_err(PersistError::at(directory))?;
    let lock = lock(directory)?;
    let file = directory.join("sandbox.db");
    if !file.exists() {
        create(directory, &file, asked.unwrap_or(default_seed))?;
    }
    if check(&file)? < LATEST {
        upgrade(&file).map_err(|error| PersistError::broken(&file, error))?;
    }
    let stored = read(&file, opening)?;
    if let Some(asked) = asked.filter(|asked| *asked != stored.seed) {
        return Err(PersistError::OtherSeed { directory: directory.to_owned(), stored: stored.seed, asked });
    }
    let db = enter(&file, &stored).map_err(|error| PersistError::broken(&file, error))?;
    Ok(OpenFile { db, file, lock, stored })
}

fn lock(directory: &Path) -> Result<File, PersistError> {
    let path = directory.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(PersistError::at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PersistError::InUse { directory: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(PersistError::Directory { path, source }),
    }
}

/// Creates a new file under a temporary name, so that a file under the final name was complete once.
fn create(directory: &Path, file: &Path, seed: u64) -> Result<(), PersistError> {
    let draft = directory.join("sandbox.db.new");
    for leftover in [draft.clone(), directory.join("sandbox.db.new-journal")] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(PersistError::at(&leftover)(error));
            }
            _ => {}
        }
    }
    fill(&draft, seed).map_err(|error| PersistError::at(&draft)(std::io::Error::other(error)))?;
    File::options()
        .write(true)
        .open(&draft)
        .and_then(|draft| draft.sync_all())
        .and_then(|()| fs::rename(&draft, file))
        .and_then(|()| sync_directory(directory))
        .map_err(PersistError::at(file))
}

fn fill(draft: &Path, seed: u64) -> rusqlite::Result<()> {
    let mut db = connect(draft, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, "")?;
    migrate(&mut db)?;
    db.execute("INSERT INTO meta (id, seed, starts) VALUES (1, ?, 0)", [seed.to_string()])?;
    close(db)
}

/// Checks a file and returns its format.
fn check(file: &Path) -> Result<i64, PersistError> {
    let (identity, format, findings) = inspect(file).map_err(|error| PersistError::broken(file, error))?;
    if identity != APPLICATION_ID || format < 1 {
        return Err(PersistError::Foreign { file: file.to_owned() });
    }
    if format > LATEST {
        return Err(PersistError::Newer { file: file.to_owned(), found: format, known: LATEST });
    }
    if findings != ["ok"] {
        return Err(PersistError::broken(file, findings.join("; ")));
    }
    Ok(format)
}

/// The application and the format according to the header, and the findings of a check.
fn inspect(file: &Path) -> rusqlite::Result<(i64, i64, Vec<String>)> {
    let db = reader(file)?;
    let number = |pragma| db.pragma_query_value(None, pragma, |row| row.get(0));
    let (identity, format) = (number("application_id")?, number("user_version")?);
    let findings =
        db.prepare("PRAGMA quick_check")?.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((identity, format, findings))
}

fn read(file: &Path, opening: Usd) -> Result<Stored, PersistError> {
    let db = reader(file).map_err(|error| PersistError::broken(file, error))?;
    load(&db, opening).map_err(|reason| PersistError::broken(file, reason))
}

/// A connection that does not modify the file.
fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    // Without a write-ahead log SQLite reads only the file, and creates no other one.
    let parameters = if Path::new(&log).exists() { "" } else { "?immutable=true" };
    connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY, parameters)
}

/// The connection of the writer, which locks the file once and not for each transaction. Counts the start. Replaces the changes if most of them no longer matter.
fn enter(file: &Path, stored: &Stored) -> rusqlite::Result<Connection> {
    let mut db = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE, "")?;
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    )?;
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("UPDATE meta SET starts = starts + 1")?;
    if stored.has_tables || stored.changes / 2 > snapshot::changes(&stored.state).count() {
        changes::compact(&transaction, &stored.state)?;
    }
    transaction.commit()?;
    Ok(db)
}

fn upgrade(file: &Path) -> rusqlite::Result<()> {
    let mut db = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE, "")?;
    migrate(&mut db)?;
    close(db)
}

/// Opens a file by a URI. SQLite decodes the path: no part of it is interpreted.
fn connect(file: &Path, flags: OpenFlags, parameters: &str) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => write!(uri, "%{byte:02X}").expect("a string can be written to"),
        }
    }
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri + parameters, flags)
}

pub(super) fn close(db: Connection) -> rusqlite::Result<()> {
    db.close().map_err(|(_, error)| error)
}

/// Migrates a file to the latest format in one transaction.
fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", LATEST)?;
    transaction.commit()
}
