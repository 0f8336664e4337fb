//! `generate` and commands on jobs.

mod generate;
mod ids;
mod job_commands;
#[cfg(unix)]
mod signals;
