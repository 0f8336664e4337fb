//! Plays waits by several policies, and prints what each cost and gave: a JSON object on each line. `cargo xtask bench
//! --only waiting` makes a table of them.
#![allow(clippy::print_stdout, reason = "this is where the result leaves the program")]

use std::time::Duration;

use clap::Parser;
use contract_tests::waiting::{Jobs, Policy, least_requests, play};
use serde_json::json;

/// Plays waits for jobs of unknown length.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play of a wait for one job; of larger ones there are fewer.
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// Play this policy alone.
    #[arg(long)]
    policy: Option<String>,
    /// Play waits for so many jobs alone.
    #[arg(long)]
    jobs: Option<usize>,
}

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
    let arguments = Arguments::parse();
    let chosen = |jobs: &Jobs| arguments.jobs.is_none_or(|count| jobs.count == count);
    for jobs in WAITS.into_iter().filter(chosen) {
        // Many jobs are many draws in one.
        let seeds = (arguments.seeds / jobs.count as u64).max(arguments.seeds.div_ceil(1000));
        let wanted = |name: &str| arguments.policy.as_ref().is_none_or(|policy| policy == name);
        for (name, policy) in POLICIES.into_iter().filter(|(name, _)| wanted(name)) {
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
