//! Waiting for many jobs at once.

use futures_util::StreamExt as _;
use infrai_video::{WaitError, WaitErrorKind};
use infrai_video_sandbox::{Action, Fault, JobTimes, Operation, Sandbox};
use tokio::time::Duration;

use crate::world::World;

/// A world with that many jobs, which run for ten minutes; gives their ids.
async fn world_of(jobs: usize, faults: impl IntoIterator<Item = Fault>) -> (World, Vec<String>) {
    let times = JobTimes { running: Duration::from_secs(600), ..JobTimes::default() };
    let sandbox = Sandbox::builder().job_times(times).starting_balance(10_000.0).faults(faults);
    let world = World::of(sandbox, |client| client);
    let mut ids = Vec::new();
    for _ in 0..jobs {
        ids.push(world.job().await.id().to_owned());
    }
    (world, ids)
}

fn kinds(results: &[(String, Result<infrai_video::Finished, WaitError>)]) -> Vec<Option<WaitErrorKind>> {
    results.iter().map(|(_, result)| result.as_ref().err().map(WaitError::kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn many_jobs_cost_a_page_for_each_hundred_and_no_status_call() {
    let (world, ids) = world_of(250, []).await;
    let results: Vec<_> = world.client.wait_all(ids.clone()).results().collect().await;
    assert_eq!(results.len(), 250);
    assert!(results.iter().all(|(_, result)| result.is_ok()));
    assert!(world.requests(Operation::Status).is_empty());
    let lists = world.requests(Operation::List).len();
    assert!(lists < 250, "{lists} pages for 250 jobs of ten minutes");
}

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_in_which_jobs_finish() {
    let (world, mut ids) = world_of(1, []).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    ids.push(world.job().await.id().to_owned());
    let mut results = world.client.wait_all(ids.iter().rev().cloned()).results();
    assert_eq!(results.next().await.unwrap().0, ids[0]);
    assert_eq!(world.sandbox.jobs().iter().filter(|job| job.state.is_terminal()).count(), 1);
    assert_eq!(results.next().await.unwrap().0, ids[1]);
    assert!(results.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn one_jobs_failure_leaves_the_others_alone() {
    let (world, mut ids) = world_of(2, []).await;
    ids.push(world.client.generate("a city [fail]").submit().await.unwrap().id().to_owned());
    let cancelled = world.job().await;
    cancelled.cancel().await.unwrap();
    ids.extend([cancelled.id().to_owned(), "vj_of_nobody".to_owned(), "not an id".to_owned()]);
    let mut results: Vec<_> = world.client.wait_all(ids.clone()).results().collect().await;
    results.sort_by_key(|(id, _)| ids.iter().position(|known| known == id));
    let (failed, cancelled, refused) =
        (WaitErrorKind::Failed, WaitErrorKind::Cancelled, WaitErrorKind::Refused);
    assert_eq!(kinds(&results), [None, None, Some(failed), Some(cancelled), Some(refused), Some(refused)]);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_no_page_shows_are_asked_for_one_by_one() {
    let (world, ids) = world_of(2, []).await;
    for _ in 0..250 {
        world.job().await; // newer jobs that nobody waits for fill the first pages
    }
    let results: Vec<_> = world.client.wait_all(ids).results().collect().await;
    assert_eq!(kinds(&results), [None, None]);
    assert!(!world.requests(Operation::Status).is_empty());
}

#[tokio::test(start_paused = true)]
async fn errors_of_looks_do_not_end_the_wait() {
    let faults = [
        Fault::on(Operation::List, Action::status(503)).times(5),
        Fault::on(Operation::List, Action::DropBefore).times(5),
        Fault::on(Operation::List, Action::rate_limited(20)).times(1),
    ];
    let (world, ids) = world_of(3, faults).await;
    let results: Vec<_> = world.client.wait_all(ids).results().collect().await;
    assert_eq!(kinds(&results), [None, None, None]);
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_at_its_deadline_or_out_of_reach_with_every_job_named() {
    let (world, ids) = world_of(3, []).await;
    let wait = world.client.wait_all(ids.clone()).with_max_wait(Duration::from_secs(60));
    let results: Vec<_> = wait.results().collect().await;
    assert_eq!(kinds(&results), [Some(WaitErrorKind::TimedOut); 3]);
    assert!(results.iter().all(|(id, _)| ids.contains(id)));

    world.sandbox.set_faults([Fault::anywhere(Action::DropBefore)]);
    let wait = world.client.wait_all(ids).with_poll_errors(Duration::from_secs(60));
    assert_eq!(kinds(&wait.results().collect::<Vec<_>>().await), [Some(WaitErrorKind::Unreachable); 3]);
}
