//! Durations of jobs.

use std::time::Duration;

/// How long a job takes on the sandbox's clock.
///
/// A job waits for `queued`. Then it runs for `running`, and `per_clip_second` for each second of its clip; 1080p
/// takes 1.5 times as long as 720p, and 4k three times; a vendor's speed divides it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobTimes {
    /// From acceptance to the start.
    pub queued: Duration,
    /// The run time of every 720p job, independent of its clip.
    pub running: Duration,
    /// The additional run time per second of a 720p clip.
    pub per_clip_second: Duration,
}

impl Default for JobTimes {
    fn default() -> Self {
        Self {
            queued: Duration::from_secs(1),
            running: Duration::from_secs(2),
            per_clip_second: Duration::from_millis(500),
        }
    }
}

impl JobTimes {
    /// Jobs finish at the moment they are accepted.
    pub const INSTANT: Self =
        Self { queued: Duration::ZERO, running: Duration::ZERO, per_clip_second: Duration::ZERO };

    /// The run time of a job.
    pub(crate) fn run(&self, duration_seconds: f64, resolution: &str, speed: f64) -> Duration {
        let size = match resolution {
            "4k" => 3.0,
            "1080p" => 1.5,
            _ => 1.0,
        };
        let plain = self.running.as_secs_f64() + self.per_clip_second.as_secs_f64() * duration_seconds;
        Duration::try_from_secs_f64(plain * size / speed).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_and_larger_clips_take_longer() {
        let times = JobTimes::default();
        assert_eq!(times.run(4.0, "720p", 1.0), Duration::from_secs(4));
        assert_eq!(times.run(8.0, "720p", 1.0), Duration::from_secs(6));
        assert_eq!(times.run(4.0, "4k", 1.0), Duration::from_secs(12));
        assert_eq!(times.run(4.0, "720p", 2.0), Duration::from_secs(2));
        assert_eq!(JobTimes::INSTANT.run(4.0, "4k", 1.0), Duration::ZERO);
    }
}
