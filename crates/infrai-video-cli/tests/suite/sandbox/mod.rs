//! Sandboxes: inside a command, and in a process of their own.

mod embedded;
mod options;
#[cfg(unix)]
mod persist;
