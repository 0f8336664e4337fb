//! Waiting for jobs of which nobody knows how long they take, on a paused clock: how many requests it takes, and how late
//! the end of a job is known. The SDK and the policies that others follow meet the same service and the same jobs.
//!
//! One seed always gives the same jobs and the same requests, on any machine.

mod bound;
mod lengths;
mod others;
mod ours;
mod service;

use std::sync::Arc;

use serde::Serialize;
use tokio::time::{Duration, Instant};

pub use bound::least_requests;
pub use lengths::{MEDIAN, SPREAD};
pub use service::{ANSWER, PAGE};
use service::{Planned, Service};

/// How somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `job.wait()` for one job, `wait_all` for several, with their defaults.
    Ours,
    /// One `status` call a job, always so far apart.
    Fixed(Duration),
    /// One `status` call a job, with pauses from one second that double up to so many.
    Doubling(Duration),
}

/// The jobs of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// How many there are.
    pub count: usize,
    /// Over how long they are submitted, evenly; zero for all at once.
    pub over: Duration,
}

/// What a wait cost and gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waited {
    /// How many requests were sent, without those that submit a job.
    pub requests: u64,
    /// For each job the seconds from its end to the moment in which the client knew of it.
    pub delays: Vec<f64>,
}

/// Plays one wait.
///
/// # Panics
///
/// Where the machine itself fails, or a job's end is never known.
pub fn play(policy: Policy, jobs: Jobs, seed: u64) -> Waited {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(async {
        let service = Arc::new(Service::new(planned(jobs, seed)));
        match policy {
            Policy::Ours => ours::wait(&service, seed).await,
            Policy::Fixed(pause) => others::wait(&service, |_| pause).await,
            Policy::Doubling(most) => others::wait(&service, |polls| doubled(polls).min(most)).await,
        }
        service.waited()
    })
}

fn planned(jobs: Jobs, seed: u64) -> Vec<Planned> {
    let mut random = fastrand::Rng::with_seed(seed);
    let started = Instant::now();
    let count = u32::try_from(jobs.count).expect("so many jobs fit into no memory");
    let apart = jobs.over / count.max(1);
    let planned = (0..count).map(|number| {
        let submitted = started + apart * number;
        Planned { submitted, ends: submitted + lengths::draw(&mut random) }
    });
    planned.collect()
}

fn doubled(polls: u32) -> Duration {
    Duration::from_secs(1 << polls.min(32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Jobs = Jobs { count: 1, over: Duration::ZERO };

    #[test]
    fn a_seed_always_gives_the_same_wait() {
        let many = Jobs { count: 30, over: Duration::from_secs(60) };
        for policy in [Policy::Ours, Policy::Doubling(Duration::from_secs(30))] {
            assert_eq!(play(policy, many, 3), play(policy, many, 3));
            assert_ne!(play(policy, many, 3), play(policy, many, 4));
        }
    }

    #[test]
    fn a_fixed_pause_sends_what_it_must_and_is_late_by_a_pause_at_most() {
        let pause = Duration::from_secs(5);
        let cycle = (pause + ANSWER).as_secs_f64();
        for seed in 0..50 {
            let waited = play(Policy::Fixed(pause), ONE, seed);
            let length = lengths::draw(&mut fastrand::Rng::with_seed(seed)).as_secs_f64();
            let polls = ((length + ANSWER.as_secs_f64()) / cycle).ceil();
            assert_eq!(waited.requests as f64, polls, "a job of {length} s");
            // Timers count whole milliseconds.
            assert!((waited.delays[0] - (polls * cycle - length)).abs() < 0.002 * polls, "{waited:?}");
        }
    }

    #[test]
    fn many_jobs_are_waited_for_with_far_fewer_requests_than_a_poll_for_each() {
        let many = Jobs { count: 200, over: Duration::ZERO };
        let (ours, fixed) =
            (play(Policy::Ours, many, 1), play(Policy::Fixed(Duration::from_secs(5)), many, 1));
        assert_eq!(ours.delays.len(), 200);
        assert!(ours.requests * 10 < fixed.requests, "{} and {}", ours.requests, fixed.requests);
    }
}
