//! `cargo xtask verify` against the sandbox, as it is and with each of its quirks, and against other servers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod local;
mod money;
mod other_server;
mod outages;
mod plain;
mod quirks;
mod recording;
mod replay;
