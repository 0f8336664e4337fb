//! What the SDK does in the face of an unreliable network, judged by the requests on the wire, the charges in the sandbox's
//! ledger and the bytes on disk. No sockets and no waiting: the sandbox's router on tokio's paused clock.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod decoding;
mod download;
mod errors;
mod ids;
mod keys;
mod learned_interval;
mod list;
mod preflight;
mod readme;
mod retries;
mod secrets;
mod table;
mod wait;
mod wait_all;
