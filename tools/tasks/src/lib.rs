//! The commands of `cargo xtask` except `regen`: check the contract, publish it, pack the command, and run every check of the
//! workspace.

mod checksum;
pub mod dist;
pub mod publish;
pub mod simulate;
pub mod test;
