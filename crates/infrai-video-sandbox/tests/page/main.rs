//! The sandbox's page in a real browser. `cargo xtask test --only browser` runs these tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod browser;
mod cors;
mod keyboard;
mod live;
mod pictures;
mod reference;
mod safety;
mod switches;
