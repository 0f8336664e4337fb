//! The ledger: a database that records each request before it is sent, then its job, the job's states, and the clip.
//!
//! One process at a time works on an item and holds a lease on it. With SQLite the death of a process is detected at once; with
//! PostgreSQL, which any number of machines may share, the lease of a dead process expires. Each write names the holder of the
//! lease, so that a process whose lease has expired changes nothing.

mod batches;
mod charges;
mod database;
mod error;
mod forecast;
mod heartbeat;
mod history;
mod item;
mod jobs;
mod leased_item;
mod location;
mod outages;
#[cfg(feature = "postgres")]
mod postgres_url;
mod private_files;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

pub(crate) use self::batches::Recorded;
use self::charges::JobFacts;
pub(crate) use self::charges::{Charge, Uncertain};
use self::database::{Database, Row, Statement, Value, text};
pub(crate) use self::error::LedgerError;
pub(crate) use self::forecast::{Forecast, Usual};
pub(crate) use self::heartbeat::Heartbeat;
pub(crate) use self::history::{History, PastJobs};
pub(crate) use self::item::{Destination, Item, Stage, blames_the_request};
pub(crate) use self::jobs::KnownJob;
pub(crate) use self::leased_item::LeasedItem;
pub(crate) use self::location::{InvalidLocation, LEDGER_VARIABLE, Location, STATE_VARIABLE};
use self::outages::{Attempt, OnLocked, OutagePolicy};
pub(crate) use self::private_files::private_file;
use self::worker::Worker;

/// How long a lease lasts without a heartbeat.
const LEASE: Duration = Duration::from_secs(30);

/// How often a process extends its leases.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

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
    /// The first so many of the items with these ids that are still pending in this way.
    Pending(Pending, &'a [String], u32),
}

/// An open ledger.
pub(crate) struct Ledger {
    database: Database,
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
        let database = outages::notify_if_slow(Database::open(location), &on_locked).await?;
        let worker = Worker::new(location.file()).map_err(|error| {
            LedgerError::Path(location.file().map(PathBuf::from).unwrap_or_default(), error)
        })?;
        let machine = gethostname::gethostname().to_string_lossy().into_owned();
        Ok(Self {
            database,
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
        self.location.is_shared()
    }

    /// As [`Self::add_all`].
    pub(crate) async fn add(&self, items: &[Item]) -> Result<u64, LedgerError> {
        // Two processes that insert the same items in different orders would deadlock.
        let mut items = items.to_vec();
        items.sort_by(|one, other| (&one.service, &one.id).cmp(&(&other.service, &other.id)));
        self.add_all(|| items.clone().into_iter()).await
    }

    /// Leases items that no process works on, including this one. Returns them in the order of the plan.
    pub(crate) async fn lease(
        &self,
        service: &str,
        selection: Selection<'_>,
    ) -> Result<Vec<Item>, LedgerError> {
        let (ids, condition, max) = match selection {
            Selection::One(id) => (vec![id], "1 = 1", 1),
            Selection::Pending(_, [], _) => return Ok(Vec::new()),
            Selection::Pending(pending, ids, max) => {
                (ids.iter().map(String::as_str).collect(), pending.condition(), max)
            }
        };
        self.release_items_of_dead_workers().await?;
        let parameters: Vec<String> = (4..ids.len() + 4).map(|number| format!("${number}")).collect();
        let sql = |free: &str| {
            format!(
                "WITH free AS MATERIALIZED (
                     SELECT id FROM items
                     WHERE service = $1 AND id IN ({ids}) AND {condition} AND {free}
                     ORDER BY CASE WHEN worker = $2 THEN 0 ELSE 1 END, line, created_at LIMIT $3 {skip})
                 UPDATE items SET worker = $2, lease_until = {now} + {lease}
                 WHERE service = $1 AND id IN (SELECT id FROM free)
                 RETURNING *",
                now = self.database.now(),
                lease = LEASE.as_millis(),
                ids = parameters.join(", "),
                skip = self.database.skip_locked(),
            )
        };
        let mut items: Vec<Item> = self
            .with_retries(async |attempt| {
                let sql = sql(&match attempt {
                    Attempt::First => self.free(),
                    // The first attempt may have leased them without a response.
                    Attempt::Retry => format!("(worker = $2 OR {})", self.free()),
                });
                let mut values = vec![text(service), text(&self.worker.id), i64::from(max).into()];
                values.extend(ids.iter().copied().map(text));
                self.database.execute_returning(&sql, values, Item::from_row).await
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
            let values = vec![text(service), text(&self.worker.id), text(batch)];
            self.database.rows(&sql, values, |row| row.get("id")).await
        })
        .await
    }

