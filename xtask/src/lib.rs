//! The commands of `cargo xtask`: generate from the contract, check the contract, and run every check of the workspace.

pub mod publish;
pub mod regen;
pub mod simulate;
pub mod test;
