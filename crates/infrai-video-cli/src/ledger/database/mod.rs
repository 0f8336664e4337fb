//! The database of a ledger. SQLite and PostgreSQL get the same SQL, in which `$1` is the first parameter.

mod migrations;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
mod sqlite_file;
mod value;
mod write;

#[cfg(feature = "postgres")]
use self::postgres::Postgres;
use self::sqlite::Sqlite;
pub(super) use self::value::{Row, Value, text};
use self::write::Effect;
pub(super) use self::write::Statement;
use super::{LedgerError, Location};

/// The futures of sqlx are large, so that they are boxed.
pub(super) enum Database {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

impl Database {
    /// Opens the database, and creates its tables if there are none.
    pub(super) async fn open(location: &Location) -> Result<Self, LedgerError> {
        match location {
            Location::File(path) => Sqlite::open(path).await.map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => Box::pin(Postgres::open(url)).await.map(Self::Postgres),
            Location::None => Err(LedgerError::Sql("there is none".to_owned())),
        }
    }

    /// Milliseconds since 1970, by the clock of the database.
    pub(super) fn now(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Skips rows that another process is leasing. SQLite has one writer, so there are none.
    pub(super) fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// Runs a statement. Returns the number of rows that it changed.
    pub(super) async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, LedgerError> {
        Ok(self.execute_all(vec![Statement::new(sql, values)]).await?.iter().sum())
    }

    /// Runs statements in their order, all or none. Returns the number of rows that each of them changed.
    pub(super) async fn execute_all(&self, statements: Vec<Statement>) -> Result<Vec<u64>, LedgerError> {
        Ok(self.write(statements).await?.iter().map(|effect| effect.changed).collect())
    }

    /// Runs a statement that changes rows, and reads the rows that it returns.
    pub(super) async fn execute_returning<T>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let effects = self.write(vec![Statement::new(sql, values)]).await?;
        effects.iter().flat_map(|effect| &effect.rows).map(read).collect()
    }

    /// Runs statements, all or none, in a transaction that other writes of this process may share. They are on the disk when this
    /// returns.
    async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Effect>, LedgerError> {
        match self {
            Self::Sqlite(db) => db.write(statements).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.write(statements).await,
        }
    }

    /// As [`Self::execute_all`] for statements that are too large to be in memory at the same time. They have a transaction of
    /// their own. Returns the number of rows that they changed.
    pub(super) async fn execute_one_by_one(
        &self,
        statements: impl Iterator<Item = Statement> + Send + 'static,
    ) -> Result<u64, LedgerError> {
        match self {
            Self::Sqlite(db) => db.execute_one_by_one(statements).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => Box::pin(db.execute_one_by_one(statements)).await,
        }
    }

    /// Runs a statement, and reads the rows that it returns one after another.
    pub(super) async fn rows<T: Send + 'static>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<Vec<T>, LedgerError> {
        match self {
            Self::Sqlite(db) => db.rows(sql, values, read).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => Box::pin(db.rows(sql, values, read)).await,
        }
    }

    /// Returns why no connection can be made. A file needs none.
    pub(super) async fn try_connect(&self) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => Box::pin(db.try_connect()).await,
        }
    }

    /// Closes the database. Later statements fail.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(db) => db.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.close().await,
        }
    }
}
