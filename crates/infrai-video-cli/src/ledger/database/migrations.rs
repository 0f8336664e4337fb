//! The tables of a ledger, and the record of the migrations that created them.
//!
//! The record is that of sqlx, which earlier versions used. sqlx's own code for it would add another SQLite to the lock file.

use sha2::{Digest as _, Sha384};

use super::LedgerError;

/// A change of the tables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Migration {
    pub(super) version: i64,
    pub(super) description: &'static str,
    pub(super) sql: &'static str,
}

/// All of them, in the order in which they are applied.
const ALL: [Migration; 2] = [
    Migration { version: 1, description: "items", sql: include_str!("../../../migrations/0001_items.sql") },
    Migration {
        version: 2,
        description: "charges",
        sql: include_str!("../../../migrations/0002_charges.sql"),
    },
];

/// Creates the record if there is none.
pub(super) const RECORD: &str = include_str!("../../../migrations/record.sql");

/// The version and the checksum of each migration that was applied.
pub(super) const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";

/// Records a migration: its version, its description and its checksum.
pub(super) const RECORD_ONE: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
     VALUES ($1, $2, TRUE, $3, 0)";

impl Migration {
    pub(super) fn checksum(&self) -> Vec<u8> {
        Sha384::digest(self.sql).to_vec()
    }
}

/// The migrations that are still to be applied.
pub(super) fn due(applied: &[(i64, Vec<u8>)]) -> Result<&'static [Migration], LedgerError> {
    if applied.len() > ALL.len() {
        return Err(LedgerError::Newer);
    }
    for ((version, checksum), migration) in applied.iter().zip(&ALL) {
        if *version != migration.version {
            return Err(LedgerError::Newer);
        }
        if *checksum != migration.checksum() {
            return Err(LedgerError::Foreign("its tables are not those of a ledger".to_owned()));
        }
    }
    Ok(&ALL[applied.len()..])
}
