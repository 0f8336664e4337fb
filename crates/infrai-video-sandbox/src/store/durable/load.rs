//! Loads the state: from the tables of earlier formats, if there are any, and from the changes.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::changes;
use crate::model::money::Usd;
use crate::model::order::Order;
use crate::model::resolution::frame_size;
use crate::store::job::Job;
use crate::store::state::{Change, Entry, KeyRecord, State, Topup};

/// The content of a file.
pub(super) struct Stored {
    pub(super) seed: u64,
    pub(super) clock: Option<Timestamp>,
    pub(super) starts: u64,
    pub(super) state: State,
    /// Whether the tables of earlier formats exist.
    pub(super) has_tables: bool,
    /// The number of changes.
    pub(super) changes: usize,
}

/// Why a value of the file is invalid.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

pub(super) type Read<T> = Result<T, Unreadable>;

/// Loads a file. New accounts start with `opening`.
pub(super) fn load(db: &Connection, opening: Usd) -> Read<Stored> {
    let mut state = State::opening_at(opening);
    let has_tables = db.table_exists(None, "jobs")?;
    if has_tables {
        load_tables(db, &mut state)?;
    }
    let counters = "SELECT seed, clock, starts, last_job_number, topups_forgotten FROM meta";
    db.query_row_and_then(counters, (), |row| {
        let meta = Fields(row);
        state.continue_after(meta.number("last_job_number")?, meta.number("topups_forgotten")?);
        let changes = changes::apply(db, &mut state)?;
        let (seed, clock) = (meta.parsed("seed")?, meta.maybe_parsed("clock")?);
        Ok(Stored { seed, clock, starts: meta.number("starts")?, state, has_tables, changes })
    })
}

fn load_tables(db: &Connection, state: &mut State) -> Read<()> {
    // Jobs come before the ledger: a refund in it settles the job that it belongs to.
    // The clocks of accounts come before what is due by them.
    each(db, "SELECT name, ahead_ns FROM accounts", |row| {
        let account: String = row.get("name")?;
        state.apply(Change::AccountOpened { account: account.clone() });
        let ahead = Duration::from_nanos(row.number("ahead_ns")?);
        state.apply(Change::AccountAhead { account, ahead });
        Ok(())
    })?;
    each(db, "SELECT * FROM jobs ORDER BY number", |row| {
        state.apply(Change::JobAccepted(Box::new(job(row)?)));
        Ok(())
    })?;
    each(db, "SELECT account, id FROM deleted_jobs", |row| {
        state.apply(Change::DeletedJobKnown { account: row.get("account")?, id: row.get("id")? });
        Ok(())
    })?;
    each(db, "SELECT * FROM ledger ORDER BY entry", |row| {
        state.apply(Change::MoneyMoved(entry(row)?));
        Ok(())
    })?;
    each(db, "SELECT * FROM idempotency_keys", |row| {
        let (account, key) = (row.get("account")?, row.get("key")?);
        state.apply(Change::KeyUsed { account, key, record: key_record(row)? });
        Ok(())
    })?;
    each(db, "SELECT * FROM topups", |row| {
        state.apply(Change::TopupOpened(topup(row)?));
        Ok(())
    })?;
    each(db, "SELECT job_number FROM lost_answers", |row| {
        state.apply(Change::ResponseLost { number: row.number("job_number")? });
        Ok(())
    })
}

pub(super) fn each(db: &Connection, select: &str, mut take: impl FnMut(&Fields<'_>) -> Read<()>) -> Read<()> {
    let mut statement = db.prepare(select)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        take(&Fields(row))?;
    }
    Ok(())
}

fn job(row: &Fields<'_>) -> Read<Job> {
    let order: Order = row.json("request_json")?;
    sized("request_json", &order)?;
    Ok(Job {
        number: row.number("number")?,
        id: row.get("id")?,
        account: row.get("account")?,
        request_id: row.get("request_id")?,
        order,
        vendor: row.get("vendor")?,
        model: row.get("model")?,
        cost: row.money("cost_micros")?,
        idempotency_key: row.get("idempotency_key")?,
        created: row.parsed("created_at")?,
        starts: row.parsed("starts_at")?,
        ends: row.parsed("ends_at")?,
        failure: row.maybe_json("failure_json")?,
        cancelled: row.maybe_parsed("cancelled_at")?,
        expires: row.parsed("expires_at")?,
        gone: row.get("clip_gone")?,
    })
}

fn entry(row: &Fields<'_>) -> Read<Entry> {
    let number = row.get::<Option<i64>>("job_number")?.map(|_| row.number("job_number")).transpose()?;
    Ok(Entry {
        account: row.get("account")?,
        kind: row.named("kind")?,
        amount: row.money("amount_micros")?,
        number,
        job_id: row.get("job_id")?,
        key: row.get("idempotency_key")?,
        request: row.get("request")?,
        at: row.parsed("at")?,
    })
}

fn key_record(row: &Fields<'_>) -> Read<KeyRecord> {
    Ok(KeyRecord {
        operation: row.named("operation")?,
        fingerprint: row.get("fingerprint")?,
        at: row.parsed("used_at")?,
        data: row.json("data_json")?,
        vendor: row.get("vendor")?,
    })
}

fn topup(row: &Fields<'_>) -> Read<Topup> {
    Ok(Topup {
        id: row.get("id")?,
        account: row.get("account")?,
        amount: row.money("amount_micros")?,
        paid: row.get("paid")?,
    })
}

/// The columns of a row, each read as what it stands for.
pub(super) struct Fields<'a>(&'a Row<'a>);

impl Fields<'_> {
    pub(super) fn get<T: FromSql>(&self, name: &str) -> Read<T> {
        Ok(self.0.get(name)?)
    }

    fn number(&self, name: &str) -> Read<u64> {
        let value: i64 = self.get(name)?;
        u64::try_from(value).map_err(|error| unreadable(name, &value, error))
    }

    fn money(&self, name: &str) -> Read<Usd> {
        self.get(name).map(Usd::from_micros)
    }

    fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Read<T> {
        let text: String = self.get(name)?;
        text.parse().map_err(|error| unreadable(name, &text, error))
    }

    fn maybe_parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Read<Option<T>> {
        self.get::<Option<String>>(name)?.map(|_| self.parsed(name)).transpose()
    }

    fn named<T: DeserializeOwned>(&self, name: &str) -> Read<T> {
        let text: String = self.get(name)?;
        serde_json::from_value(Value::String(text.clone())).map_err(|error| unreadable(name, &text, error))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Read<T> {
        parsed_json(name, &self.get::<String>(name)?)
    }

    fn maybe_json<T: DeserializeOwned>(&self, name: &str) -> Read<Option<T>> {
        self.get::<Option<String>>(name)?.map(|_| self.json(name)).transpose()
    }
}

pub(super) fn parsed_json<T: DeserializeOwned>(name: &str, text: &str) -> Read<T> {
    serde_json::from_str(text).map_err(|error| unreadable(name, &text, error))
}

/// Checks that clips of this size exist.
pub(super) fn sized(name: &str, order: &Order) -> Read<()> {
    match frame_size(&order.resolution, &order.aspect) {
        Some(_) => Ok(()),
        None => {
            let size = format!("{} {}", order.resolution, order.aspect);
            Err(unreadable(name, &size, "there is no such size"))
        }
    }
}

fn unreadable(name: &str, value: &impl Display, error: impl Display) -> Unreadable {
    let value: String = value.to_string().chars().take(80).collect();
    Unreadable(format!("column {name} holds {value:?}: {error}"))
}
