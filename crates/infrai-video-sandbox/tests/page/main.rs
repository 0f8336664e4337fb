//! The sandbox's page in a real browser. `cargo xtask test --only browser` runs these tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accessible;
mod browser;
mod cors;
mod jobs;
mod keyboard;
mod live;
mod pictures;
mod questions;
mod reference;
mod requests;
mod safety;
mod switches;
