//! The lengths of jobs: a log-normal distribution.

use std::f64::consts::TAU;

use tokio::time::Duration;

/// The median in seconds.
pub(crate) const MEDIAN: f64 = 120.0;

/// The standard deviation of the logarithm: 1 in 93 jobs takes over 20 minutes, and the mean is 198 seconds.
pub(crate) const SPREAD: f64 = 1.0;

/// The next job's length.
pub(crate) fn draw(random: &mut fastrand::Rng) -> Duration {
    // Box-Muller transform; the first number must not be zero.
    let normal = (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos();
    Duration::from_secs_f64(MEDIAN * (SPREAD * normal).exp())
}

/// The density of the lengths, per second.
pub(super) fn density(seconds: f64) -> f64 {
    let normal = (seconds / MEDIAN).ln() / SPREAD;
    (-normal * normal / 2.0).exp() / (seconds * SPREAD * TAU.sqrt())
}
