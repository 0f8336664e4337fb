//! The real binary against a sandbox in the test's own process.

mod batch;
mod clips;
mod common;
#[cfg(feature = "sandbox")]
mod embedded;
mod failures;
mod jobs;
#[cfg(all(unix, feature = "sandbox"))]
mod persist;
mod refusals;
mod resume;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(unix)]
mod signals;
