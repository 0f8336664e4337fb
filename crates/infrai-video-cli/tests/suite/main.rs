//! The real binary against a sandbox in the test's own process.

mod clips;
mod common;
#[cfg(feature = "sandbox")]
mod embedded;
mod failures;
mod jobs;
mod json;
#[cfg(all(unix, feature = "sandbox"))]
mod persist;
mod refusals;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(unix)]
mod signals;
