//! The ledger: a database that records each request before it is sent, then its job, the job's states, and the clip.
//!
//! One process at a time works on an item and holds a lease on it. With SQLite the death of a process is detected at once; with
//! PostgreSQL, which any number of machines may share, the lease of a dead process expires. Each write names the holder of the
//! lease, so that a process whose lease has expired changes nothing.

mod error;
mod heartbeat;
mod item;
mod leased_item;
mod location;
mod open;
mod outages;
mod postgres_url;
mod private_files;
mod sqlite_file;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::{AnyPool, AssertSqlSafe};

pub(crate) use self::error::LedgerError;
pub(crate) use self::heartbeat::Heartbeat;
pub(crate) use self::item::{Destination, Item, Stage, clip_name};
pub(crate) use self::leased_item::LeasedItem;
pub(crate) use self::location::{InvalidLocation, LEDGER_VARIABLE, Location, STATE_VARIABLE};
use self::outages::{Attempt, OnLocked, OutagePolicy};
use self::worker::Worker;

/// How long a lease lasts without a heartbeat.
const LEASE: Duration = Duration::from_secs(30);

/// How often a process extends its leases.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

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

    /// Skips rows that another process is leasing. SQLite has one writer, so there are none.
    fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// Unfinished items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Begun and not finished.
    InProgress,
    /// Not begun.
    Planned,
}

impl Pending {
    fn condition(self) -> &'static str {
        match self {
            Self::InProgress => "stage IN ('sent', 'accepted', 'fetched')",
            Self::Planned => "stage = 'planned'",
        }
    }
}

