//! The commands of `cargo xtask` except `regen`: check the contract, publish it, and run every check of the workspace.

pub mod publish;
pub mod simulate;
pub mod test;
