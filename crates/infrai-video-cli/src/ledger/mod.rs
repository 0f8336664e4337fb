//! What was asked for, kept on a disk: the request before it is sent, then the job, its states, and its clip.
//!
//! An item is worked on by one process at a time, which holds a lease on it. With SQLite a process that died is known at
//! once; with PostgreSQL, which any number of machines may share, its lease runs out. Every write of an item says whose
//! it is, so that a process that lost its lease changes nothing more.

mod entry;
mod error;
mod file;
mod item;
mod location;
mod open;
mod patience;
mod postgres_url;
#[cfg(test)]
mod tests;
mod worker;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::{AnyPool, AssertSqlSafe};

pub(crate) use self::entry::Entry;
pub(crate) use self::error::LedgerError;
pub(crate) use self::item::{Item, Place, Stage};
pub(crate) use self::location::{LEDGER_VARIABLE, Location, STATE_VARIABLE};
use self::patience::{Patience, Try};
use self::worker::Worker;

/// How long an item belongs to a process that says nothing more.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// How often a process says that it lives.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Milliseconds since 1970, by the clock of the database.
    fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Rows that another process is taking are passed over. SQLite has one writer, so there is none.
    fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// Which items of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Begun, and not at their end.
    Begun,
    /// Not begun.
    Planned,
}

impl Which {
    fn stages(self) -> &'static str {
        match self {
            Self::Begun => "stage IN ('sent', 'accepted', 'fetched')",
            Self::Planned => "stage = 'planned'",
        }
    }
}

