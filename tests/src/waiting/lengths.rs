//! How long jobs take: a log-normal distribution, as waiting times often are.

use std::f64::consts::TAU;

use tokio::time::Duration;

/// Half of the jobs take at most so many seconds.
pub const MEDIAN: f64 = 120.0;

/// The standard deviation of the logarithm: 1 in 93 jobs takes over 20 minutes, and the mean is 198 seconds.
pub const SPREAD: f64 = 1.0;

/// The next job's length.
pub(super) fn draw(random: &mut fastrand::Rng) -> Duration {
    // Box and Muller's way from two even numbers to a normal one; the first must not be zero.
    let normal = (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos();
    Duration::from_secs_f64(MEDIAN * (SPREAD * normal).exp())
}

/// How likely a job is to end in a second after so many.
pub(super) fn density(seconds: f64) -> f64 {
    let normal = (seconds / MEDIAN).ln() / SPREAD;
    (-normal * normal / 2.0).exp() / (seconds * SPREAD * TAU.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_jobs_are_short_and_some_take_over_twenty_minutes() {
        let mut random = fastrand::Rng::with_seed(1);
        let lengths: Vec<f64> = (0..100_000).map(|_| draw(&mut random).as_secs_f64()).collect();
        let share = |longer_than: f64| {
            lengths.iter().filter(|length| **length > longer_than).count() as f64 / lengths.len() as f64
        };
        assert!((share(MEDIAN) - 0.5).abs() < 0.01, "{}", share(MEDIAN));
        assert!((share(1200.0) - 0.0107).abs() < 0.001, "{}", share(1200.0));
        let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
        assert!((mean - 198.0).abs() < 3.0, "{mean}");
    }
}
