//! Opening a ledger: made where there is none, brought up to date, and readable by its owner alone.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, Connection as _, SqlSafeStr as _};
use tokio::time::timeout;

use super::{Dialect, LedgerError, Location, file};
use crate::runtime;

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(30);

/// How long a database may take to answer at first.
const CONNECT: Duration = Duration::from_secs(15);

pub(super) async fn open(location: &Location) -> Result<(AnyPool, Dialect), LedgerError> {
    sqlx::any::install_default_drivers();
    match location {
        Location::File(path) => {
            // One waits for the file, one works for SQLite, and one is for the rest of the command.
            runtime::spare_threads(3).map_err(LedgerError::NoThread)?;
            let place = |error| LedgerError::Place(path.clone(), error);
            let ledger = path.clone();
            let turn =
                tokio::task::spawn_blocking(move || turn(&ledger)).await.map_err(std::io::Error::other);
            let turn = turn.flatten().map_err(place)?;
            file::inspect(path)?;
            drop(private_file(path).map_err(place)?);
            let alias = file::alias(path).map_err(place)?;
            let name = alias.as_ref().map_or(path, |(_, name)| name);
            let pool = up_to_date(sqlite(name).await?).await?;
            drop(turn);
            Ok((pool, Dialect::Sqlite))
        }
        // Its own lock makes others wait while the tables are made.
        Location::Postgres(url) => Ok((up_to_date(postgres(url.as_str()).await?).await?, Dialect::Postgres)),
        Location::None => Err(LedgerError::Sql(sqlx::Error::PoolClosed)),
    }
}

async fn up_to_date(pool: AnyPool) -> Result<AnyPool, LedgerError> {
    migrations().run(&pool).await?;
    Ok(pool)
}

async fn sqlite(path: &Path) -> Result<AnyPool, LedgerError> {
    // One connection: SQLite has one writer, and what this process writes is in order.
    let options = AnyPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = options.connect(&file::url(path)?).await?;
    let ours = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'");
    let all = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'");
    let (ours, all): (i64, i64) = (ours.fetch_one(&pool).await?, all.fetch_one(&pool).await?);
    if ours == 0 && all > 0 {
        return Err(LedgerError::Foreign("another program has its tables in it".to_owned()));
    }
    let settings = format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
        BUSY.as_millis()
    );
    // Not as a callback of the pool, which would repeat it for half a minute where it fails.
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&pool).await?;
    Ok(pool)
}

async fn postgres(url: &str) -> Result<AnyPool, LedgerError> {
    // The pool would try for as long as it may, and not say why in the end.
    connect(url).await?;
    Ok(AnyPoolOptions::new().max_connections(4).acquire_timeout(CONNECT).connect(url).await?)
}

/// Says why PostgreSQL cannot be connected to.
pub(super) async fn connect(url: &str) -> Result<(), LedgerError> {
    let connected = timeout(CONNECT, AnyConnection::connect(url)).await;
    let late = || LedgerError::Unreachable(format!("it does not answer within {} s", CONNECT.as_secs()));
    connected.map_err(|_| late())??.close().await?;
    Ok(())
}

fn migrations() -> Migrator {
    let first = include_str!("../../migrations/0001_items.sql").into_sql_str();
    Migrator::with_migrations(vec![Migration::new(1, "items".into(), MigrationType::Simple, first, false)])
}

/// Lets one process at a time open a ledger in a file: two that found none would both make its tables. It is over when the
/// file is dropped.
fn turn(ledger: &Path) -> std::io::Result<File> {
    let mut path = ledger.as_os_str().to_owned();
    path.push("-open");
    let file = private_file(Path::new(&path))?;
    file.lock()?;
    Ok(file)
}

/// Makes the file and its directory if they are not there. Nobody else may read what was asked for.
fn private_file(path: &Path) -> std::io::Result<File> {
    private_directory(&file::directory_of(path))?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(file)
}

/// Makes a directory that others cannot look into. One that is there already stays as it is.
pub(super) fn private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
