//! The real binary against a sandbox in the test process.

mod batches;
mod common;
mod configuration;
mod documents;
mod failures;
mod files;
mod jobs;
mod ledger;
#[cfg(feature = "sandbox")]
mod sandbox;
