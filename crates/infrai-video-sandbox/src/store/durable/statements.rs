//! The SQL statements of each change.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use crate::store::job::Job;
use crate::store::state::{Change, Entry, KeyRecord, LedgerKind, Topup};

type Query<'a> = sqlx::query::Query<'a, Sqlite, SqliteArguments>;

pub(super) async fn write(db: &mut SqliteConnection, change: &Change) -> Result<(), sqlx::Error> {
    match change {
        Change::AccountOpened { account } => {
            run(db, sqlx::query("INSERT OR IGNORE INTO accounts (name) VALUES (?)").bind(account)).await
        }
        Change::JobAccepted(job) => run(db, job_accepted(job)).await,
        Change::JobCancelled { number, at } => {
            let update = sqlx::query("UPDATE jobs SET cancelled_at = ? WHERE number = ?");
            run(db, update.bind(at.to_string()).bind(number.cast_signed())).await
        }
        Change::JobDeleted { number } => {
            let number = number.cast_signed();
            let note = "INSERT OR IGNORE INTO deleted_jobs SELECT account, id FROM jobs WHERE number = ?";
            run(db, sqlx::query(note).bind(number)).await?;
            run(db, sqlx::query("DELETE FROM jobs WHERE number = ?").bind(number)).await
        }
        Change::RetentionSet { number, expires, gone } => {
            let update = sqlx::query("UPDATE jobs SET expires_at = ?, clip_gone = ? WHERE number = ?");
            run(db, update.bind(expires.to_string()).bind(gone).bind(number.cast_signed())).await
        }
        Change::MoneyMoved(entry) => run(db, money_moved(entry)).await,
        Change::KeyUsed { account, key, record } => run(db, key_used(account, key, record)).await,
        Change::KeyForgotten { account, key } => {
            let delete = sqlx::query("DELETE FROM idempotency_keys WHERE account = ? AND key = ?");
            run(db, delete.bind(account).bind(key)).await
        }
        Change::TopupOpened(topup) => run(db, topup_opened(topup)).await,
        Change::TopupPaid { id } => {
            run(db, sqlx::query("UPDATE topups SET paid = 1 WHERE id = ?").bind(id)).await
        }
        Change::ResponseLost { number } => {
            let insert = sqlx::query("INSERT OR IGNORE INTO lost_answers (job_number) VALUES (?)");
            run(db, insert.bind(number.cast_signed())).await
        }
        Change::ResponseDelivered { number } => {
            let delete = sqlx::query("DELETE FROM lost_answers WHERE job_number = ?");
            run(db, delete.bind(number.cast_signed())).await
        }
    }
}

/// Empties every table except `meta`.
pub(super) async fn clear(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let all = "DELETE FROM accounts; DELETE FROM jobs; DELETE FROM deleted_jobs; DELETE FROM ledger; \
               DELETE FROM idempotency_keys; DELETE FROM topups; DELETE FROM lost_answers";
    sqlx::raw_sql(all).execute(db).await.map(|_| ())
}

pub(super) async fn set_clock(
    db: &mut SqliteConnection,
    clock: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    run(db, sqlx::query("UPDATE meta SET clock = ?").bind(clock.map(|at| at.to_string()))).await
}

async fn run(db: &mut SqliteConnection, query: Query<'_>) -> Result<(), sqlx::Error> {
    query.execute(db).await.map(|_| ())
}

fn job_accepted(job: &Job) -> Query<'_> {
    sqlx::query(
        "INSERT INTO jobs (number, id, account, request_id, request_json, vendor, model, cost_micros, idempotency_key, created_at, \
         starts_at, ends_at, failure_json, cancelled_at, expires_at, clip_gone) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(job.number.cast_signed())
    .bind(&job.id)
    .bind(&job.account)
    .bind(&job.request_id)
    .bind(json(&job.order))
    .bind(&job.vendor)
    .bind(&job.model)
    .bind(job.cost.micros())
    .bind(&job.idempotency_key)
    .bind(job.created.to_string())
    .bind(job.starts.to_string())
    .bind(job.ends.to_string())
    .bind(job.failure.as_ref().map(json))
    .bind(job.cancelled.map(|at| at.to_string()))
    .bind(job.expires.to_string())
    .bind(job.gone)
}

fn money_moved(entry: &Entry) -> Query<'_> {
    sqlx::query(
        "INSERT INTO ledger (account, kind, amount_micros, job_number, job_id, idempotency_key, request, at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&entry.account)
    .bind(kind(entry.kind))
    .bind(entry.amount.micros())
    .bind(entry.number.map(u64::cast_signed))
    .bind(&entry.job_id)
    .bind(&entry.key)
    .bind(&entry.request)
    .bind(entry.at.to_string())
}

fn key_used<'a>(account: &'a str, key: &'a str, record: &'a KeyRecord) -> Query<'a> {
    sqlx::query(
        "INSERT OR REPLACE INTO idempotency_keys (account, key, operation, fingerprint, used_at, data_json, vendor) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(account)
    .bind(key)
    .bind(record.operation.as_str())
    .bind(&record.fingerprint)
    .bind(record.at.to_string())
    .bind(json(&record.data))
    .bind(&record.vendor)
}

fn topup_opened(topup: &Topup) -> Query<'_> {
    sqlx::query("INSERT INTO topups (id, account, amount_micros, paid) VALUES (?, ?, ?, ?)")
        .bind(&topup.id)
        .bind(&topup.account)
        .bind(topup.amount.micros())
        .bind(topup.paid)
}

/// The name of a kind in the table.
fn kind(kind: LedgerKind) -> Option<String> {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => Some(name),
        _ => None,
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value)
        .expect("orders, failures and responses contain only values that JSON can represent")
}
