//! `generate` and commands on jobs.

mod generate;
mod ids;
mod job_commands;
mod quirks;
#[cfg(unix)]
mod signals;
