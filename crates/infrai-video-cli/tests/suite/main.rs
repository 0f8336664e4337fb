//! The real binary against a sandbox in the test's own process.

mod clips;
mod common;
#[cfg(feature = "sandbox")]
mod embedded;
#[cfg(all(unix, feature = "sandbox"))]
mod examples;
mod failures;
mod jobs;
#[cfg(all(unix, feature = "sandbox"))]
mod persist;
mod refusals;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(unix)]
mod signals;
mod typos;
