//! The files of a directory: locked by one sandbox at a time, checked before anything is written, created atomically.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::error::PersistError;
use super::load::{Stored, load};
use crate::clips::clip_store::sync_directory;
use crate::model::money::Usd;

/// Distinguishes the file from other SQLite databases: `IVSB`.
const APPLICATION_ID: i64 = 0x4956_5342;

/// The migrations from each format to the next. The number of a format is its index, counted from 1.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];

const LATEST: i64 = MIGRATIONS.len() as i64;

pub(super) struct OpenFile {
    pub(super) db: SqliteConnection,
    pub(super) file: PathBuf,
    pub(super) lock: File,
    pub(super) stored: Stored,
}

pub(super) async fn open(
    directory: &Path,
    asked: Option<u64>,
    default_seed: u64,
    opening: Usd,
) -> Result<OpenFile, PersistError> {
    fs::create_dir_all(directory).map_err(PersistError::at(directory))?;
    let lock = lock(directory)?;
    let file = directory.join("sandbox.db");
    if !file.exists() {
        create(directory, &file, asked.unwrap_or(default_seed)).await?;
    }
    if check(&file).await? < LATEST {
        upgrade(&file).await?;
    }
    let stored = read(&file, opening).await?;
    if let Some(asked) = asked.filter(|asked| *asked != stored.seed) {
        return Err(PersistError::OtherSeed { directory: directory.to_owned(), stored: stored.seed, asked });
    }
    let db = enter(&file).await.map_err(|error| PersistError::broken(&file, error))?;
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
async fn create(directory: &Path, file: &Path, seed: u64) -> Result<(), PersistError> {
    let draft = directory.join("sandbox.db.new");
    for leftover in [draft.clone(), directory.join("sandbox.db.new-journal")] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(PersistError::at(&leftover)(error));
            }
            _ => {}
        }
    }
    let fill = async {
        let options = SqliteConnectOptions::new().filename(&draft).create_if_missing(true);
        let mut db = SqliteConnection::connect_with(&options).await?;
        migrate(&mut db).await?;
        let meta = sqlx::query("INSERT INTO meta (id, seed, starts) VALUES (1, ?, 0)");
        meta.bind(seed.to_string()).execute(&mut db).await?;
        db.close().await
    };
    fill.await.map_err(|error| PersistError::at(&draft)(std::io::Error::other(error)))?;
    File::options()
        .write(true)
        .open(&draft)
        .and_then(|draft| draft.sync_all())
        .and_then(|()| fs::rename(&draft, file))
        .and_then(|()| sync_directory(directory))
        .map_err(PersistError::at(file))
}

/// Checks a file and returns its format.
async fn check(file: &Path) -> Result<i64, PersistError> {
    let checked = async {
        let mut db = reader(file).await?;
        let identity: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut db).await?;
        let format: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut db).await?;
        let findings: Vec<String> = sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut db).await?;
        db.close().await?;
        Ok::<_, sqlx::Error>((identity, format, findings))
    };
    let (identity, format, findings) = checked.await.map_err(|error| PersistError::broken(file, error))?;
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

async fn read(file: &Path, opening: Usd) -> Result<Stored, PersistError> {
    let mut db = reader(file).await.map_err(|error| PersistError::broken(file, error))?;
    let stored = load(&mut db, opening).await.map_err(|reason| PersistError::broken(file, reason))?;
    db.close().await.map_err(|error| PersistError::broken(file, error))?;
    Ok(stored)
}

/// A connection that does not modify the file.
async fn reader(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    // Without a write-ahead log SQLite reads only the file, and creates no other one.
    let is_alone = !Path::new(&log).exists();
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(is_alone)
        // Rows come from another thread: a larger buffer avoids that the threads wait for each other.
        .row_buffer_size(4096);
    SqliteConnection::connect_with(&options).await
}

/// The connection of the writer. Counts the start.
async fn enter(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut db = SqliteConnection::connect_with(&options).await?;
    sqlx::query("UPDATE meta SET starts = starts + 1").execute(&mut db).await?;
    Ok(db)
}

async fn upgrade(file: &Path) -> Result<(), PersistError> {
    let climb = async {
        let mut db = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await?;
        migrate(&mut db).await?;
        db.close().await
    };
    climb.await.map_err(|error| PersistError::broken(file, error))
}

/// Migrates a file to the latest format in one transaction.
async fn migrate(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    let from: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LATEST}");
    sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    transaction.commit().await
}