    /// Whether the process `$2` can lease an item. It does not get its own items twice, even if their leases have expired.
    fn free(&self) -> String {
        format!("(worker IS NULL OR worker <> $2 AND lease_until < {})", self.database.now())
    }

    /// Whether another process holds the lease of an item.
    pub(crate) async fn is_leased_elsewhere(&self, service: &str, id: &str) -> Result<bool, LedgerError> {
        self.release_items_of_dead_workers().await?;
        let sql = format!(
            "SELECT id FROM items WHERE service = $1 AND id = $3 AND worker <> $2 AND NOT {}",
            self.free()
        );
        self.finds(&sql, vec![text(service), text(&self.worker.id), text(id)]).await
    }

    /// Only a ledger in a file detects dead processes at once.
    async fn release_items_of_dead_workers(&self) -> Result<(), LedgerError> {
        if self.is_shared() {
            return Ok(());
        }
        let sql = "SELECT DISTINCT worker FROM items WHERE worker IS NOT NULL AND worker <> $1";
        let own = vec![text(&self.worker.id)];
        let holders: Vec<String> = self.database.rows(sql, own, |row| row.get("worker")).await?;
        for dead in holders.iter().filter(|holder| self.worker.is_dead(holder)) {
            let release = "UPDATE items SET worker = NULL WHERE worker = $1";
            self.database.execute(release, vec![text(dead)]).await?;
        }
        Ok(())
    }

    /// Extends the leases of this process.
    async fn extend_leases(&self) -> Result<(), LedgerError> {
        let sql = format!(
            "UPDATE items SET lease_until = {now} + {lease} WHERE worker = $1",
            now = self.database.now(),
            lease = LEASE.as_millis()
        );
        self.database.execute(&sql, vec![text(&self.worker.id)]).await?;
        Ok(())
    }

    /// Stores a leased item, and the charge of its job.
    async fn write(&self, item: &Item, facts: &mut JobFacts) -> Result<(), LedgerError> {
        self.write_for(item, facts, Some(&self.worker.id)).await
    }

    /// Stores a leased item, and the charge of its job, and ends its lease.
    async fn finish(&self, item: &Item, facts: &mut JobFacts) -> Result<(), LedgerError> {
        self.write_for(item, facts, None).await
    }

    async fn write_for(
        &self,
        item: &Item,
        facts: &mut JobFacts,
        holder: Option<&str>,
    ) -> Result<(), LedgerError> {
        let (target, output) = item.destination.columns();
        let submission = item
            .submission
            .as_ref()
            .map(|submission| {
                serde_json::to_string(submission).map_err(|error| LedgerError::Sql(error.to_string()))
            })
            .transpose()?;
        let sql = format!(
            "UPDATE items SET attempt = $4, key = $5, submission = $6, account = $7, target = $8, output = $9,
                 overwrite = $10, stage = $11, job_id = $12, job_state = $13, cost_usd = $14, error = $15,
                 error_code = $16, path = $17, bytes = $18, sha256 = $19, machine = $20, worker = $21,
                 updated_at = {now}
             WHERE service = $1 AND id = $2 AND worker = $3",
            now = self.database.now()
        );
        let values = vec![
            text(&item.service),
            text(&item.id),
            text(&self.worker.id),
            item.attempt.into(),
            text(&item.key),
            submission.into(),
            item.account.clone().into(),
            text(target),
            output.into(),
            item.replace.into(),
            text(item.stage.stored()),
            item.job_id.clone().into(),
            item.job_state.clone().into(),
            item.cost_usd.into(),
            item.error.clone().into(),
            item.error_code.clone().into(),
            item.path.clone().into(),
            item.bytes.into(),
            item.sha256.clone().into(),
            item.machine.clone().into(),
            holder.map(str::to_owned).into(),
        ];
        let charge = self.charge(item, facts);
        self.with_retries(async |attempt| {
            // The charge comes first: it depends on the lease, which the second statement may end.
            let update = Statement::new(&*sql, values.clone());
            let statements = charge.iter().cloned().chain([update]).collect();
            match self.database.execute_all(statements).await?.pop().unwrap_or_default() {
                // The first attempt may have ended the lease without a response.
                0 if attempt == Attempt::Retry && holder.is_none() && self.is_stored(item).await? => Ok(()),
                0 => Err(LedgerError::Lost),
                _ => Ok(()),
            }
        })
        .await?;
        facts.set_recorded(charge);
        Ok(())
    }

