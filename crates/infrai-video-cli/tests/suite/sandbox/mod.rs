//! Sandboxes: inside a command, and in a process of their own.

mod embedded;
mod log;
mod options;
mod parent;
#[cfg(unix)]
mod persist;
mod server;
