//! Values of parameters and columns, as SQLite has them.

use std::sync::Arc;

pub(in crate::ledger) use rusqlite::types::Value;
use rusqlite::types::{FromSql, FromSqlError};

use super::LedgerError;

pub(in crate::ledger) fn text(text: &str) -> Value {
    text.to_owned().into()
}

/// A row of a result.
#[derive(Debug)]
pub(in crate::ledger) struct Row {
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Value>,
}

impl Row {
    pub(in crate::ledger) fn get<T: FromSql>(&self, column: &str) -> Result<T, LedgerError> {
        let named = self.columns.iter().zip(&self.values).find(|(name, _)| *name == column);
        named
            .map_or(Err(FromSqlError::InvalidType), |(_, value)| T::column_result(value.into()))
            .map_err(|error| LedgerError::Sql(format!("the column {column} cannot be read: {error}")))
    }
}