    /// Whether an item is stored at this stage, without a lease.
    async fn is_stored(&self, item: &Item) -> Result<bool, LedgerError> {
        let sql = "SELECT id FROM items WHERE service = $1 AND id = $2 AND stage = $3 AND attempt = $4 AND worker IS NULL";
        let values =
            vec![text(&item.service), text(&item.id), text(item.stage.stored()), item.attempt.into()];
        self.finds(sql, values).await
    }

    /// Whether a query for ids finds one.
    async fn finds(&self, sql: &str, values: Vec<Value>) -> Result<bool, LedgerError> {
        let ids: Vec<String> = self.database.rows(sql, values, |row| row.get("id")).await?;
        Ok(!ids.is_empty())
    }

    /// Ends the lease of an item.
    pub(crate) async fn release(&self, item: &Item) -> Result<(), LedgerError> {
        let sql =
            "UPDATE items SET worker = NULL, lease_until = 0 WHERE service = $1 AND id = $2 AND worker = $3";
        self.with_retries(async |_| {
            let values = vec![text(&item.service), text(&item.id), text(&self.worker.id)];
            self.database.execute(sql, values).await?;
            Ok(())
        })
        .await
    }

    /// Ends all leases of this process.
    pub(crate) async fn release_all(&self) -> Result<(), LedgerError> {
        let sql = "UPDATE items SET worker = NULL, lease_until = 0 WHERE worker = $1";
        self.database.execute(sql, vec![text(&self.worker.id)]).await?;
        Ok(())
    }

    /// The item with this id, idempotency key or job id.
    pub(crate) async fn find(&self, service: &str, name: &str) -> Result<Option<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND (id = $2 OR key = $2 OR job_id = $2)
                   ORDER BY created_at DESC LIMIT 1";
        let mut items = self
            .with_retries(async |_| {
                self.database.rows(sql, vec![text(service), text(name)], Item::from_row).await
            })
            .await?;
        Ok(items.pop())
    }

    /// The items that were begun and not finished, oldest first.
    pub(crate) async fn in_progress(&self, service: &str) -> Result<Vec<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND stage IN ('sent', 'accepted', 'fetched')
                   ORDER BY created_at, line";
        self.database.rows(sql, vec![text(service)], Item::from_row).await
    }

    /// The number of unfinished clips at each other service.
    pub(crate) async fn unfinished_at_other_services(
        &self,
        service: &str,
    ) -> Result<Vec<(String, i64)>, LedgerError> {
        let sql = "SELECT service, count(*) AS items FROM items
                   WHERE service <> $1 AND (stage IN ('sent', 'fetched') OR stage = 'accepted' AND target <> 'nowhere')
                   GROUP BY service ORDER BY service";
        let read = |row: &Row| Ok((row.get("service")?, row.get("items")?));
        self.database.rows(sql, vec![text(service)], read).await
    }

    /// The service of the newest item with this id, idempotency key or job id.
    pub(crate) async fn service_of(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT service FROM items WHERE id = $1 OR key = $1 OR job_id = $1
                   ORDER BY created_at DESC LIMIT 1";
        Ok(self.database.rows(sql, vec![text(name)], |row| row.get("service")).await?.pop())
    }

    /// The items of a batch, in the order of its plan.
    pub(crate) async fn batch(&self, service: &str, batch: &str) -> Result<Vec<Item>, LedgerError> {
        let sql = "SELECT * FROM items WHERE service = $1 AND batch = $2 ORDER BY line, created_at";
        self.with_retries(async |_| {
            self.database.rows(sql, vec![text(service), text(batch)], Item::from_row).await
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
                    let values = vec![text(service), text(batch)];
                    self.database.rows(&sql, values, |row| row.get("id")).await
                })
                .await?;
            all.extend(ids.into_iter().map(|id| (id, pending)));
        }
        Ok(all)
    }

    /// The number of items of each batch at each stage.
    pub(crate) async fn batches(&self, service: &str) -> Result<Vec<(String, String, i64)>, LedgerError> {
        let sql = "SELECT batch, stage, count(*) AS items FROM items WHERE service = $1 AND batch IS NOT NULL
                   GROUP BY batch, stage ORDER BY batch, stage";
        let read = |row: &Row| Ok((row.get("batch")?, row.get("stage")?, row.get("items")?));
        self.database.rows(sql, vec![text(service)], read).await
    }

    /// Ends all leases of this process, and closes the database.
    pub(crate) async fn close(&self) {
        let _leases_expire = self.release_all().await;
        self.database.close().await;
    }
}
