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

const EVERY_5: (&str, Policy) = ("every 5 s", Policy::Fixed(seconds(5)));

const POLICIES: &[(&str, Policy)] = &[
    ("ours", Policy::Ours),
    EVERY_5,
    ("every 10 s", Policy::Fixed(seconds(10))),
    ("every 0.5 s", Policy::Fixed(Duration::from_millis(500))),
    ("1 s, doubled up to 30 s", Policy::Doubling(seconds(30))),
];

/// For so many jobs that most services would limit the rate, or do.
const VERY_MANY: &[(&str, Policy)] =
    &[("ours", Policy::Ours), EVERY_5, ("every 5 s, in a queue", Policy::Queued(seconds(5)))];

const fn together(count: usize, limit: Option<u32>) -> Jobs {
    Jobs { count, over: Duration::ZERO, limit }
}

const WAITS: [Jobs; 8] = [
    together(1, None),
    together(100, None),
    together(1000, None),
    Jobs { count: 1000, over: seconds(600), limit: None },
    together(10_000, None),
    together(10_000, Some(100)),
    together(10_000, Some(10)),
    together(100_000, Some(100)),
];

fn main() {
    let seeds: u64 =
        std::env::args().nth(1).map_or(20_000, |seeds| seeds.parse().expect("SEEDS is a number"));
    for jobs in WAITS {
        // Many jobs are many draws in one.
        let least = seeds.div_ceil(if jobs.count > 10_000 { 10_000 } else { 3000 });
        let seeds = (seeds / jobs.count as u64).max(least);
        let policies = match jobs.count {
            ..=1000 => POLICIES,
            // Without a limit nothing waits in a queue.
            _ if jobs.limit.is_none() => &VERY_MANY[..2],
            _ => VERY_MANY,
        };
        for (name, policy) in policies {
            let played: Vec<_> = (0..seeds).map(|seed| play(*policy, jobs, seed)).collect();
            let requests = Mean::of(played.iter().map(|wait| wait.requests as f64));
            let refused = Mean::of(played.iter().map(|wait| wait.refused as f64));
            let delay = Mean::of(played.iter().map(|wait| Mean::of(wait.delays.iter().copied()).value));
            let mut delays: Vec<f64> = played.into_iter().flat_map(|wait| wait.delays).collect();
            delays.sort_by(f64::total_cmp);
            let p99 = delays[(delays.len() * 99).div_ceil(100) - 1];
            let slowest_tenth = Mean::of(delays[delays.len() / 10 * 9..].iter().copied()).value;
            let line = json!({
                "jobs": jobs.count, "over": jobs.over.as_secs(), "admitted": jobs.limit, "seeds": seeds, "policy": name,
                "requests": requests.value, "requests_error": requests.error, "refused": refused.value,
                "mean": delay.value, "mean_error": delay.error, "p99": p99, "slowest_tenth": slowest_tenth,
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
