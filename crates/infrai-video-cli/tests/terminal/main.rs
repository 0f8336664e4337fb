//! The real binary on a pseudo-terminal.
#![cfg(unix)]

mod batch;
#[allow(dead_code, reason = "shared with the suite without a terminal, which needs more of it")]
#[path = "../suite/common.rs"]
mod common;
mod completion;
mod config;
mod files;
mod foreign;
mod interrupts;
mod list;
mod live;
mod money;
mod plain;
mod progress;
mod pty;
mod tables;
mod words;
