//! Values of parameters and columns.

use std::sync::Arc;

use super::LedgerError;

/// A value or NULL, which has a type too: PostgreSQL prepares a statement for the types of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ledger) enum Value {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
}

pub(in crate::ledger) fn integer(value: impl Into<Option<i64>>) -> Value {
    Value::Integer(value.into())
}

pub(in crate::ledger) fn real(value: impl Into<Option<f64>>) -> Value {
    Value::Real(value.into())
}

pub(in crate::ledger) fn text<'a>(value: impl Into<Option<&'a str>>) -> Value {
    Value::Text(value.into().map(str::to_owned))
}

/// A row of a result.
#[derive(Debug)]
pub(in crate::ledger) struct Row {
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Value>,
}

impl Row {
    /// Reads a column, of which SQLite allows values of any type.
    pub(in crate::ledger) fn get<T: Column>(&self, name: &str) -> Result<T, LedgerError> {
        let named = self.columns.iter().zip(&self.values).find(|(column, _)| *column == name);
        named
            .and_then(|(_, value)| T::read(value))
            .ok_or_else(|| LedgerError::Sql(format!("the column {name:?} has no value of its type")))
    }
}

/// The type of a column.
pub(in crate::ledger) trait Column: Sized {
    fn read(value: &Value) -> Option<Self>;
}

impl<T: Column> Column for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(None) | Value::Real(None) | Value::Text(None) => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

impl Column for i64 {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Integer(value) = value { *value } else { None }
    }
}

impl Column for f64 {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Real(value) = value { *value } else { None }
    }
}

impl Column for String {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Text(value) = value { value.clone() } else { None }
    }
}
