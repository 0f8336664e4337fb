//! Programs that the checks and the benchmarks run: how they are started, installed and stopped.
//!
//! Packages from npm and PyPI have pinned versions and are installed below `target`, one directory for each set. Programs of
//! the system are only looked up here; `cargo xtask test` installs them if `CI=true`.

pub mod cargo;
pub mod node;
pub mod openapi_generator;
pub mod postgres;
pub mod prism;
pub mod process;
pub mod programs;
pub mod python;
pub mod server;
pub mod skip;
pub mod workspace;

use std::sync::Mutex;

pub use process::Process;

/// Held while packages are installed: the tests of one binary run in parallel and share the directories.
static INSTALLATION: Mutex<()> = Mutex::new(());
