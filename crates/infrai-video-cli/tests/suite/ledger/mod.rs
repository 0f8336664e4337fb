//! The ledger and `resume`.

mod dry_runs;
mod not_resumed;
mod resume;
mod unusable;
mod usage;
