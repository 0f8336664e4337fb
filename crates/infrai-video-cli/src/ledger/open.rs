//! Opens a ledger: creates it if there is none, migrates it, and makes it readable only by its owner.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, Connection as _, SqlSafeStr as _};
use tokio::time::timeout;

use super::private_files::private_file;
use super::{Dialect, LedgerError, Location, sqlite_file};
use crate::runtime;

/// How long a statement waits for the lock of another process.
const BUSY: Duration = Duration::from_secs(30);

/// Timeout of a connection to a database.
const CONNECT: Duration = Duration::from_secs(15);

pub(super) async fn open(location: &Location) -> Result<(AnyPool, Dialect), LedgerError> {
    sqlx::any::install_default_drivers();
    match location {
        Location::File(path) => {
            // One for the lock, one for SQLite, and one for the rest of the command.
            runtime::spare_threads(3).map_err(LedgerError::NoThread)?;
            let failed = |error| LedgerError::Path(path.clone(), error);
            sqlite_file::refuse_special(path)?;
            let ledger = path.clone();
            let lock = tokio::task::spawn_blocking(move || lock_for_opening(&ledger)).await;
            let lock = lock.map_err(std::io::Error::other).flatten().map_err(failed)?;
            sqlite_file::inspect(path)?;
            drop(private_file(path).map_err(failed)?);
            let alias = sqlite_file::alias(path).map_err(failed)?;
            let name = alias.as_ref().map_or(path, |(_, name)| name);
            let pool = migrated(sqlite(name).await?).await?;
            drop(lock);
            Ok((pool, Dialect::Sqlite))
        }
        // PostgreSQL locks the migrations itself.
        Location::Postgres(url) => Ok((migrated(postgres(url.as_str()).await?).await?, Dialect::Postgres)),
        Location::None => Err(LedgerError::Sql(sqlx::Error::PoolClosed)),
    }
}

async fn migrated(pool: AnyPool) -> Result<AnyPool, LedgerError> {
    migrations().run(&pool).await?;
    Ok(pool)
}

async fn sqlite(path: &Path) -> Result<AnyPool, LedgerError> {
    // One connection: SQLite has one writer, and the writes of this process stay in order.
    let options = AnyPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = options.connect(&sqlite_file::url(path)?).await?;
    let ours = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'");
    let all = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'");
    let (ours, all): (i64, i64) = (ours.fetch_one(&pool).await?, all.fetch_one(&pool).await?);
    if ours == 0 && all > 0 {
        return Err(LedgerError::Foreign("it contains tables of another program".to_owned()));
    }
    let settings = format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
        BUSY.as_millis()
    );
    // A callback of the pool would be retried for half a minute if it fails.
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&pool).await?;
    Ok(pool)
}

async fn postgres(url: &str) -> Result<AnyPool, LedgerError> {
    // The pool would retry until its timeout and hide the reason.
    connect(url).await?;
    Ok(AnyPoolOptions::new().max_connections(4).acquire_timeout(CONNECT).connect(url).await?)
}

/// Returns why PostgreSQL cannot be connected to.
pub(super) async fn connect(url: &str) -> Result<(), LedgerError> {
    let connected = timeout(CONNECT, AnyConnection::connect(url)).await;
    let late = || LedgerError::Unreachable(format!("it does not respond within {} s", CONNECT.as_secs()));
    connected.map_err(|_| late())??.close().await?;
    Ok(())
}

fn migrations() -> Migrator {
    let first = include_str!("../../migrations/0001_items.sql").into_sql_str();
    Migrator::with_migrations(vec![Migration::new(1, "items".into(), MigrationType::Simple, first, false)])
}

/// Lets one process at a time open a ledger in a file, or two processes could both create its tables. Dropping the file unlocks it.
fn lock_for_opening(ledger: &Path) -> std::io::Result<File> {
    let mut path = ledger.as_os_str().to_owned();
    path.push("-open");
    let file = private_file(Path::new(&path))?;
    file.lock()?;
    Ok(file)
}
