//! The table of changes: written in one row for each transaction, applied in order at the next start.

use jiff::Timestamp;
use rusqlite::{Connection, Result};

use super::load::{Read, each, parsed_json, sized};
use super::snapshot;
use crate::store::state::{Change, State};

/// The number of changes in a row of a compacted table.
const PER_ROW: usize = 1000;

/// The size of the JSON of most transactions.
const TYPICAL: usize = 1024;

/// The JSON array of some changes.
pub(super) fn json(changes: &[Change]) -> String {
    let mut json = Vec::with_capacity(TYPICAL);
    serde_json::to_writer(&mut json, changes).expect("changes contain only values that JSON can represent");
    String::from_utf8(json).expect("JSON is text")
}

/// Adds a row.
pub(super) fn add(db: &Connection, lines: &str) -> Result<()> {
    db.execute("INSERT INTO changes (changes_json) VALUES (?)", [lines]).map(|_| ())
}

/// Removes all changes.
pub(super) fn clear(db: &Connection) -> Result<()> {
    db.execute_batch("DELETE FROM changes; UPDATE meta SET last_job_number = 0, topups_forgotten = 0")
}

pub(super) fn set_clock(db: &Connection, clock: Option<Timestamp>) -> Result<()> {
    db.execute("UPDATE meta SET clock = ?", [clock.map(|at| at.to_string())]).map(|_| ())
}

/// Applies all changes. Returns their number.
pub(super) fn apply(db: &Connection, state: &mut State) -> Read<usize> {
    let mut count = 0;
    each(db, "SELECT changes_json FROM changes ORDER BY number", |row| {
        for line in row.get::<String>("changes_json")?.lines() {
            for change in parsed_json::<Vec<Change>>("changes_json", line)? {
                if let Change::JobAccepted(job) = &change {
                    sized("changes_json", &job.order)?;
                }
                state.apply(change);
                count += 1;
            }
        }
        Ok(())
    })?;
    Ok(count)
}

/// Replaces all tables but `meta` with the changes that lead to this state.
pub(super) fn compact(db: &Connection, state: &State) -> Result<()> {
    db.execute_batch(
        "DROP TABLE IF EXISTS accounts; DROP TABLE IF EXISTS jobs; DROP TABLE IF EXISTS deleted_jobs; \
         DROP TABLE IF EXISTS ledger; DROP TABLE IF EXISTS idempotency_keys; DROP TABLE IF EXISTS topups; \
         DROP TABLE IF EXISTS lost_answers; DELETE FROM changes",
    )?;
    let counters = "UPDATE meta SET last_job_number = ?, topups_forgotten = ?";
    db.execute(counters, [state.last_number.cast_signed(), state.topups_forgotten.cast_signed()])?;
    let changes: Vec<Change> = snapshot::changes(state).collect();
    changes.chunks(PER_ROW).try_for_each(|changes| add(db, &json(changes)))
}
