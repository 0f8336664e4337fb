//! The sandbox, seen from outside.

mod admin;
mod common;
mod determinism;
mod downloads;
mod faults;
mod jobs;
mod lists;
mod money;
mod page;
mod rendering;
mod requests;
mod scenarios;
mod sockets;