/// Which items to lease.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Selection<'a> {
    /// The item with this id.
    One(&'a str),
    /// Those of the items with these ids that are still pending in this way.
    Pending(Pending, &'a [String]),
}

/// Represents NULL for numbers that are never negative. sqlx binds a NULL as a type of another length, and PostgreSQL then prepares
/// the statement for that type.
const NULL_NUMBER: f64 = -1.0;

/// An open ledger.
pub(crate) struct Ledger {
    pool: AnyPool,
    dialect: Dialect,
    worker: Worker,
    machine: String,
    location: Location,
    on_locked: Box<OnLocked>,
    /// Set if outages of the database are waited for.
    outages: OnceLock<OutagePolicy>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger, and creates it if there is none. `on_locked` is called when a file stays locked by another process.
    pub(crate) async fn open(
        location: &Location,
        on_locked: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, LedgerError> {
        let (pool, dialect) = outages::notify_if_slow(open::open(location), &on_locked).await?;
        let worker = Worker::new(location.file()).map_err(|error| {
            LedgerError::Path(location.file().map(PathBuf::from).unwrap_or_default(), error)
        })?;
        let machine = gethostname::gethostname().to_string_lossy().into_owned();
        Ok(Self {
            pool,
            dialect,
            worker,
            machine,
            location: location.clone(),
            on_locked: Box::new(on_locked),
            outages: OnceLock::new(),
        })
    }

    /// The host name of this machine, for clips on its disk.
    pub(crate) fn machine(&self) -> &str {
        &self.machine
    }

    /// Whether other machines may use the same ledger.
    pub(crate) fn is_shared(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// Inserts items, all or none. Returns how many were new; existing ones stay unchanged.
    pub(crate) async fn add(&self, items: &[Item]) -> Result<u64, LedgerError> {
        // Two processes that insert the same items in different orders would deadlock.
        let mut items: Vec<&Item> = items.iter().collect();
        items.sort_by_key(|item| (&item.service, &item.id));
        let sql = format!(
            "INSERT INTO items (service, id, batch, line, name, attempt, key, request, seconds, target, output, overwrite,
                 stage, lease_until, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULLIF($9, {NULL_NUMBER:?}), $10, $11, $12, $13, 0, {now}, {now})
             ON CONFLICT DO NOTHING",
            now = self.dialect.now()
        );
        self.with_retries(async |_| {
            let mut transaction = self.pool.begin().await?;
            let mut added = 0;
            for item in &items {
                let (target, output) = item.destination.columns();
                let insert = sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(&item.service)
                    .bind(&item.id)
                    .bind(&item.batch)
                    .bind(item.line)
                    .bind(&item.name)
                    .bind(item.attempt)
                    .bind(&item.key)
                    .bind(&item.request)
                    .bind(item.seconds.unwrap_or(NULL_NUMBER))
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

    /// Leases items that no process works on, including this one. Returns them in the order of the plan.
    pub(crate) async fn lease(
        &self,
        service: &str,
        selection: Selection<'_>,
    ) -> Result<Vec<Item>, LedgerError> {
        let (ids, condition) = match selection {
            Selection::One(id) => (vec![id], "1 = 1"),
            Selection::Pending(_, []) => return Ok(Vec::new()),
            Selection::Pending(pending, ids) => {
                (ids.iter().map(String::as_str).collect(), pending.condition())
            }
        };
        self.release_items_of_dead_workers().await?;
        let parameters: Vec<String> = (3..ids.len() + 3).map(|number| format!("${number}")).collect();
        let sql = |free: &str| {
            format!(
                "UPDATE items SET worker = $2, lease_until = {now} + {lease}
                 WHERE service = $1 AND id IN (
                     SELECT id FROM items
                     WHERE service = $1 AND id IN ({ids}) AND {condition} AND {free} {skip})
                 RETURNING *",
                now = self.dialect.now(),
                lease = LEASE.as_millis(),
                ids = parameters.join(", "),
                skip = self.dialect.skip_locked(),
            )
        };
        let mut items: Vec<Item> = self
            .with_retries(async |attempt| {
                let sql = sql(&match attempt {
                    Attempt::First => self.free(),
                    // The first attempt may have leased them without a response.
                    Attempt::Retry => format!("(worker = $2 OR {})", self.free()),
                });
                let lease = sqlx::query_as(AssertSqlSafe(sql)).bind(service).bind(&self.worker.id);
                let lease = ids.iter().fold(lease, |lease, id| lease.bind(*id));
                Ok(lease.fetch_all(&self.pool).await?)
            })
            .await?;
        items.sort_by_key(|item| (item.line, item.created_at));
        Ok(items)
    }

    /// The ids of the items of a batch that can be leased, in the order of the plan.
    pub(crate) async fn free_items(
        &self,
        service: &str,
        pending: Pending,
        batch: &str,
    ) -> Result<Vec<String>, LedgerError> {
        self.release_items_of_dead_workers().await?;
        let sql = format!(
            "SELECT id FROM items WHERE service = $1 AND batch = $3 AND {} AND {} ORDER BY line, created_at",
            pending.condition(),
            self.free()
        );
        self.with_retries(async |_| {
            let ids = sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(service).bind(&self.worker.id);
            Ok(ids.bind(batch).fetch_all(&self.pool).await?)
        })
        .await
    }

    /// Whether the process `$2` can lease an item. It does not get its own items twice, even if their leases have expired.
    fn free(&self) -> String {
        format!("(worker IS NULL OR worker <> $2 AND lease_until < {})", self.dialect.now())
    }

    /// Whether another process holds the lease of an item.
    pub(crate) async fn is_leased_elsewhere(&self, service: &str, id: &str) -> Result<bool, LedgerError> {
        self.release_items_of_dead_workers().await?;
        let sql = format!(
            "SELECT count(*) FROM items WHERE service = $1 AND id = $3 AND worker <> $2 AND NOT {}",
            self.free()
        );
        let leased = sqlx::query_scalar(AssertSqlSafe(sql)).bind(service).bind(&self.worker.id).bind(id);
        let leased: i64 = leased.fetch_one(&self.pool).await?;
        Ok(leased > 0)
    }

    /// Only a ledger in a file detects dead processes at once.
    async fn release_items_of_dead_workers(&self) -> Result<(), LedgerError> {
        if self.is_shared() {
            return Ok(());
        }
        let holders: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT worker FROM items WHERE worker IS NOT NULL AND worker <> $1")
                .bind(&self.worker.id)
                .fetch_all(&self.pool)
                .await?;
        for dead in holders.iter().filter(|holder| self.worker.is_dead(holder)) {
            let release = sqlx::query("UPDATE items SET worker = NULL WHERE worker = $1").bind(dead);
            release.execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Extends the leases of this process.
    async fn extend_leases(&self) -> Result<(), LedgerError> {
        let sql = format!(
            "UPDATE items SET lease_until = {now} + {lease} WHERE worker = $1",
            now = self.dialect.now(),
            lease = LEASE.as_millis()
        );
        sqlx::query(AssertSqlSafe(sql)).bind(&self.worker.id).execute(&self.pool).await?;
        Ok(())
    }

    /// Stores a leased item.
    pub(crate) async fn write(&self, item: &Item) -> Result<(), LedgerError> {
        self.write_for(item, Some(&self.worker.id)).await
    }

    /// Stores a leased item and ends its lease.
    pub(crate) async fn finish(&self, item: &Item) -> Result<(), LedgerError> {
        self.write_for(item, None).await
    }

    async fn write_for(&self, item: &Item, holder: Option<&str>) -> Result<(), LedgerError> {
        let (target, output) = item.destination.columns();
        let submission = item
            .submission
            .as_ref()
            .map(|submission| {
                serde_json::to_string(submission).map_err(|error| sqlx::Error::Encode(error.into()))
            })
            .transpose()?;
        let sql = format!(
            "UPDATE items SET attempt = $4, key = $5, submission = $6, account = $7, target = $8, output = $9,
                 overwrite = $10, stage = $11, job_id = $12, job_state = $13, cost_usd = NULLIF($14, {NULL_NUMBER:?}), error = $15,
                 error_code = $16, path = $17, bytes = $18, sha256 = $19, machine = $20, worker = $21,
                 updated_at = {now}
             WHERE service = $1 AND id = $2 AND worker = $3",
            now = self.dialect.now()
        );
        self.with_retries(async |attempt| {
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
                .bind(item.cost_usd.unwrap_or(NULL_NUMBER))
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
                // The first attempt may have ended the lease without a response.
                0 if attempt == Attempt::Retry && holder.is_none() && self.is_stored(item).await? => Ok(()),
                0 => Err(LedgerError::Lost),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Whether an item is stored at this stage, without a lease.
    async fn is_stored(&self, item: &Item) -> Result<bool, LedgerError> {
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

    /// Ends the lease of an item.
    pub(crate) async fn release(&self, item: &Item) -> Result<(), LedgerError> {
        let sql =
            "UPDATE items SET worker = NULL, lease_until = 0 WHERE service = $1 AND id = $2 AND worker = $3";
        self.with_retries(async |_| {
            let release = sqlx::query(sql).bind(&item.service).bind(&item.id).bind(&self.worker.id);
            release.execute(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// Ends all leases of this process.
    async fn release_all(&self) -> Result<(), LedgerError> {
        let release = sqlx::query("UPDATE items SET worker = NULL, lease_until = 0 WHERE worker = $1");
        release.bind(&self.worker.id).execute(&self.pool).await?;
        Ok(())
    }

    /// The item with this id, idempotency key or job id.
    pub(crate) async fn find(&self, service: &str, name: &str) -> Result<Option<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND (id = $2 OR key = $2 OR job_id = $2)
                   ORDER BY created_at DESC LIMIT 1";
        Ok(sqlx::query_as(sql).bind(service).bind(name).fetch_optional(&self.pool).await?)
    }

    /// The items that were begun and not finished, oldest first.
    pub(crate) async fn in_progress(&self, service: &str) -> Result<Vec<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND stage IN ('sent', 'accepted', 'fetched')
                   ORDER BY created_at, line";
        Ok(sqlx::query_as(sql).bind(service).fetch_all(&self.pool).await?)
    }

    /// The number of unfinished clips at each other service.
    pub(crate) async fn unfinished_at_other_services(
        &self,
        service: &str,
    ) -> Result<Vec<(String, i64)>, LedgerError> {
        let sql = "SELECT service, count(*) FROM items
                   WHERE service <> $1 AND (stage IN ('sent', 'fetched') OR stage = 'accepted' AND target <> 'nowhere')
                   GROUP BY service ORDER BY service";
        Ok(sqlx::query_as(sql).bind(service).fetch_all(&self.pool).await?)
    }

    /// The service of the newest item with this id, idempotency key or job id.
    pub(crate) async fn service_of(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT service FROM items WHERE id = $1 OR key = $1 OR job_id = $1
                   ORDER BY created_at DESC LIMIT 1";
        Ok(sqlx::query_scalar(sql).bind(name).fetch_optional(&self.pool).await?)
    }

    /// The items of a batch, in the order of its plan.
    pub(crate) async fn batch(&self, service: &str, batch: &str) -> Result<Vec<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND batch = $2 ORDER BY line, created_at";
        self.with_retries(async |_| {
            Ok(sqlx::query_as(sql).bind(service).bind(batch).fetch_all(&self.pool).await?)
        })
        .await
    }

    /// The ids of the pending items of a batch.
    pub(crate) async fn pending(
        &self,
        service: &str,
        batch: &str,
    ) -> Result<Vec<(String, Pending)>, LedgerError> {
        let mut all = Vec::new();
        for pending in [Pending::InProgress, Pending::Planned] {
            let condition = pending.condition();
            let sql = format!("SELECT id FROM items WHERE service = $1 AND batch = $2 AND {condition}");
            let ids: Vec<String> = self
                .with_retries(async |_| {
                    let ids = sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(service).bind(batch);
                    Ok(ids.fetch_all(&self.pool).await?)
                })
                .await?;
            all.extend(ids.into_iter().map(|id| (id, pending)));
        }
        Ok(all)
    }

    /// The number of items of each batch at each stage.
    pub(crate) async fn batches(&self, service: &str) -> Result<Vec<(String, String, i64)>, LedgerError> {
        let sql = "SELECT batch, stage, count(*) FROM items WHERE service = $1 AND batch IS NOT NULL
                   GROUP BY batch, stage ORDER BY batch, stage";
        Ok(sqlx::query_as(sql).bind(service).fetch_all(&self.pool).await?)
    }

    /// Ends all leases of this process, and closes the database.
    pub(crate) async fn close(&self) {
        let _leases_expire = self.release_all().await;
        self.pool.close().await;
    }
}
