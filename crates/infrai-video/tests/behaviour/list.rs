//! The list as streams of pages and jobs.

use futures_util::TryStreamExt as _;
use infrai_video::{ErrorKind, JobState};
use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::support::harness::Harness;

async fn harness_of(jobs: usize, faults: impl IntoIterator<Item = Fault>) -> Harness {
    let harness = Harness::of(Sandbox::builder().starting_balance(1000.0).faults(faults), |client| client);
    for _ in 0..jobs {
        harness.job().await;
    }
    harness
}

#[tokio::test(start_paused = true)]
async fn every_job_comes_once_and_each_page_keeps_the_limit() {
    let harness = harness_of(7, []).await;
    let ids: Vec<_> =
        harness.client.list().limit(3).items().map_ok(|job| job.job_id).try_collect().await.unwrap();
    let mut made: Vec<_> = harness.sandbox.jobs().into_iter().map(|job| job.job_id).collect();
    made.reverse();
    assert_eq!(ids, made);
    let requests = harness.requests(Operation::List);
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|seen| seen.query.as_deref().unwrap().contains("limit=3")));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_stream_is_polled_and_one_page_is_read_ahead() {
    let harness = harness_of(7, []).await;
    let mut pages = harness.client.list().limit(2).pages();
    tokio::task::yield_now().await;
    assert_eq!(harness.requests(Operation::List).len(), 0);
    pages.next().await.unwrap().unwrap();
    tokio::time::sleep(tokio::time::Duration::from_secs(1)).await;
    assert_eq!(harness.requests(Operation::List).len(), 2, "one page ahead, and no more");
}

#[tokio::test(start_paused = true)]
async fn a_list_continues_from_its_cursor_in_another_process() {
    let harness = harness_of(5, []).await;
    let mut pages = harness.client.list().limit(2).pages();
    let first = pages.next().await.unwrap().unwrap();
    let cursor = pages.cursor().unwrap().to_owned();
    drop(pages);
    let rest: Vec<_> = harness.client.list().limit(2).cursor(cursor).items().try_collect().await.unwrap();
    assert_eq!(first.items.as_ref().unwrap().len() + rest.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_repeats_is_an_error_and_not_an_endless_loop() {
    let harness = harness_of(7, [Fault::on(Operation::List, Action::CursorLoop)]).await;
    let mut items = harness.client.list().limit(2).items();
    let error = loop {
        match items.next().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Pagination);
    assert!(items.next().await.is_none(), "the stream is over after an error");
    assert!(harness.requests(Operation::List).len() <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_at_first_is_read_again() {
    let harness = harness_of(5, [Fault::on(Operation::List, Action::status(503)).times(2)]).await;
    assert_eq!(harness.client.list().limit(2).items().try_collect::<Vec<_>>().await.unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_filtered_page_by_page() {
    let harness = harness_of(3, []).await;
    let cancelled = harness.job().await;
    cancelled.cancel().await.unwrap();
    let listed: Vec<_> =
        harness.client.list().limit(1).with_state(JobState::Cancelled).items().try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|job| job.job_id.as_str()).collect::<Vec<_>>(), [cancelled.id()]);
}
