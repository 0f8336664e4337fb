//! The sandbox's page in a real browser. `cargo xtask test --only browser` runs these tests.

mod browser;
mod keyboard;
mod live;
mod pictures;
mod reference;
mod safety;
mod switches;
