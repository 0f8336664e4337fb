//! The sandbox with its state in a directory: stopped, killed, damaged, and started again.

mod clips;
mod common;
mod failing;
mod property;
mod refused;
mod restart;
