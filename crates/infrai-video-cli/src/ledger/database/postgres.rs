//! A ledger in PostgreSQL, which any number of machines may share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgColumn, PgPool, PgPoolOptions, PgRow, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Encode, PgConnection, Row as _, Type, TypeInfo as _,
};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::write::{Effect, MAX_WRITES, Statement, Write, reply};
use super::{LedgerError, Row, Value, migrations};
use crate::ledger::postgres_url::PostgresUrl;

/// Timeout of a connection.
const CONNECT: Duration = Duration::from_secs(15);

/// A suspended process, or a machine without a network, would keep the row locks of its transaction: PostgreSQL waits for the next
/// statement, or until the rows that a statement returns have been received. After these times it closes the connection.
const RELEASE_LOCKS: &str = "SET idle_in_transaction_session_timeout = '5s'; SET tcp_user_timeout = '15s'";

/// The SQLSTATE of a connection that was closed since its process was idle in a transaction.
const IDLE_IN_TRANSACTION: &str = "25P03";

/// How often a write looks whether its caller still waits.
const CHECK: Duration = Duration::from_millis(500);

/// Lets one process at a time create the tables: `CREATE TABLE IF NOT EXISTS` may fail if two do so.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7524129350312021348)";

type Query<'a> = sqlx::query::Query<'a, sqlx::Postgres, PgArguments>;

