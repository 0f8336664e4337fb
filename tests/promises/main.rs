//! What the SDK promises under a hostile network: judged by the requests on the wire, the money in the sandbox's ledger and
//! the bytes on the disk. No sockets and no waiting: the sandbox's router on tokio's paused clock.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod decoding;
mod downloads;
mod downloads_hosts;
mod downloads_parts;
mod downloads_ranges;
mod downloads_steps;
mod keys;
mod lists;
mod preflight;
mod retries;
mod secrets;
mod simulation;
mod table;
mod wait_all;
mod waits;
mod world;
