//! The sandbox, seen from outside.

mod common;
mod downloads;
mod faults;
mod jobs;
mod lists;
mod money;
mod rendering;
mod requests;
mod sockets;
