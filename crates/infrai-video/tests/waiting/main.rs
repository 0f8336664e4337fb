//! Tests of the virtual service behind `cargo xtask bench --only waiting` and the costs of a wait.

#[path = "../support/mod.rs"]
mod support;
#[path = "mod.rs"]
mod waiting;

use tokio::time::Duration;
use waiting::{ANSWER, Jobs, MEDIAN, Policy, draw_length, least_requests, play};

const ONE: Jobs = Jobs { count: 1, over: Duration::ZERO, limit: None };

#[test]
fn a_seed_always_gives_the_same_wait() {
    let many = Jobs { count: 30, over: Duration::from_secs(60), limit: None };
    for policy in [Policy::Ours, Policy::Doubling(Duration::from_secs(30))] {
        assert_eq!(play(policy, many, 3), play(policy, many, 3));
        assert_ne!(play(policy, many, 3), play(policy, many, 4));
    }
}

#[test]
fn a_fixed_interval_is_late_by_at_most_one_interval() {
    let interval = Duration::from_secs(5);
    let cycle = (interval + ANSWER).as_secs_f64();
    for seed in 0..50 {
        let waited = play(Policy::Fixed(interval), ONE, seed);
        let length = draw_length(&mut fastrand::Rng::with_seed(seed)).as_secs_f64();
        let polls = ((length + ANSWER.as_secs_f64()) / cycle).ceil();
        assert_eq!(waited.requests as f64, polls, "a job of {length} s");
        // Timers count whole milliseconds.
        assert!((waited.delays[0] - (polls * cycle - length)).abs() < 0.002 * polls, "{waited:?}");
    }
}

#[test]
fn a_wait_for_many_jobs_sends_far_fewer_requests_than_a_poll_for_each() {
    let many = Jobs { count: 200, over: Duration::ZERO, limit: None };
    let (ours, fixed) = (play(Policy::Ours, many, 1), play(Policy::Fixed(Duration::from_secs(5)), many, 1));
    assert_eq!(ours.delays.len(), 200);
    assert!(ours.requests * 10 < fixed.requests, "{} and {}", ours.requests, fixed.requests);
}

/// A round takes 10 requests. If it began again at each 429, it would never reach the oldest jobs.
#[test]
fn a_low_rate_limit_delays_no_job_much_longer_than_the_others() {
    let limited = Jobs { count: 1000, over: Duration::ZERO, limit: Some(2) };
    let waited = play(Policy::Ours, limited, 1);
    assert!(waited.refused > 0, "the limit does not bind");
    let share = waited.refused as f64 / waited.requests as f64;
    assert!(share < 0.4, "{share} of the requests were refused");
    for jobs in waited.delays.chunks(100) {
        let mean = jobs.iter().sum::<f64>() / jobs.len() as f64;
        assert!(mean < 15.0, "{mean} s, where a round takes at least 5 s");
    }
}

#[test]
fn a_queue_is_never_refused_and_others_are() {
    let limited = Jobs { count: 200, over: Duration::ZERO, limit: Some(20) };
    let interval = Duration::from_secs(5);
    let (queued, fixed) =
        (play(Policy::Queued(interval), limited, 1), play(Policy::Fixed(interval), limited, 1));
    assert_eq!(queued.refused, 0);
    assert!(
        fixed.refused > 0 && fixed.requests > queued.requests,
        "{} and {}",
        fixed.requests,
        queued.requests
    );
}

#[test]
fn half_of_the_jobs_are_short_and_some_take_over_twenty_minutes() {
    let mut random = fastrand::Rng::with_seed(1);
    let lengths: Vec<f64> = (0..100_000).map(|_| draw_length(&mut random).as_secs_f64()).collect();
    let share = |longer_than: f64| {
        lengths.iter().filter(|length| **length > longer_than).count() as f64 / lengths.len() as f64
    };
    assert!((share(MEDIAN) - 0.5).abs() < 0.01, "{}", share(MEDIAN));
    assert!((share(1200.0) - 0.0107).abs() < 0.001, "{}", share(1200.0));
    let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
    assert!((mean - 198.0).abs() < 3.0, "{mean}");
}

#[test]
fn the_limit_for_one_job_is_slightly_below_a_fixed_interval() {
    // An interval of 5 s takes 40 requests for a mean job of 198 s, with a mean delay of 2.5 s.
    let least = least_requests(1, 2.5);
    assert!((37.0..39.0).contains(&least), "{least}");
}

#[test]
fn the_limit_for_many_jobs_is_far_below_a_poll_for_each() {
    assert!(least_requests(1000, 2.5) < 1000.0 * least_requests(1, 2.5) / 15.0);
    assert!(least_requests(100, 2.5) < least_requests(1000, 2.5));
}