pub(in crate::ledger) struct Postgres {
    pool: PgPool,
    writes: mpsc::UnboundedSender<Write>,
    url: PostgresUrl,
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl) -> Result<Self, LedgerError> {
        // The pool would retry until its timeout and hide the reason.
        let mut connection = connect(url).await?;
        migrate(&mut connection).await?;
        connection.close().await?;
        let options = PgPoolOptions::new().max_connections(4).acquire_timeout(CONNECT);
        let options = options.after_connect(|connection, _| Box::pin(release_locks(connection)));
        let pool = options.connect(url.as_str()).await?;
        let (writes, queue) = mpsc::unbounded_channel();
        // It ends with the last sender. Dropping a database does not interrupt a write.
        tokio::spawn(write_all(pool.clone(), queue));
        Ok(Self { pool, writes, url: url.clone() })
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Effect>, LedgerError> {
        let closed = || LedgerError::Sql("it is closed".to_owned());
        let (write, effects) = Write::new(statements);
        self.writes.send(write).map_err(|_| closed())?;
        effects.await.map_err(|_| closed())?
    }

    pub(super) async fn execute_one_by_one(
        &self,
        statements: impl Iterator<Item = Statement>,
    ) -> Result<u64, LedgerError> {
        let mut transaction = self.pool.begin().await?;
        let mut changed = 0;
        for statement in statements {
            changed += run(&statement, &mut transaction).await?.changed;
        }
        transaction.commit().await?;
        Ok(changed)
    }

    pub(super) async fn rows<T>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut rows = query(sql, &values).fetch(&self.pool);
        let (mut all, mut columns) = (Vec::new(), None);
        while let Some(row) = rows.try_next().await? {
            let columns = columns.get_or_insert_with(|| {
                row.columns().iter().map(|column| column.name().to_owned()).collect::<Arc<[String]>>()
            });
            all.push(read(&Row { columns: Arc::clone(columns), values: values_of(&row)? })?);
        }
        Ok(all)
    }

    pub(super) async fn try_connect(&self) -> Result<(), LedgerError> {
        Ok(connect(&self.url).await?.close().await?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn connect(url: &PostgresUrl) -> Result<PgConnection, LedgerError> {
    let connected = timeout(CONNECT, connect_and_set(url)).await;
    let late = || LedgerError::Unreachable(format!("it does not respond within {} s", CONNECT.as_secs()));
    Ok(connected.map_err(|_| late())??)
}

async fn connect_and_set(url: &PostgresUrl) -> sqlx::Result<PgConnection> {
    let mut connection = PgConnection::connect(url.as_str()).await?;
    release_locks(&mut connection).await?;
    Ok(connection)
}

async fn release_locks(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(RELEASE_LOCKS).execute(connection).await.map(drop)
}

async fn migrate(connection: &mut PgConnection) -> Result<(), LedgerError> {
    let mut transaction = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(migrations::RECORD).execute(&mut *transaction).await?;
    let applied = sqlx::query_as(migrations::APPLIED).fetch_all(&mut *transaction).await?;
    for migration in migrations::due(&applied)? {
        sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
        let record = sqlx::query(migrations::RECORD_ONE).bind(migration.version).bind(migration.description);
        record.bind(migration.checksum()).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs the writes of this process in their order. Those that wait at the same time share a transaction. Two transactions of one
/// process could wait for each other's items: one of them may be that of a heartbeat, which changes all items.
async fn write_all(pool: PgPool, mut queue: mpsc::UnboundedReceiver<Write>) {
    let mut writes = Vec::new();
    while queue.recv_many(&mut writes, MAX_WRITES).await > 0 {
        let group = std::mem::take(&mut writes);
        for write in commit_and_reply(&pool, group).await {
            commit_and_reply(&pool, vec![write]).await;
        }
    }
}

/// Returns the writes that must be repeated, each in its own transaction.
async fn commit_and_reply(pool: &PgPool, mut writes: Vec<Write>) -> Vec<Write> {
    writes.retain(|write| !write.is_abandoned());
    if writes.is_empty() {
        return writes;
    }
    let effects = tokio::select! {
        effects = Box::pin(commit(pool, &writes)) => effects,
        // The database does not respond, as the callers have found out. A dropped transaction is rolled back.
        () = abandoned(&writes) => return Vec::new(),
    };
    reply(writes, effects)
}

/// Returns when no caller waits any more.
async fn abandoned(writes: &[Write]) {
    while !writes.iter().all(Write::is_abandoned) {
        sleep(CHECK).await;
    }
}

/// Runs writes in one transaction. Nothing is changed if one of them fails.
async fn commit(pool: &PgPool, writes: &[Write]) -> Result<Vec<Vec<Effect>>, LedgerError> {
    if let [write] = writes
        && let [statement] = &write.statements[..]
    {
        return Ok(vec![vec![run(statement, &mut *pool.acquire().await?).await?]]);
    }
    let mut transaction = pool.begin().await?;
    let mut effects = Vec::new();
    for write in writes {
        let mut of_write = Vec::new();
        for statement in &write.statements {
            of_write.push(run(statement, &mut transaction).await?);
        }
        effects.push(of_write);
    }
    transaction.commit().await?;
    Ok(effects)
}

async fn run(statement: &Statement, connection: &mut PgConnection) -> Result<Effect, LedgerError> {
    let query = query(&statement.sql, &statement.values);
    if statement.returns_rows() {
        return rows_of(&query.fetch_all(connection).await?).map(Effect::of_rows);
    }
    Ok(Effect { changed: query.execute(connection).await?.rows_affected(), rows: Vec::new() })
}

fn query<'a>(sql: &'a str, values: &'a [Value]) -> Query<'a> {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Null => query.bind(Null),
        Value::Integer(value) => query.bind(*value),
        Value::Real(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.as_str()),
        Value::Blob(value) => query.bind(value.as_slice()),
    })
}

/// NULL of the type that PostgreSQL infers. A statement is prepared once, with NULL or with a value.
struct Null;

impl Type<sqlx::Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, sqlx::Postgres> for Null {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

fn rows_of(rows: &[PgRow]) -> Result<Vec<Row>, LedgerError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    let row = |row| Ok(Row { columns: Arc::clone(&columns), values: values_of(row)? });
    rows.iter().map(row).collect()
}

fn values_of(row: &PgRow) -> Result<Vec<Value>, sqlx::Error> {
    let value = |column: &PgColumn| {
        let index = column.ordinal();
        Ok(match column.type_info().name() {
            "INT8" => row.try_get::<Option<i64>, _>(index)?.into(),
            "FLOAT8" => row.try_get::<Option<f64>, _>(index)?.into(),
            _ => row.try_get::<Option<String>, _>(index)?.into(),
        })
    };
    row.columns().iter().map(value).collect()
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some(IDLE_IN_TRANSACTION) => Self::RolledBack(database.message().to_owned()),
                Some(code) if is_outage(code) => Self::Unreachable(database.message().to_owned()),
                Some(code) if code.starts_with("28") || code == "3D000" => {
                    Self::Denied(database.message().to_owned())
                }
                _ => Self::Sql(error.to_string()),
            },
            sqlx::Error::Io(error) => Self::Unreachable(error.to_string()),
            sqlx::Error::Tls(error) => Self::Unreachable(format!("no TLS: {error}")),
            sqlx::Error::PoolTimedOut => Self::Unreachable("it does not respond".to_owned()),
            _ => Self::Sql(error.to_string()),
        }
    }
}

/// Whether this SQLSTATE is temporary: lost connections, shutdowns and failovers, a lack of resources.
fn is_outage(code: &str) -> bool {
    ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
        || ["25006", "55000"].contains(&code)
}
