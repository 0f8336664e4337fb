//! Runs waits by several policies, and prints the cost and the delay of each: a JSON object on each line.
//!
//! `waiting [SEEDS]`: `SEEDS` is the number of waits for one job; there are fewer waits for many jobs.
#![allow(clippy::print_stdout, reason = "the result goes to stdout")]

#[path = "../support/mod.rs"]
mod support;
#[path = "mod.rs"]
mod waiting;

use std::time::Duration;

use serde_json::json;
use waiting::{Jobs, Policy, least_requests, play};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const POLICIES: [(&str, Policy); 5] = [
    ("ours", Policy::Ours),
    ("every 5 s", Policy::Fixed(seconds(5))),
    ("every 10 s", Policy::Fixed(seconds(10))),
    ("every 0.5 s", Policy::Fixed(Duration::from_millis(500))),
    ("1 s, doubled up to 30 s", Policy::Doubling(seconds(30))),
];

const WAITS: [Jobs; 4] = [
    Jobs { count: 1, over: Duration::ZERO },
    Jobs { count: 100, over: Duration::ZERO },
    Jobs { count: 1000, over: Duration::ZERO },
    Jobs { count: 1000, over: seconds(600) },
];

fn main() {
    let seeds = std::env::args().nth(1).map_or(20_000, |seeds| seeds.parse().expect("SEEDS is a number"));
    for jobs in WAITS {
        // Many jobs are many draws in one.
        let seeds = (seeds / jobs.count as u64).max(seeds.div_ceil(1000));
        for (name, policy) in POLICIES {
            let played: Vec<_> = (0..seeds).map(|seed| play(policy, jobs, seed)).collect();
            let requests = Mean::of(played.iter().map(|wait| wait.requests as f64));
            let delay = Mean::of(played.iter().map(|wait| Mean::of(wait.delays.iter().copied()).value));
            let mut delays: Vec<f64> = played.into_iter().flat_map(|wait| wait.delays).collect();
            delays.sort_by(f64::total_cmp);
            let p99 = delays[(delays.len() * 99).div_ceil(100) - 1];
            let line = json!({
                "jobs": jobs.count, "over": jobs.over.as_secs(), "seeds": seeds, "policy": name,
                "requests": requests.value, "requests_error": requests.error,
                "mean": delay.value, "mean_error": delay.error, "p99": p99,
                "least": least_requests(jobs.count, delay.value),
            });
            println!("{line}");
        }
    }
}

/// A mean, and how far it may be from that of all seeds: its standard error.
struct Mean {
    value: f64,
    error: f64,
}

impl Mean {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let value = values.clone().sum::<f64>() / count;
        let squares = values.map(|one| (one - value).powi(2)).sum::<f64>();
        Self { value, error: (squares / (count - 1.0).max(1.0) / count).sqrt() }
    }
}
