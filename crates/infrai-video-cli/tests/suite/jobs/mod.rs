//! `generate` and commands on jobs.

mod generate;
mod ids;
mod job_commands;
mod list;
mod quirks;
#[cfg(unix)]
mod signals;
mod slow_calls;
#[cfg(unix)]
mod watch;
