//! The real binary against a sandbox in the test process.

mod batch;
mod clips;
mod common;
mod credentials;
mod documents;
mod dry_runs;
#[cfg(feature = "sandbox")]
mod embedded;
#[cfg(all(unix, feature = "sandbox"))]
mod examples;
mod exit_codes;
mod failures;
#[cfg(feature = "sandbox")]
mod help;
mod ids;
mod jobs;
mod json;
mod ledger_faults;
mod left;
mod missing;
#[cfg(all(unix, feature = "sandbox"))]
mod persist;
mod plans;
mod readme;
mod refusals;
mod resume;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(unix)]
mod signals;
mod typos;
