//! What needs a database that several machines share. `cargo xtask test --only machines` runs these tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod fleet;
mod kills;
mod outages;
mod postgres;
mod sharing;
