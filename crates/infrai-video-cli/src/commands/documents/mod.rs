//! Commands that print documents about this program.

pub(super) mod completions;
pub(super) mod man;
pub(super) mod schema;
