//! A ledger in a SQLite file. All statements run on one thread, in the order in which they were sent.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params_from_iter};
use tokio::sync::oneshot;

use super::write::{Effect, MAX_WRITES, Statement, Write, reply};
use super::{LedgerError, Row, Value, sqlite_file};
use crate::runtime;

/// Work for the thread.
enum Work {
    /// A query, or a transaction of its own.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
    Write(Write),
    Close(oneshot::Sender<()>),
}

/// One connection: SQLite has one writer, and the writes of this process stay in order.
pub(in crate::ledger) struct Sqlite(mpsc::Sender<Work>);

impl Sqlite {
    pub(super) async fn open(path: &Path) -> Result<Self, LedgerError> {
        // One for SQLite, and one for the rest of the command.
        runtime::spare_threads(2).map_err(LedgerError::NoThread)?;
        let (work, queue) = mpsc::channel();
        let (reply, opened) = oneshot::channel();
        let path = path.to_owned();
        let thread = move || match sqlite_file::open(&path) {
            Ok(db) => {
                if reply.send(Ok(())).is_ok() {
                    run(db, &queue);
                }
            }
            Err(error) => drop(reply.send(Err(error))),
        };
        thread::Builder::new().name("ledger".to_owned()).spawn(thread).map_err(LedgerError::NoThread)?;
        opened.await.map_err(|_| closed())??;
        Ok(Self(work))
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Effect>, LedgerError> {
        let (write, effects) = Write::new(statements);
        self.0.send(Work::Write(write)).map_err(|_| closed())?;
        effects.await.map_err(|_| closed())?
    }

    pub(super) async fn execute_one_by_one(
        &self,
        statements: impl Iterator<Item = Statement> + Send + 'static,
    ) -> Result<u64, LedgerError> {
        self.run(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut changed = 0;
            for Statement { sql, values } in statements {
                let mut statement = transaction.prepare(&numbered(&sql))?;
                changed += statement.execute(params_from_iter(values))? as u64;
            }
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
        self.run(move |db| for_rows(&mut db.prepare(&sql)?, &values, |row| read(&row)))
            .await?
            .into_iter()
            .collect()
    }

    /// Runs on the thread. If the caller has gone before the turn comes, nothing is done.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (reply, result) = oneshot::channel();
        let work = move |db: &mut Connection| {
            if !reply.is_closed() {
                let _nobody_waits = reply.send(work(db));
            }
        };
        self.0.send(Work::Alone(Box::new(work))).map_err(|_| closed())?;
        Ok(result.await.map_err(|_| closed())??)
    }

    /// Returns when the thread has closed the file and has nothing left to do.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.0.send(Work::Close(reply)).is_ok() {
            let _closed_before = closed.await;
        }
    }
}

/// Does the work in its order, until the file is closed or nobody is left. If a caller has gone before the turn of its work comes,
/// nothing is done.
fn run(mut db: Connection, queue: &mpsc::Receiver<Work>) {
    let mut waiting = VecDeque::new();
    while let Some(work) = waiting.pop_front().or_else(|| queue.recv().ok()) {
        match work {
            Work::Alone(work) => work(&mut db),
            Work::Write(first) => {
                waiting.extend(queue.try_iter());
                let mut writes = vec![first];
                while writes.len() < MAX_WRITES
                    && let Some(Work::Write(write)) =
                        waiting.pop_front_if(|work| matches!(work, Work::Write(_)))
                {
                    writes.push(write);
                }
                writes.retain(|write| !write.is_abandoned());
                let effects = commit(&mut db, &writes);
                for write in reply(writes, effects) {
                    let effects = commit(&mut db, std::slice::from_ref(&write));
                    reply(vec![write], effects);
                }
            }
            Work::Close(closed) => {
                drop(db);
                let _nobody_waits = closed.send(());
                return;
            }
        }
    }
}

/// Runs writes in one transaction. Nothing is changed if one of them fails.
fn commit(db: &mut Connection, writes: &[Write]) -> Result<Vec<Vec<Effect>>, LedgerError> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    // A dropped transaction is rolled back.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut prepared = Prepared { db: &transaction, statements: HashMap::new() };
    let effects = writes.iter().map(|write| write.statements.iter().map(|one| prepared.run(one)).collect());
    let effects = effects.collect::<rusqlite::Result<_>>()?;
    drop(prepared);
    transaction.commit()?;
    Ok(effects)
}

/// The statements of a transaction, each prepared once.
struct Prepared<'a> {
    db: &'a Connection,
    statements: HashMap<&'a str, rusqlite::Statement<'a>>,
}

impl<'a> Prepared<'a> {
    fn run(&mut self, Statement { sql, values }: &'a Statement) -> rusqlite::Result<Effect> {
        let statement = match self.statements.entry(sql) {
            Entry::Occupied(prepared) => prepared.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.db.prepare(&numbered(sql))?),
        };
        if statement.column_count() > 0 {
            return for_rows(statement, values, |row| row).map(Effect::of_rows);
        }
        Ok(Effect { changed: statement.execute(params_from_iter(values))? as u64, rows: Vec::new() })
    }
}

/// What `read` makes of each row.
fn for_rows<T>(
    statement: &mut rusqlite::Statement<'_>,
    values: &[Value],
    read: impl Fn(Row) -> T,
) -> rusqlite::Result<Vec<T>> {
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row<'_>| {
        let values = (0..columns.len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
        Ok(read(Row { columns: Arc::clone(&columns), values }))
    };
    statement.query_map(params_from_iter(values), row)?.collect()
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
