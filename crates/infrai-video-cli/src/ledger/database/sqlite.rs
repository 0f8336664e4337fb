//! A ledger in a SQLite file. All statements run on one thread, in the order in which they were sent.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params_from_iter};
use tokio::sync::oneshot;

use super::{LedgerError, Row, Value, sqlite_file};
use crate::runtime;

/// Work for the thread. Returns the connection, or `None` once it is closed.
type Job = Box<dyn FnOnce(Connection) -> Option<Connection> + Send>;

/// One connection: SQLite has one writer, and the writes of this process stay in order.
pub(in crate::ledger) struct Sqlite(mpsc::Sender<Job>);

impl Sqlite {
    pub(super) async fn open(path: &Path) -> Result<Self, LedgerError> {
        // One for SQLite, and one for the rest of the command.
        runtime::spare_threads(2).map_err(LedgerError::NoThread)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let (reply, opened) = oneshot::channel();
        let path = path.to_owned();
        let work = move || match sqlite_file::open(&path) {
            Ok(db) => {
                if reply.send(Ok(())).is_ok() {
                    queue.into_iter().try_fold(db, |db, job| job(db));
                }
            }
            Err(error) => drop(reply.send(Err(error))),
        };
        thread::Builder::new().name("ledger".to_owned()).spawn(work).map_err(LedgerError::NoThread)?;
        opened.await.map_err(|_| closed())??;
        Ok(Self(jobs))
    }

    pub(super) async fn execute_all(
        &self,
        statements: Vec<(&str, Vec<Value>)>,
    ) -> Result<Vec<u64>, LedgerError> {
        let statements: Vec<(String, Vec<Value>)> =
            statements.into_iter().map(|(sql, values)| (numbered(sql), values)).collect();
        self.run(move |db| {
            // A dropped transaction is rolled back.
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut changed = Vec::new();
            for same in statements.chunk_by(|(one, _), (next, _)| one == next) {
                let mut statement = transaction.prepare(&same[0].0)?;
                for (_, values) in same {
                    changed.push(statement.execute(params_from_iter(values))? as u64);
                }
            }
            transaction.commit()?;
            Ok(changed)
        })
        .await
    }

    pub(super) async fn execute_each(
        &self,
        sql: &str,
        rows: impl Iterator<Item = Vec<Value>> + Send + 'static,
    ) -> Result<u64, LedgerError> {
        let sql = numbered(sql);
        self.run(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut changed = 0;
            let mut statement = transaction.prepare(&sql)?;
            for values in rows {
                changed += statement.execute(params_from_iter(values))? as u64;
            }
            drop(statement);
            transaction.commit()?;
            Ok(changed)
        })
        .await
    }

    pub(super) async fn rows<T: Send + 'static>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<Vec<T>, LedgerError> {
        let sql = numbered(sql);
        self.run(move |db| {
            let mut statement = db.prepare(&sql)?;
            let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
            let row = |row: &rusqlite::Row<'_>| {
                let values = (0..columns.len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
                Ok(read(&Row { columns: Arc::clone(&columns), values }))
            };
            statement.query_map(params_from_iter(&values), row)?.collect::<Result<Vec<_>, _>>()
        })
        .await?
        .into_iter()
        .collect()
    }

    /// Returns when the thread has closed the file and has nothing left to do.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        let job = move |db| {
            drop::<Connection>(db);
            let _nobody_waits = reply.send(());
            None
        };
        if self.0.send(Box::new(job)).is_ok() {
            let _closed_before = closed.await;
        }
    }

    /// Runs on the thread. If the caller has gone before the turn comes, nothing is done.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (reply, result) = oneshot::channel();
        let job = move |mut db| {
            if !reply.is_closed() {
                let _nobody_waits = reply.send(work(&mut db));
            }
            Some(db)
        };
        self.0.send(Box::new(job)).map_err(|_| closed())?;
        Ok(result.await.map_err(|_| closed())??)
    }
}

fn closed() -> LedgerError {
    LedgerError::Sql("it is closed".to_owned())
}

/// To SQLite `$2` is a name, and `?2` is the second parameter.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        let message = match &error {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            error => error.to_string(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(message),
            Some(ErrorCode::NotADatabase) => Self::Foreign(format!("it is not a ledger: {message}")),
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy) => Self::Busy,
            _ => Self::Sql(message),
        }
    }
}