/// What to take from the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Take<'a> {
    /// The item of that id.
    One(&'a str),
    /// Of the items of those ids, those that are still so far.
    Those(Which, &'a [String]),
}

/// Stands for a number that is missing, of those that are never below 0. sqlx names a missing number of that length as one
/// of another, and PostgreSQL then holds the same statement to that.
const MISSING: f64 = -1.0;

/// The ledger, open.
#[derive(Debug)]
pub(crate) struct Ledger {
    pool: AnyPool,
    dialect: Dialect,
    worker: Worker,
    machine: String,
    location: Location,
    /// Whether an outage of the database is waited for.
    patience: OnceLock<Patience>,
}

impl Ledger {
    /// Opens the ledger, and makes it if there is none.
    pub(crate) async fn open(location: &Location) -> Result<Self, LedgerError> {
        let (pool, dialect) = open::open(location).await?;
        let worker = Worker::new(location.file()).map_err(|error| {
            LedgerError::Place(location.file().map(PathBuf::from).unwrap_or_default(), error)
        })?;
        let machine = gethostname::gethostname().to_string_lossy().into_owned();
        let (location, patience) = (location.clone(), OnceLock::new());
        Ok(Self { pool, dialect, worker, machine, location, patience })
    }

    /// The name of this machine, for a clip that is on its disk.
    pub(crate) fn machine(&self) -> &str {
        &self.machine
    }

    /// Whether other machines may work on the same items.
    pub(crate) fn is_shared(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// Writes new items down, all or none, and says how many were new. One that is there already stays as it is.
    pub(crate) async fn add(&self, items: &[Item]) -> Result<u64, LedgerError> {
        // Two processes that write the same items in different orders would wait for each other.
        let mut items: Vec<&Item> = items.iter().collect();
        items.sort_by_key(|item| (&item.service, &item.id));
        let sql = format!(
            "INSERT INTO items (service, id, batch, line, name, attempt, key, request, seconds, target, output, overwrite,
                 stage, lease_until, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULLIF($9, {MISSING:?}), $10, $11, $12, $13, 0, {now}, {now})
             ON CONFLICT DO NOTHING",
            now = self.dialect.now()
        );
        self.patiently(async |_| {
            let mut transaction = self.pool.begin().await?;
            let mut added = 0;
            for item in &items {
                let (target, output) = item.place.columns();
                let insert = sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(&item.service)
                    .bind(&item.id)
                    .bind(&item.batch)
                    .bind(item.line)
                    .bind(&item.name)
                    .bind(item.attempt)
                    .bind(&item.key)
                    .bind(&item.request)
                    .bind(item.seconds.unwrap_or(MISSING))
                    .bind(target)
                    .bind(output)
                    .bind(i64::from(item.replace))
                    .bind(item.stage.stored());
                added += insert.execute(&mut *transaction).await?.rows_affected();
            }
            transaction.commit().await?;
            Ok(added)
        })
        .await
    }

    /// Takes items that nobody works on, this process included. In the order of the plan.
    pub(crate) async fn take(&self, service: &str, what: Take<'_>) -> Result<Vec<Item>, LedgerError> {
        let (ids, so_far) = match what {
            Take::One(id) => (vec![id], "1 = 1"),
            Take::Those(_, []) => return Ok(Vec::new()),
            Take::Those(which, ids) => (ids.iter().map(String::as_str).collect(), which.stages()),
        };
        self.free_items_of_the_dead().await?;
        let places: Vec<String> = (3..ids.len() + 3).map(|place| format!("${place}")).collect();
        let sql = |free: &str| {
            format!(
                "UPDATE items SET worker = $2, lease_until = {now} + {lease}
                 WHERE service = $1 AND id IN (
                     SELECT id FROM items
                     WHERE service = $1 AND id IN ({ids}) AND {so_far} AND {free} {skip})
                 RETURNING *",
                now = self.dialect.now(),
                lease = LEASE.as_millis(),
                ids = places.join(", "),
                skip = self.dialect.skip_locked(),
            )
        };
        let mut items: Vec<Item> = self
            .patiently(async |attempt| {
                let sql = sql(&match attempt {
                    Try::First => self.free(),
                    // They were taken, and nobody heard of it.
                    Try::Again => format!("(worker = $2 OR {})", self.free()),
                });
                let take = sqlx::query_as(AssertSqlSafe(sql)).bind(service).bind(&self.worker.id);
                let take = ids.iter().fold(take, |take, id| take.bind(*id));
                Ok(take.fetch_all(&self.pool).await?)
            })
            .await?;
        items.sort_by_key(|item| (item.line, item.created_at));
        Ok(items)
    }

    /// The items of a batch that can be taken, by their ids, in the order of the plan.
    pub(crate) async fn free_items(
        &self,
        service: &str,
        which: Which,
        batch: &str,
    ) -> Result<Vec<String>, LedgerError> {
        self.free_items_of_the_dead().await?;
        let sql = format!(
            "SELECT id FROM items WHERE service = $1 AND batch = $3 AND {} AND {} ORDER BY line, created_at",
            which.stages(),
            self.free()
        );
        self.patiently(async |_| {
            let ids = sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(service).bind(&self.worker.id);
            Ok(ids.bind(batch).fetch_all(&self.pool).await?)
        })
        .await
    }

    /// Whether an item can be taken by the process `$2`. What it has itself it does not get twice, also where its lease ran
    /// out.
    fn free(&self) -> String {
        format!("(worker IS NULL OR worker <> $2 AND lease_until < {})", self.dialect.now())
    }

    /// Whether another process works on an item.
    pub(crate) async fn is_taken(&self, service: &str, id: &str) -> Result<bool, LedgerError> {
        self.free_items_of_the_dead().await?;
        let sql = format!(
            "SELECT count(*) FROM items WHERE service = $1 AND id = $3 AND worker <> $2 AND NOT {}",
            self.free()
        );
        let taken = sqlx::query_scalar(AssertSqlSafe(sql)).bind(service).bind(&self.worker.id).bind(id);
        let taken: i64 = taken.fetch_one(&self.pool).await?;
        Ok(taken > 0)
    }

    /// Beside a ledger in a file a process that died is known at once.
    async fn free_items_of_the_dead(&self) -> Result<(), LedgerError> {
        if self.is_shared() {
            return Ok(());
        }
        let holders: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT worker FROM items WHERE worker IS NOT NULL AND worker <> $1")
                .bind(&self.worker.id)
                .fetch_all(&self.pool)
                .await?;
        for gone in holders.iter().filter(|holder| self.worker.is_gone(holder)) {
            let free = sqlx::query("UPDATE items SET worker = NULL WHERE worker = $1").bind(gone);
            free.execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Says that this process lives, and keeps what it has taken.
    pub(crate) async fn heartbeat(&self) -> Result<(), LedgerError> {
        let sql = format!(
            "UPDATE items SET lease_until = {now} + {lease} WHERE worker = $1",
            now = self.dialect.now(),
            lease = LEASE.as_millis()
        );
        sqlx::query(AssertSqlSafe(sql)).bind(&self.worker.id).execute(&self.pool).await?;
        Ok(())
    }

    /// Writes what has changed of an item that this process has taken.
    pub(crate) async fn write(&self, item: &Item) -> Result<(), LedgerError> {
        self.write_for(item, Some(&self.worker.id)).await
    }

    /// Writes the last of an item that this process has taken, and gives it back.
    pub(crate) async fn finish(&self, item: &Item) -> Result<(), LedgerError> {
        self.write_for(item, None).await
    }

    async fn write_for(&self, item: &Item, holder: Option<&str>) -> Result<(), LedgerError> {
        let (target, output) = item.place.columns();
        let submission = item
            .submission
            .as_ref()
            .map(|submission| {
                serde_json::to_string(submission).map_err(|error| sqlx::Error::Encode(error.into()))
            })
            .transpose()?;
        let sql = format!(
            "UPDATE items SET attempt = $4, key = $5, submission = $6, account = $7, target = $8, output = $9,
                 overwrite = $10, stage = $11, job_id = $12, job_state = $13, cost_usd = NULLIF($14, {MISSING:?}), error = $15,
                 error_code = $16, path = $17, bytes = $18, sha256 = $19, machine = $20, worker = $21,
                 updated_at = {now}
             WHERE service = $1 AND id = $2 AND worker = $3",
            now = self.dialect.now()
        );
        self.patiently(async |attempt| {
            let written = sqlx::query(AssertSqlSafe(sql.clone()))
                .bind(&item.service)
                .bind(&item.id)
                .bind(&self.worker.id)
                .bind(item.attempt)
                .bind(&item.key)
                .bind(&submission)
                .bind(&item.account)
                .bind(target)
                .bind(&output)
                .bind(i64::from(item.replace))
                .bind(item.stage.stored())
                .bind(&item.job_id)
                .bind(&item.job_state)
                .bind(item.cost_usd.unwrap_or(MISSING))
                .bind(&item.error)
                .bind(&item.error_code)
                .bind(&item.path)
                .bind(item.bytes)
                .bind(&item.sha256)
                .bind(&item.machine)
                .bind(holder)
                .execute(&self.pool)
                .await?;
            match written.rows_affected() {
                // It was given back, and nobody heard of it.
                0 if attempt == Try::Again && holder.is_none() && self.is_as(item).await? => Ok(()),
                0 => Err(LedgerError::Lost),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Whether the ledger has an item at that stage, and nobody works on it.
    async fn is_as(&self, item: &Item) -> Result<bool, LedgerError> {
        let sql = "SELECT count(*) FROM items WHERE service = $1 AND id = $2 AND stage = $3 AND attempt = $4
                   AND worker IS NULL";
        let found: i64 = sqlx::query_scalar(sql)
            .bind(&item.service)
            .bind(&item.id)
            .bind(item.stage.stored())
            .bind(item.attempt)
            .fetch_one(&self.pool)
            .await?;
        Ok(found == 1)
    }

    /// Gives an item back, for whoever comes next.
    pub(crate) async fn release(&self, item: &Item) -> Result<(), LedgerError> {
        let sql =
            "UPDATE items SET worker = NULL, lease_until = 0 WHERE service = $1 AND id = $2 AND worker = $3";
        self.patiently(async |_| {
            let release = sqlx::query(sql).bind(&item.service).bind(&item.id).bind(&self.worker.id);
            release.execute(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// Gives everything back that this process has taken.
    pub(crate) async fn release_all(&self) -> Result<(), LedgerError> {
        let release = sqlx::query("UPDATE items SET worker = NULL, lease_until = 0 WHERE worker = $1");
        release.bind(&self.worker.id).execute(&self.pool).await?;
        Ok(())
    }

    /// The item of that id, key or job.
    pub(crate) async fn find(&self, service: &str, name: &str) -> Result<Option<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND (id = $2 OR key = $2 OR job_id = $2)
                   ORDER BY created_at DESC LIMIT 1";
        Ok(sqlx::query_as(sql).bind(service).bind(name).fetch_optional(&self.pool).await?)
    }

    /// All that was begun and not finished, oldest first.
    pub(crate) async fn begun(&self, service: &str) -> Result<Vec<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND stage IN ('sent', 'accepted', 'fetched')
                   ORDER BY created_at, line";
        Ok(sqlx::query_as(sql).bind(service).fetch_all(&self.pool).await?)
    }

    /// How many clips are left at other services.
    pub(crate) async fn left_elsewhere(&self, service: &str) -> Result<Vec<(String, i64)>, LedgerError> {
        let sql = "SELECT service, count(*) FROM items
                   WHERE service <> $1 AND (stage IN ('sent', 'fetched') OR stage = 'accepted' AND target <> 'nowhere')
                   GROUP BY service ORDER BY service";
        Ok(sqlx::query_as(sql).bind(service).fetch_all(&self.pool).await?)
    }

    /// Where an item of that id, key or job was asked for last.
    pub(crate) async fn service_of(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT service FROM items WHERE id = $1 OR key = $1 OR job_id = $1
                   ORDER BY created_at DESC LIMIT 1";
        Ok(sqlx::query_scalar(sql).bind(name).fetch_optional(&self.pool).await?)
    }

    /// A whole batch, in the order of its plan.
    pub(crate) async fn batch(&self, service: &str, batch: &str) -> Result<Vec<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND batch = $2 ORDER BY line, created_at";
        self.patiently(async |_| {
            Ok(sqlx::query_as(sql).bind(service).bind(batch).fetch_all(&self.pool).await?)
        })
        .await
    }

    /// What of a batch is not at its end, by its id.
    pub(crate) async fn rest(&self, service: &str, batch: &str) -> Result<Vec<(String, Which)>, LedgerError> {
        let mut rest = Vec::new();
        for which in [Which::Begun, Which::Planned] {
            let sql =
                format!("SELECT id FROM items WHERE service = $1 AND batch = $2 AND {}", which.stages());
            let ids: Vec<String> = self
                .patiently(async |_| {
                    let ids = sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(service).bind(batch);
                    Ok(ids.fetch_all(&self.pool).await?)
                })
                .await?;
            rest.extend(ids.into_iter().map(|id| (id, which)));
        }
        Ok(rest)
    }

    /// How many items of each batch are at each stage.
    pub(crate) async fn batches(&self, service: &str) -> Result<Vec<(String, String, i64)>, LedgerError> {
        let sql = "SELECT batch, stage, count(*) FROM items WHERE service = $1 AND batch IS NOT NULL
                   GROUP BY batch, stage ORDER BY batch, stage";
        Ok(sqlx::query_as(sql).bind(service).fetch_all(&self.pool).await?)
    }

    /// Lets go of the database, with everything that this process has taken.
    pub(crate) async fn close(&self) {
        let _the_lease_runs_out = self.release_all().await;
        self.pool.close().await;
    }
}
