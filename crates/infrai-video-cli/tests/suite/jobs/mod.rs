//! `generate` and commands on jobs.

mod generate;
mod ids;
mod job_commands;
mod list;
mod quirks;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod watch;
