//! What `cargo xtask` can do: generate from the contract, check the contract, and run every check of the workspace.
//!
//! The contract tests use [`contract`] and [`json_schema`] as a library, so that they and the checks here read the
//! document in one and the same way.

pub mod contract;
pub mod counts;
pub mod diff;
pub mod fixtures;
pub mod json_schema;
pub mod lint;
pub mod provenance;
pub mod publish;
pub mod regen;
pub mod samples;
pub mod simulate;
pub mod test;
