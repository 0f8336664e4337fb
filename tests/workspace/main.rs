//! What holds for the workspace as a whole: the public API of the libraries, the content of the packages, the oldest
//! compiler, and the number and the licences of the dependencies.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod api;
mod crates;
mod licences;
mod msrv;
mod packages;
