//! Tests with a shared database. `cargo xtask test --only machines` runs them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod fleet;
mod kills;
mod outages;
mod postgres;
mod sharing;
