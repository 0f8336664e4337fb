//! The SQL statements of each change.

use jiff::Timestamp;
use rusqlite::{Connection, Params, Result, params};
use serde::Serialize;
use serde_json::Value;

use crate::store::job::Job;
use crate::store::state::{Change, Entry, KeyRecord, LedgerKind, Topup};

pub(super) fn write(db: &Connection, change: &Change) -> Result<()> {
    match change {
        Change::AccountOpened { account } => {
            run(db, "INSERT OR IGNORE INTO accounts (name) VALUES (?)", [account])
        }
        Change::AccountAhead { account, ahead } => {
            let nanoseconds = i64::try_from(ahead.as_nanos()).unwrap_or(i64::MAX);
            run(db, "UPDATE accounts SET ahead_ns = ? WHERE name = ?", params![nanoseconds, account])
        }
        Change::AccountReset { account } => account_reset(db, account),
        Change::JobAccepted(job) => job_accepted(db, job),
        Change::JobCancelled { number, at } => {
            let values = params![at.to_string(), number.cast_signed()];
            run(db, "UPDATE jobs SET cancelled_at = ? WHERE number = ?", values)
        }
        Change::JobDeleted { number } => {
            let number = [number.cast_signed()];
            let note = "INSERT OR IGNORE INTO deleted_jobs SELECT account, id FROM jobs WHERE number = ?";
            run(db, note, number)?;
            run(db, "DELETE FROM jobs WHERE number = ?", number)
        }
        Change::RetentionSet { number, expires, gone } => {
            let values = params![expires.to_string(), gone, number.cast_signed()];
            run(db, "UPDATE jobs SET expires_at = ?, clip_gone = ? WHERE number = ?", values)
        }
        Change::MoneyMoved(entry) => money_moved(db, entry),
        Change::KeyUsed { account, key, record } => key_used(db, account, key, record),
        Change::KeyForgotten { account, key } => {
            run(db, "DELETE FROM idempotency_keys WHERE account = ? AND key = ?", [account, key])
        }
        Change::TopupOpened(topup) => topup_opened(db, topup),
        Change::TopupPaid { id } => run(db, "UPDATE topups SET paid = 1 WHERE id = ?", [id]),
        Change::ResponseLost { number } => {
            // The account may have been reset meanwhile.
            let insert = "INSERT OR IGNORE INTO lost_answers (job_number) \
                          SELECT ?1 WHERE EXISTS (SELECT 1 FROM ledger WHERE job_number = ?1)";
            run(db, insert, [number.cast_signed()])
        }
        Change::ResponseDelivered { number } => {
            run(db, "DELETE FROM lost_answers WHERE job_number = ?", [number.cast_signed()])
        }
    }
}

/// Empties every table except `meta`.
pub(super) fn clear(db: &Connection) -> Result<()> {
    db.execute_batch(
        "DELETE FROM accounts; DELETE FROM jobs; DELETE FROM deleted_jobs; DELETE FROM ledger; \
         DELETE FROM idempotency_keys; DELETE FROM topups; DELETE FROM lost_answers; \
         UPDATE meta SET last_job_number = 0, topups_forgotten = 0",
    )
}

pub(super) fn set_clock(db: &Connection, clock: Option<Timestamp>) -> Result<()> {
    run(db, "UPDATE meta SET clock = ?", [clock.map(|at| at.to_string())])
}

fn account_reset(db: &Connection, account: &str) -> Result<()> {
    let counters = "UPDATE meta SET \
                    last_job_number = MAX(last_job_number, (SELECT COALESCE(MAX(job_number), 0) FROM ledger)), \
                    topups_forgotten = topups_forgotten + (SELECT COUNT(*) FROM topups WHERE account = ?)";
    run(db, counters, [account])?;
    let lost =
        "DELETE FROM lost_answers WHERE job_number IN (SELECT job_number FROM ledger WHERE account = ?)";
    run(db, lost, [account])?;
    for table in ["jobs", "deleted_jobs", "ledger", "idempotency_keys", "topups"] {
        run(db, &format!("DELETE FROM {table} WHERE account = ?"), [account])?;
    }
    run(db, "DELETE FROM accounts WHERE name = ?", [account])
}

fn run(db: &Connection, sql: &str, values: impl Params) -> Result<()> {
    db.execute(sql, values).map(|_| ())
}

fn job_accepted(db: &Connection, job: &Job) -> Result<()> {
    let sql = "INSERT INTO jobs (number, id, account, request_id, request_json, vendor, model, cost_micros, \
               idempotency_key, created_at, starts_at, ends_at, failure_json, cancelled_at, expires_at, clip_gone) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        job.number.cast_signed(),
        job.id,
        job.account,
        job.request_id,
        json(&job.order),
        job.vendor,
        job.model,
        job.cost.micros(),
        job.idempotency_key,
        job.created.to_string(),
        job.starts.to_string(),
        job.ends.to_string(),
        job.failure.as_ref().map(json),
        job.cancelled.map(|at| at.to_string()),
        job.expires.to_string(),
        job.gone,
    ];
    run(db, sql, values)
}

fn money_moved(db: &Connection, entry: &Entry) -> Result<()> {
    let sql = "INSERT INTO ledger (account, kind, amount_micros, job_number, job_id, idempotency_key, request, at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        entry.account,
        kind(entry.kind),
        entry.amount.micros(),
        entry.number.map(u64::cast_signed),
        entry.job_id,
        entry.key,
        entry.request,
        entry.at.to_string(),
    ];
    run(db, sql, values)
}

fn key_used(db: &Connection, account: &str, key: &str, record: &KeyRecord) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO idempotency_keys (account, key, operation, fingerprint, used_at, data_json, \
               vendor) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        account,
        key,
        record.operation.as_str(),
        record.fingerprint,
        record.at.to_string(),
        json(&record.data),
        record.vendor,
    ];
    run(db, sql, values)
}

fn topup_opened(db: &Connection, topup: &Topup) -> Result<()> {
    let sql = "INSERT INTO topups (id, account, amount_micros, paid) VALUES (?, ?, ?, ?)";
    run(db, sql, params![topup.id, topup.account, topup.amount.micros(), topup.paid])
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
