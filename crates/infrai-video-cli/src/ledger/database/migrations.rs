//! The tables of a ledger, and the record of the migrations that created them.
//!
//! The record is that of sqlx, which earlier versions used. sqlx's own code for it would add another SQLite to the lock file.

use sha2::{Digest as _, Sha384};

use super::LedgerError;

/// The first and only migration.
pub(super) const ITEMS: &str = include_str!("../../../migrations/0001_items.sql");

/// Creates the record if there is none.
pub(super) const RECORD: &str = include_str!("../../../migrations/record.sql");

/// The version and the checksum of each migration that was applied.
pub(super) const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";

/// Records the first migration, of which the parameter is the checksum.
pub(super) const ITEMS_APPLIED: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
     VALUES (1, 'items', TRUE, $1, 0)";

pub(super) fn checksum() -> Vec<u8> {
    Sha384::digest(ITEMS).to_vec()
}

/// Whether the tables have to be created.
pub(super) fn are_due(applied: &[(i64, Vec<u8>)]) -> Result<bool, LedgerError> {
    match applied {
        [] => Ok(true),
        [(1, found)] if *found == checksum() => Ok(false),
        [(1, _)] => Err(LedgerError::Foreign("its tables are not those of a ledger".to_owned())),
        _ => Err(LedgerError::Newer),
    }
}
