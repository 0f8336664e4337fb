//! Waits for many jobs that learn how long their jobs take.

use futures_util::stream;
use infrai_video::JobId;
use infrai_video::wait::{PollBackoff, WaitAll};
use infrai_video_sandbox::{Action, Fault, JobTimes, Operation, Sandbox};
use tokio::time::{Duration, Instant};

use crate::support::harness::Harness;

const JOBS: u32 = 100;

/// The shortest interval, as it is configured and as it may become.
const CONFIGURED: Duration = Duration::from_secs(1);
const LEARNED: Duration = Duration::from_millis(100);

/// A harness whose jobs take two seconds for each second of their clip, those of its [`job`](Harness::job) 0.4 s.
fn harness(faults: impl IntoIterator<Item = Fault>) -> Harness {
    let per_clip_second = Duration::from_secs(2);
    let times = JobTimes { queued: Duration::ZERO, running: Duration::ZERO, per_clip_second };
    Harness::of(Sandbox::builder().job_times(times).starting_balance(1e6).faults(faults), |client| client)
}

fn backoff() -> PollBackoff {
    PollBackoff::between(CONFIGURED, Duration::from_secs(5))
}

/// Waits for jobs that are submitted one after another, each once the one before has succeeded, and for those of `others`. Returns
/// how long that took.
async fn run(harness: &Harness, others: Vec<JobId>, backoff: PollBackoff) -> Duration {
    let started = Instant::now();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let more = stream::poll_fn(move |context| receiver.poll_recv(context));
    let wait: WaitAll = harness.client.wait_all(others.clone()).with_backoff(backoff);
    let mut results = wait.results_with(more);
    for _ in 0..JOBS {
        let id = harness.job().await.id().to_owned();
        sender.send(id.clone()).unwrap();
        while results.next().await.unwrap().0 != id {}
    }
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn jobs_that_take_less_than_the_shortest_interval_are_polled_sooner_once_one_has_succeeded() {
    let requests = |harness: &Harness| harness.requests(Operation::Status).len() as f64 / f64::from(JOBS);
    let fixed = harness([]);
    assert!(run(&fixed, Vec::new(), backoff()).await > CONFIGURED.mul_f64(0.9) * JOBS);
    assert!(requests(&fixed) < 1.1);

    let learning = harness([]);
    let took = run(&learning, Vec::new(), backoff().with_learned_min(LEARNED)).await;
    assert!(took < Duration::from_millis(600) * JOBS, "{took:?}");
    assert!(requests(&learning) < 4.0, "{} polls for each job", requests(&learning));
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_is_learned_has_a_lower_bound() {
    let harness = harness([]);
    let bound = Duration::from_millis(800);
    assert!(
        run(&harness, Vec::new(), backoff().with_learned_min(bound)).await > bound.mul_f64(0.9) * (JOBS - 2)
    );
}

#[tokio::test(start_paused = true)]
async fn jobs_that_take_long_are_polled_as_without_learning() {
    let mut polls = Vec::new();
    for backoff in [backoff(), backoff().with_learned_min(LEARNED)] {
        let times = JobTimes { running: Duration::from_secs(120), ..JobTimes::default() };
        let harness = Harness::of(Sandbox::builder().job_times(times).starting_balance(1e6), |client| client);
        run(&harness, Vec::new(), backoff).await;
        polls.push(harness.requests(Operation::Status).len() as f64);
    }
    assert!((0.95..1.05).contains(&(polls[1] / polls[0])), "{polls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_longer_than_the_others_is_not_polled_as_often() {
    // Without a list, each poll is a call.
    let harness = harness([Fault::on(Operation::List, Action::status(501))]);
    let long = harness.client.generate("a film").duration_seconds(30.0).submit().await.unwrap();
    let took = run(&harness, vec![long.id().to_owned()], backoff().with_learned_min(LEARNED)).await;
    assert!(took < Duration::from_secs(60), "the long job is still running after {took:?}");
    let (mut of_long, mut of_others) = (0, 0);
    for seen in harness.requests(Operation::Status) {
        *(if seen.path.contains(long.id().as_str()) { &mut of_long } else { &mut of_others }) += 1;
    }
    // Each poll comes after a tenth of the time before it, and the first ones at the shortest interval.
    let most = 20.0 + (took.as_secs_f64() / 0.5).ln() / 1.09_f64.ln();
    assert!(f64::from(of_long) < most && of_others > 2 * of_long, "{of_long} of {of_others}");
}

#[tokio::test(start_paused = true)]
async fn a_round_that_failed_restores_the_configured_interval() {
    let harness = harness([]);
    let submit = async |number: u32| {
        let mut ids = Vec::new();
        for _ in 0..number {
            ids.push(harness.job().await.id().to_owned());
        }
        ids
    };
    let first = submit(2).await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let more = stream::poll_fn(move |context| receiver.poll_recv(context));
    let wait = harness.client.wait_all(first).with_backoff(backoff().with_learned_min(LEARNED));
    let mut results = wait.results_with(more);
    results.next().await.unwrap().1.unwrap();
    results.next().await.unwrap().1.unwrap();
    harness.sandbox.set_faults([Fault::on(Operation::List, Action::status(503)).times(10)]);
    let started = Instant::now();
    for id in submit(2).await {
        sender.send(id).unwrap();
    }
    results.next().await.unwrap().1.unwrap();
    let took = started.elapsed();
    assert!(took > CONFIGURED.mul_f64(0.9) * 10, "ten rounds failed within {took:?}");
}
