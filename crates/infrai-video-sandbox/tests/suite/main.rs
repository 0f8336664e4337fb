//! The sandbox, seen from outside.

mod account_scope;
mod accounts;
mod admin;
mod common;
mod cors;
mod determinism;
mod downloads;
mod faults;
mod hosts;
mod jobs;
mod lists;
mod money;
mod observer;
mod page;
mod quirks;
mod rendering;
mod requests;
mod scenarios;
mod server;
mod sockets;
