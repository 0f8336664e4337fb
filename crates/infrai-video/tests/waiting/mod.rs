//! Waits for jobs of unknown length on a paused clock: the number of requests, and the delay until the end of a job is known.
//! The SDK and other polling policies wait for the same jobs of the same service.
//!
//! One seed always gives the same jobs and the same requests, on any machine.
#![allow(dead_code, unused_imports, reason = "each program uses a part of it")]

mod bound;
mod lengths;
mod others;
mod ours;
mod service;

use std::cell::RefCell;
use std::sync::Arc;

use tokio::time::{Duration, Instant};

pub(crate) use bound::least_requests;
pub(crate) use lengths::{MEDIAN, draw as draw_length};
pub(crate) use service::ANSWER;
use service::{Planned, Service};

use crate::support::on_a_paused_clock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// `job.wait()` for one job, `wait_all` for several, with their defaults.
    Ours,
    /// `status` for each job, at this interval.
    Fixed(Duration),
    /// `status` for each job, at this interval or, if the service limits the rate, when a queue of all polls allows.
    Queued(Duration),
    /// `status` for each job, at an interval that doubles from one second up to this maximum.
    Doubling(Duration),
}

/// The jobs of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jobs {
    pub(crate) count: usize,
    /// The time over which they are submitted, evenly; zero for all at once.
    pub(crate) over: Duration,
    /// The number of requests that the service admits in a second; `None` for no limit.
    pub(crate) limit: Option<u32>,
}

/// The cost and the result of a wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waited {
    /// The number of requests, without submissions.
    pub(crate) requests: u64,
    /// The number of those to which the response was 429.
    pub(crate) refused: u64,
    /// For each job the seconds from its end until the client knew of it.
    pub(crate) delays: Vec<f64>,
}

/// Runs one wait.
pub(crate) fn play(policy: Policy, jobs: Jobs, seed: u64) -> Waited {
    on_a_paused_clock(async {
        let service = Arc::new(Service::new(planned(jobs, seed), jobs.limit));
        let queue = others::Queue::new(jobs.limit);
        match policy {
            Policy::Ours => ours::wait(&service, seed).await,
            Policy::Fixed(interval) if jobs.limit.is_none() => {
                others::wait(&service, None, |_| interval).await
            }
            // Without jitter the same few jobs would find the service free again and again.
            Policy::Fixed(interval) => {
                let random = RefCell::new(fastrand::Rng::with_seed(seed));
                others::wait(&service, None, |_| interval.mul_f64(0.9 + 0.2 * random.borrow_mut().f64()))
                    .await;
            }
            Policy::Queued(interval) => others::wait(&service, Some(&queue), |_| interval).await,
            Policy::Doubling(max) => others::wait(&service, None, |polls| doubled(polls).min(max)).await,
        }
        service.waited()
    })
}

fn planned(jobs: Jobs, seed: u64) -> Vec<Planned> {
    let mut random = fastrand::Rng::with_seed(seed);
    let started = Instant::now();
    let count = u32::try_from(jobs.count).expect("memory holds fewer jobs");
    let apart = jobs.over / count.max(1);
    let planned = (0..count).map(|number| {
        let submitted = started + apart * number;
        Planned { submitted, ends: submitted + draw_length(&mut random) }
    });
    planned.collect()
}

fn doubled(polls: u32) -> Duration {
    Duration::from_secs(1 << polls.min(32))
}
