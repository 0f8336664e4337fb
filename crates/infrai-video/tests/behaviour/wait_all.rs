//! Waits for many jobs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::{Stream, StreamExt as _, stream};
use infrai_video::JobId;
use infrai_video::wait::{PollBackoff, WaitError, WaitErrorKind};
use infrai_video_sandbox::{Action, Fault, JobTimes, Operation, Sandbox};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

use crate::support::harness::Harness;

/// A harness with `jobs` jobs that run for ten minutes, and their ids.
async fn harness_of(jobs: usize, faults: impl IntoIterator<Item = Fault>) -> (Harness, Vec<JobId>) {
    let times = JobTimes { running: Duration::from_secs(600), ..JobTimes::default() };
    let sandbox = Sandbox::builder().job_times(times).starting_balance(10_000.0).faults(faults);
    let harness = Harness::of(sandbox, |client| client);
    let mut ids = Vec::new();
    for _ in 0..jobs {
        ids.push(harness.job().await.id().to_owned());
    }
    (harness, ids)
}

fn kinds(results: &[(JobId, Result<infrai_video::wait::Finished, WaitError>)]) -> Vec<Option<WaitErrorKind>> {
    results.iter().map(|(_, result)| result.as_ref().err().map(WaitError::kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn many_jobs_cost_a_page_for_each_hundred_and_no_status_call() {
    let (harness, ids) = harness_of(250, []).await;
    let results: Vec<_> = harness.client.wait_all(ids.clone()).results().collect().await;
    assert_eq!(results.len(), 250);
    assert!(results.iter().all(|(_, result)| result.is_ok()));
    assert!(harness.requests(Operation::Status).is_empty());
    let lists = harness.requests(Operation::List).len();
    assert!(lists < 900, "{lists} pages for 250 jobs of ten minutes");
}

#[tokio::test(start_paused = true)]
async fn results_are_in_the_order_in_which_jobs_finish() {
    let (harness, mut ids) = harness_of(1, []).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    ids.push(harness.job().await.id().to_owned());
    let mut results = harness.client.wait_all(ids.iter().rev().cloned()).results();
    assert_eq!(results.next().await.unwrap().0, ids[0]);
    assert_eq!(harness.sandbox.jobs().iter().filter(|job| job.state.is_terminal()).count(), 1);
    assert_eq!(results.next().await.unwrap().0, ids[1]);
    assert!(results.next().await.is_none());
}

/// `list` and `status` are two routes: one can fail while the other works.
#[tokio::test(start_paused = true)]
async fn a_rejected_list_ends_no_wait() {
    for status in [400, 403, 404, 405, 410, 501] {
        let (harness, ids) = harness_of(3, [Fault::on(Operation::List, Action::status(status))]).await;
        let results: Vec<_> = harness.client.wait_all(ids).results().collect().await;
        let expected = if status == 403 { Some(WaitErrorKind::Refused) } else { None };
        assert_eq!(kinds(&results), [expected; 3], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_jobs_failure_does_not_affect_the_others() {
    let (harness, mut ids) = harness_of(2, []).await;
    ids.push(harness.client.generate("a city [fail]").submit().await.unwrap().id().to_owned());
    let cancelled = harness.job().await;
    cancelled.cancel().await.unwrap();
    ids.push(cancelled.id().to_owned());
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).chain(["vj_of_nobody", ".."]).collect();
    let mut results: Vec<_> = harness.client.wait_all(&ids).results().collect().await;
    results.sort_by_key(|(id, _)| ids.iter().position(|known| id == known));
    let (failed, cancelled, refused) =
        (WaitErrorKind::Failed, WaitErrorKind::Cancelled, WaitErrorKind::Refused);
    assert_eq!(kinds(&results), [None, None, Some(failed), Some(cancelled), Some(refused), Some(refused)]);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_no_page_shows_are_polled_one_by_one() {
    let (harness, ids) = harness_of(2, []).await;
    for _ in 0..250 {
        harness.job().await; // newer jobs that nobody waits for fill the first pages
    }
    let results: Vec<_> = harness.client.wait_all(ids).results().collect().await;
    assert_eq!(kinds(&results), [None, None]);
    assert!(!harness.requests(Operation::Status).is_empty());
    assert_eq!(
        harness.requests(Operation::List).len(),
        2,
        "the first round has shown that it takes more pages"
    );
}

/// 100 jobs would be expected on two pages.
#[tokio::test(start_paused = true)]
async fn jobs_between_many_others_are_found_on_later_pages() {
    let (harness, ids) = harness_of(600, []).await;
    let mut results = harness.client.wait_all(ids.iter().step_by(6)).results();
    assert!(tokio::time::timeout(Duration::from_secs(1), results.next()).await.is_err());
    assert_eq!(harness.requests(Operation::List).len(), 6);
    assert!(harness.requests(Operation::Status).is_empty());
}

#[tokio::test(start_paused = true)]
async fn errors_of_rounds_do_not_end_the_wait() {
    let faults = [
        Fault::on(Operation::List, Action::status(503)).times(5),
        Fault::on(Operation::List, Action::DropBefore).times(5),
        Fault::on(Operation::List, Action::rate_limited(20)).times(1),
    ];
    let (harness, ids) = harness_of(3, faults).await;
    let results: Vec<_> = harness.client.wait_all(ids).results().collect().await;
    assert_eq!(kinds(&results), [None, None, None]);
    assert!(harness.requests(Operation::Status).is_empty(), "no failed page is replaced by many polls");
}

#[tokio::test(start_paused = true)]
async fn rounds_respect_retry_after() {
    for (jobs, operation) in [(1, Operation::Status), (2, Operation::List)] {
        let (harness, ids) = harness_of(jobs, [Fault::on(operation, Action::rate_limited(20)).nth(1)]).await;
        let mut results = harness.client.wait_all(ids).results();
        assert!(tokio::time::timeout(Duration::from_secs(19), results.next()).await.is_err());
        assert_eq!(harness.requests(operation).len(), 1, "{operation}");
        assert!(tokio::time::timeout(Duration::from_secs(2), results.next()).await.is_err());
        assert_eq!(harness.requests(operation).len(), 2, "{operation}");
    }
}

/// Three pages and a 429 for the second: the first is not read again.
#[tokio::test(start_paused = true)]
async fn a_round_continues_after_retry_after_where_it_was() {
    let (harness, ids) = harness_of(250, [Fault::on(Operation::List, Action::rate_limited(20)).nth(2)]).await;
    let mut results = harness.client.wait_all(ids).results();
    assert!(tokio::time::timeout(Duration::from_secs(19), results.next()).await.is_err());
    assert_eq!(harness.requests(Operation::List).len(), 2);
    assert!(tokio::time::timeout(Duration::from_millis(1500), results.next()).await.is_err());
    assert_eq!(harness.requests(Operation::List).len(), 4);
}

/// 429 to a poll of one job ends the polls until the delay is over. The jobs that were polled before are not polled again.
#[tokio::test(start_paused = true)]
async fn polls_of_single_jobs_continue_after_retry_after_where_they_were() {
    let limited = Fault::on(Operation::Status, Action::rate_limited(20)).nth(3);
    let (harness, ids) = harness_of(20, [Fault::on(Operation::List, Action::status(404)), limited]).await;
    let mut results = harness.client.wait_all(ids).results();
    assert!(tokio::time::timeout(Duration::from_secs(19), results.next()).await.is_err());
    let polls = harness.requests(Operation::Status).len();
    assert!(polls <= 3 + 8, "{polls} polls, of which 8 are in flight at once");
    assert!(tokio::time::timeout(Duration::from_millis(1500), results.next()).await.is_err());
    assert_eq!(harness.requests(Operation::Status).len(), 21, "each job once, and one again");
}

/// A wait for 100,000 jobs reads 1,000 pages.
#[tokio::test(start_paused = true)]
async fn results_of_a_page_do_not_wait_for_the_next_page() {
    let slow = Action::slow_headers(Duration::from_secs(10));
    let (harness, ids) = harness_of(250, [Fault::on(Operation::List, slow)]).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    let started = Instant::now();
    let mut results = harness.client.wait_all(ids.clone()).results();
    let (first, _) = results.next().await.unwrap();
    assert_eq!((started.elapsed().as_secs(), ids.iter().position(|id| *id == first) > Some(149)), (10, true));
    assert_eq!(results.count().await, 249);
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_interval_grows_with_the_duration_of_a_long_round() {
    let slow = Action::slow_headers(Duration::from_secs(10));
    let (harness, ids) = harness_of(102, [Fault::on(Operation::List, slow)]).await;
    let backoff = PollBackoff::between(Duration::from_secs(4), Duration::from_secs(1000)).with_share(0.2);
    let mut results = harness.client.wait_all(ids).with_backoff(backoff).results();
    assert!(tokio::time::timeout(Duration::from_secs(500), results.next()).await.is_err());
    // A round takes 20 s, five times the minimum. Without that, 500 s would have room for 20 rounds of two pages.
    let pages = harness.requests(Operation::List).len();
    assert!((14..=24).contains(&pages), "{pages}");
}

#[tokio::test(start_paused = true)]
async fn the_interval_is_divided_by_the_square_root_of_the_jobs_per_request() {
    let (harness, ids) = harness_of(102, []).await;
    let started = Instant::now();
    let rounds = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&rounds);
    let backoff = PollBackoff::between(Duration::from_secs(1), Duration::from_secs(1000)).with_share(1.0);
    let wait = harness.client.wait_all(ids).with_backoff(backoff);
    let wait = wait.with_on_update(move |_| seen.lock().unwrap().extend([started.elapsed()]));
    assert!(tokio::time::timeout(Duration::from_secs(300), wait.results().next()).await.is_err());
    let rounds: Vec<_> = rounds.lock().unwrap().iter().map(Duration::as_secs_f64).collect();
    let pages = 2.0_f64;
    let share = 1.0 / (102.0 / pages).sqrt();
    for pair in rounds.windows(2).filter(|pair| pair[0] > 10.0) {
        let ratio = (pair[1] - pair[0]) / pair[0];
        assert!((0.89 * share..1.01 * share).contains(&ratio), "{pair:?}");
    }
    assert!(rounds.last().is_some_and(|last| *last > 250.0), "{rounds:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_at_its_deadline_or_unreachable_with_an_error_for_every_job() {
    let (harness, ids) = harness_of(3, []).await;
    let wait = harness.client.wait_all(ids.clone()).with_max_wait(Duration::from_secs(60));
    let results: Vec<_> = wait.results().collect().await;
    assert_eq!(kinds(&results), [Some(WaitErrorKind::TimedOut); 3]);
    assert!(results.iter().all(|(id, _)| ids.contains(id)));
    let pages = harness.requests(Operation::List).len();
    assert!(results.iter().all(|(_, result)| result.as_ref().unwrap_err().polls() as usize == pages));

    harness.sandbox.set_faults([Fault::anywhere(Action::DropBefore)]);
    let wait = harness.client.wait_all(ids);
    for (wait, seconds) in
        [(wait.clone(), 300), (wait.with_poll_failure_timeout(Duration::from_secs(60)), 60)]
    {
        let results: Vec<_> = wait.results().collect().await;
        assert_eq!(kinds(&results), [Some(WaitErrorKind::Unreachable); 3]);
        let elapsed = results[0].1.as_ref().unwrap_err().elapsed();
        assert!((seconds..seconds + 31).contains(&elapsed.as_secs()), "{elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_is_aborted_five_seconds_after_the_deadline() {
    for broken in [Action::hang(), Action::SlowBytes { chunk: 1, pause: Duration::from_secs(1) }] {
        for seconds in [0, 3, 90] {
            let broken = |operation| Fault::on(operation, broken.clone());
            let (harness, ids) = harness_of(3, [broken(Operation::List), broken(Operation::Status)]).await;
            for jobs in [&ids[..1], &ids] {
                let wait = harness.client.wait_all(jobs.to_vec()).with_max_wait(Duration::from_secs(seconds));
                let results: Vec<_> = wait.results().collect().await;
                assert_eq!(kinds(&results), vec![Some(WaitErrorKind::TimedOut); jobs.len()]);
                for (id, result) in results {
                    let error = result.unwrap_err();
                    assert_eq!(*error.job_id(), id);
                    assert!(error.elapsed() <= Duration::from_secs(seconds + 5), "{error}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_job_has_its_own_deadline_even_without_responses() {
    let silent = |operation| Fault::on(operation, Action::hang());
    let (harness, ids) = harness_of(2, [silent(Operation::List), silent(Operation::Status)]).await;
    let (sender, more) = channel();
    let wait = harness.client.wait_all([ids[0].clone()]).with_max_wait(Duration::from_secs(60));
    let collected = wait.results_with(more).collect::<Vec<_>>();
    let give = async {
        tokio::time::sleep(Duration::from_secs(50)).await;
        sender.send(ids[1].clone()).unwrap();
        drop(sender);
    };
    let started = Instant::now();
    let (results, ()) = tokio::join!(collected, give);
    assert_eq!(kinds(&results), [Some(WaitErrorKind::TimedOut); 2]);
    for (_, result) in results {
        let elapsed = result.unwrap_err().elapsed();
        assert!(elapsed >= Duration::from_secs(60 - 15) && elapsed <= Duration::from_secs(65), "{elapsed:?}");
    }
    assert!(started.elapsed() <= Duration::from_secs(50 + 15 + 65));
}

/// A channel for ids that are added during a wait.
fn channel() -> (mpsc::UnboundedSender<JobId>, impl Stream<Item = JobId>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    (sender, stream::poll_fn(move |context| receiver.poll_recv(context)))
}

#[tokio::test(start_paused = true)]
async fn jobs_added_during_a_wait_share_its_pages() {
    let (harness, ids) = harness_of(150, []).await;
    let (sender, more) = channel();
    let collected = harness.client.wait_all(ids[..50].to_vec()).results_with(more).collect::<Vec<_>>();
    let give = async {
        for id in &ids[50..] {
            tokio::time::sleep(Duration::from_secs(2)).await;
            sender.send(id.clone()).unwrap();
        }
        drop(sender);
    };
    let (results, ()) = tokio::join!(collected, give);
    let seen: BTreeSet<_> = results.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(seen, ids.into_iter().collect());
    assert!(results.iter().all(|(_, result)| result.is_ok()));
    let (lists, statuses) =
        (harness.requests(Operation::List).len(), harness.requests(Operation::Status).len());
    assert!(lists < 700, "{lists} pages for 150 jobs of ten minutes");
    assert!(statuses < 20, "{statuses} status calls, which only the very last job needs");
}

#[tokio::test(start_paused = true)]
async fn a_job_added_during_a_long_interval_is_polled_after_the_shortest_one() {
    let (harness, ids) = harness_of(1, []).await;
    let (sender, more) = channel();
    let backoff = PollBackoff::between(Duration::from_secs(3), Duration::from_secs(100)).with_share(1.0);
    let pending = ids[0].clone();
    let mut results = harness.client.wait_all(ids).with_backoff(backoff).results_with(more);
    // The interval doubles, minus up to a tenth. So a round is between 141 s and 192 s, and the next at least 90 s later.
    let wait = tokio::time::timeout(Duration::from_secs(195), results.next());
    assert!(wait.await.is_err(), "no job is done so early");
    let late = harness.job().await;
    let looks = || harness.requests(Operation::List).len() + harness.requests(Operation::Status).len();
    let before = looks();
    sender.send(pending).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(3100), results.next()).await.is_err());
    assert_eq!(looks(), before, "a pending job that is added again changes nothing");
    sender.send(late.id().to_owned()).unwrap();
    sender.send(late.id().to_owned()).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(2600), results.next()).await.is_err());
    assert_eq!(looks(), before, "a new job makes no look at once");
    assert!(tokio::time::timeout(Duration::from_millis(500), results.next()).await.is_err());
    assert_eq!(looks(), before + 1, "one page shows both");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_no_job_is_pending() {
    let (harness, ids) = harness_of(1, []).await;
    let (sender, more) = channel();
    let mut results = harness.client.wait_all(Vec::<String>::new()).results_with(more);
    let before = harness.sandbox.journal().len();
    for id in ids {
        assert!(tokio::time::timeout(Duration::from_secs(3600), results.next()).await.is_err());
        assert_eq!(harness.sandbox.journal().len(), before);
        sender.send(id.clone()).unwrap();
        assert_eq!(results.next().await.unwrap().0, id);
    }
    let before = harness.sandbox.journal().len();
    assert!(tokio::time::timeout(Duration::from_secs(3600), results.next()).await.is_err());
    drop(sender);
    assert!(results.next().await.is_none());
    assert!(results.next().await.is_none(), "also when it is asked again");
    assert_eq!(harness.sandbox.journal().len(), before);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_added_twice_has_one_result_until_it_is_added_again() {
    let (harness, ids) = harness_of(2, []).await;
    let (sender, more) = channel();
    let twice = [ids.clone(), ids.clone()].concat();
    let mut results = harness.client.wait_all(twice.clone()).results_with(more);
    twice.into_iter().for_each(|id| sender.send(id).unwrap());
    let first = results.next().await.unwrap().0;
    sender.send(first).unwrap();
    drop(sender);
    assert_eq!(results.count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_ready_are_part_of_the_first_round() {
    let (harness, ids) = harness_of(3, []).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    let more = stream::iter(ids[1..].to_vec());
    assert_eq!(harness.client.wait_all(ids[..1].to_vec()).results_with(more).count().await, 3);
    assert_eq!(harness.requests(Operation::List).len(), 1);
    assert!(harness.requests(Operation::Status).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_arrives_during_the_round_that_finishes_a_job_has_one_result() {
    let slow = Action::slow_headers(Duration::from_secs(2));
    let (harness, ids) = harness_of(2, [Fault::on(Operation::Status, slow)]).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    let (sender, more) = channel();
    let results = harness.client.wait_all(ids[..1].to_vec()).results_with(more);
    let give = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ids.iter().for_each(|id| sender.send(id.clone()).unwrap());
        drop(sender);
    };
    let (results, ()) = tokio::join!(results.collect::<Vec<_>>(), give);
    assert_eq!(results.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), ids);
}

#[tokio::test(start_paused = true)]
async fn every_job_that_is_read_is_reported() {
    let (harness, ids) = harness_of(2, []).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&seen);
    let wait = harness.client.wait_all(ids.clone());
    let wait =
        wait.with_on_update(move |job| tell.lock().unwrap().push((job.job_id.clone(), job.state.clone())));
    assert_eq!(wait.results().count().await, 2);
    let seen = seen.lock().unwrap();
    for id in &ids {
        let states: Vec<_> =
            seen.iter().filter(|(seen, _)| seen == id).map(|(_, state)| state.as_str()).collect();
        assert_eq!(states.first().copied(), Some("queued"), "{states:?}");
        assert_eq!(states.last().copied(), Some("succeeded"), "{states:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_each_job_starts_when_it_is_added() {
    let (harness, ids) = harness_of(2, []).await;
    let (sender, more) = channel();
    let wait = harness.client.wait_all(ids[..1].to_vec()).with_max_wait(Duration::from_secs(60));
    let started = tokio::time::Instant::now();
    let mut results = wait.results_with(more);
    let give = async {
        tokio::time::sleep(Duration::from_secs(45)).await;
        ids.iter().for_each(|id| sender.send(id.clone()).unwrap());
    };
    let (first, ()) = tokio::join!(results.next(), give);
    let mut ends = vec![(first.unwrap(), started.elapsed())];
    drop(sender);
    ends.push((results.next().await.unwrap(), started.elapsed()));
    assert!(results.next().await.is_none());
    for ((((id, result), at), known), seconds) in ends.into_iter().zip(&ids).zip([60, 105]) {
        let error = result.unwrap_err();
        assert_eq!((&id, error.kind(), error.elapsed().as_secs()), (known, WaitErrorKind::TimedOut, 60));
        assert_eq!(at.as_secs(), seconds, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_added_while_a_poll_hangs_has_its_own_deadline_from_then_on() {
    let hanging = [Operation::Status, Operation::List].map(|operation| Fault::on(operation, Action::hang()));
    let (harness, ids) = harness_of(3, hanging).await;
    let (sender, more) = channel();
    let later = ids[1..].to_vec();
    tokio::spawn(async move {
        for id in later {
            tokio::time::sleep(Duration::from_millis(1)).await;
            sender.send(id).unwrap();
        }
    });
    let start = Instant::now();
    let wait = harness.client.wait_all(ids[..1].to_vec()).with_max_wait(Duration::from_secs(3));
    let results: Vec<_> = wait.results_with(more).collect().await;
    assert_eq!(kinds(&results), [Some(WaitErrorKind::TimedOut); 3]);
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_job_added_during_an_outage_has_the_same_time_limit() {
    let (harness, ids) = harness_of(2, []).await;
    harness.sandbox.set_faults([Fault::anywhere(Action::DropBefore)]);
    let (sender, more) = channel();
    let together = [ids[0].as_str(), "vj_of_nobody"];
    let wait = harness.client.wait_all(together).with_poll_failure_timeout(Duration::from_secs(60));
    let mut results = wait.results_with(more);
    let mut ended = Vec::new();
    let give = async {
        tokio::time::sleep(Duration::from_secs(50)).await;
        sender.send(ids[1].clone()).unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        harness.sandbox.set_faults([]);
        drop(sender);
    };
    let collect = async {
        while let Some((id, result)) = results.next().await {
            ended.push((id, result.err().map(|error| error.kind())));
        }
    };
    tokio::join!(collect, give);
    let kind_of = |id: &str| ended.iter().find(|(ended, _)| ended == id).map(|(_, kind)| *kind);
    assert_eq!(kind_of(&ids[0]), Some(Some(WaitErrorKind::Unreachable)));
    assert_eq!(kind_of(&ids[1]), Some(None), "its own looks failed for half a minute only");
}

#[tokio::test(start_paused = true)]
async fn dropped_results_send_nothing_and_drop_the_stream_of_ids() {
    let (harness, ids) = harness_of(2, []).await;
    let (sender, more) = channel();
    let mut results = harness.client.wait_all(ids).results_with(more);
    assert!(tokio::time::timeout(Duration::from_secs(30), results.next()).await.is_err());
    drop(results);
    let before = harness.sandbox.journal().len();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(harness.sandbox.journal().len(), before);
    assert!(sender.is_closed());
}

/// A sandbox makes a clip in seconds.
#[tokio::test(start_paused = true)]
async fn a_service_on_loopback_is_polled_soon() {
    let names = ["127.0.0.1", "127.0.0.2", "localhost", "LocalHost.", "api.localhost", "[::1]"];
    for url in names.map(|name| format!("http://{name}:8787")) {
        let times = JobTimes { running: Duration::from_secs(1), ..JobTimes::default() };
        let local = Harness::of(Sandbox::builder().job_times(times), |client| client.with_base_url(url));
        let job = local.job().await;
        let started = Instant::now();
        let mut updates = job.wait().updates();
        assert_eq!(updates.next().await.unwrap().unwrap().polls, 0);
        assert_eq!(updates.next().await.unwrap().unwrap().polls, 1);
        assert!(started.elapsed() <= Duration::from_millis(200), "{:?}", started.elapsed());
        let jobs = [local.job().await, local.job().await];
        let started = Instant::now();
        let mut results = local.client.wait_all(jobs).results();
        assert!(results.next().await.unwrap().1.is_ok() && results.next().await.unwrap().1.is_ok());
        assert!(started.elapsed() <= Duration::from_millis(2500), "{:?}", started.elapsed());
    }
}
