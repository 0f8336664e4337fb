//! Waits for one job.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::CACHE_CONTROL;
use http::{Method, Request, Response, Uri};
use infrai_video::transport::TowerTransport;
use infrai_video::transport::{ResponseBody, Transport, TransportErrorKind};
use infrai_video::wait::{OnDrop, PollBackoff, WaitErrorKind};
use infrai_video::{ErrorKind, Job, JobState};
use infrai_video_sandbox::{Action, Clock, Fault, JobTimes, Operation, Sandbox, SandboxRouter, When};
use tokio::time::{Duration, Instant};

use crate::support::SendFuture;
use crate::support::client_of;
use crate::support::harness::Harness;
use crate::support::script::Script;

fn on_status(action: Action) -> Fault {
    Fault::on(Operation::Status, action)
}

/// A harness whose jobs run for ten minutes.
fn slow_harness(faults: impl IntoIterator<Item = Fault>) -> Harness {
    let times = JobTimes { running: Duration::from_secs(600), ..JobTimes::default() };
    Harness::of(Sandbox::builder().job_times(times).faults(faults), |client| client)
}

#[tokio::test(start_paused = true)]
async fn the_first_state_is_reported_at_once_and_without_a_poll() {
    let harness = Harness::with([]);
    let job = harness.job().await;
    let started = Instant::now();
    let mut updates = job.wait().updates();
    let first = updates.next().await.unwrap().unwrap();
    assert_eq!((first.job.state, first.polls, started.elapsed()), (JobState::Queued, 0, Duration::ZERO));
    let of_another_process = harness.client.job(job.id());
    let first = of_another_process.wait().updates().next().await.unwrap().unwrap();
    assert_eq!((first.polls, started.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_delay_grows_with_the_time_waited_within_its_bounds() {
    let times = JobTimes { running: Duration::from_secs(2400), ..JobTimes::default() };
    let harness = Harness::of(Sandbox::builder().job_times(times), |client| client);
    let job = harness.job().await;
    let wait = job.wait().with_max_wait(Duration::from_secs(3600));
    let updates: Vec<_> = wait.updates().try_collect().await.unwrap();
    let times: Vec<f64> = updates.iter().map(|update| update.elapsed.as_secs_f64()).collect();
    for pair in times.windows(2) {
        let (waited, gap) = (pair[0], pair[1] - pair[0]);
        let ceiling = if waited == 0.0 { 8.0 } else { (waited * 0.0085).clamp(5.0, 15.0) };
        assert!(gap <= ceiling + 0.002 && gap >= ceiling * 0.9 - 0.002, "{gap} after {waited}");
    }
    assert!(times[times.len() - 1] - times[times.len() - 2] > 13.4, "it reaches its bound: {times:?}");
    assert!(updates.len() < 340, "{} polls for forty minutes", updates.len());
}

#[tokio::test(start_paused = true)]
async fn a_fixed_interval_has_no_jitter() {
    let harness = slow_harness([]);
    let job = harness.client.job(harness.job().await.id());
    let updates = job.wait().with_backoff(PollBackoff::fixed(Duration::from_secs(7))).updates().take(3);
    let times: Vec<_> = updates.map_ok(|update| update.elapsed.as_secs()).try_collect().await.unwrap();
    assert_eq!(times, [0, 7, 14]);
}

#[tokio::test(start_paused = true)]
async fn errors_of_polls_do_not_end_a_wait() {
    let harness = slow_harness([
        on_status(Action::status(404)).times(1),
        on_status(Action::status(503)).times(5),
        on_status(Action::DropBefore).times(6),
        on_status(Action::html()).times(1),
        on_status(Action::MalformedJson).times(1),
        on_status(Action::hang()).times(1),
        on_status(Action::rate_limited(20)).times(1),
    ]);
    let job = harness.job().await;
    let finished = job.wait().await.unwrap();
    assert_eq!(finished.job().state, JobState::Succeeded);
    assert_eq!((harness.posts(), harness.money()), (1, (1, 1, 0)));
    assert!(harness.requests(Operation::Status).len() > 16);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_as_unreachable_only_after_the_stated_time() {
    let harness = slow_harness([on_status(Action::DropBefore)]);
    let job = harness.job().await;
    for (wait, seconds) in
        [(job.wait(), 300), (job.wait().with_poll_failure_timeout(Duration::from_secs(90)), 90)]
    {
        let error = wait.await.unwrap_err();
        assert_eq!(error.kind(), WaitErrorKind::Unreachable);
        assert!((seconds..seconds + 30).contains(&error.elapsed().as_secs()), "{error}");
        assert_eq!(error.last_job().unwrap().job_id, *job.id());
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause, error.poll_error().map(ToString::to_string));
        assert!(cause.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_falls_on_the_deadline_and_the_job_is_kept() {
    let harness = slow_harness([]);
    let job = harness.job().await;
    let error = job.wait().with_max_wait(Duration::from_secs(100)).await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::TimedOut);
    assert_eq!(error.elapsed().as_secs(), 100);
    assert_eq!(error.last_job().unwrap().state, JobState::Running);
    assert_eq!(error.polls() as usize, harness.requests(Operation::Status).len());
    // Any process can continue with the id.
    let finished = harness.client.job(error.job_id()).wait().await.unwrap();
    assert_eq!(finished.id(), job.id());
    assert_eq!(harness.posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_finishes_before_the_deadline_is_never_missed() {
    let harness = slow_harness([]);
    let job = harness.job().await;
    // The regular poll would be after the deadline, which has its own poll.
    let backoff = PollBackoff::fixed(Duration::from_secs(10_000));
    let finished = job.wait().with_backoff(backoff).with_max_wait(Duration::from_secs(900)).await.unwrap();
    assert_eq!(finished.job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_keeps_polling() {
    let harness = slow_harness([on_status(Action::unknown_state()).times(5)]);
    let job = harness.job().await;
    let states: Vec<_> =
        job.wait().updates().map_ok(|update| update.job.state.to_string()).try_collect().await.unwrap();
    assert_eq!(states.iter().filter(|state| *state == "reticulating").count(), 5);
    assert_eq!(states.last().unwrap(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn final_states_are_recognized_in_any_case_and_by_their_synonyms() {
    for (state, kind) in [
        ("SUCCEEDED", None),
        ("Completed", None),
        ("DONE", None),
        ("FAILED", Some(WaitErrorKind::Failed)),
        ("CANCELED", Some(WaitErrorKind::Cancelled)),
        ("Cancelled", Some(WaitErrorKind::Cancelled)),
        ("EXPIRED", Some(WaitErrorKind::Failed)),
    ] {
        let shown = |operation| Fault::on(operation, Action::UnknownState { state: state.to_owned() });
        let harness = Harness::with([shown(Operation::Status), shown(Operation::List)]);
        let job = harness.job().await;
        let ended = job.wait().await;
        assert_eq!(ended.as_ref().err().map(infrai_video::wait::WaitError::kind), kind, "{state}");
        assert_eq!(harness.requests(Operation::Status).len(), 1, "{state}");
        let other = harness.job().await;
        let results: Vec<_> = harness.client.wait_all([job.id(), other.id()]).results().collect().await;
        assert!(
            results
                .iter()
                .all(|(_, result)| result.as_ref().err().map(infrai_video::wait::WaitError::kind) == kind)
        );
        assert_eq!(harness.requests(Operation::List).len(), 1, "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_aborted_five_seconds_after_the_deadline() {
    for broken in [Action::hang(), Action::SlowBytes { chunk: 1, pause: Duration::from_secs(1) }] {
        for seconds in [0, 3, 90] {
            let harness = slow_harness([on_status(broken.clone())]);
            let job = harness.job().await;
            for (wait, last) in
                [(job.wait(), Some(JobState::Queued)), (harness.client.job(job.id()).wait(), None)]
            {
                let error = wait.with_max_wait(Duration::from_secs(seconds)).await.unwrap_err();
                assert_eq!((error.kind(), error.job_id()), (WaitErrorKind::TimedOut, job.id()), "{broken:?}");
                assert_eq!(error.last_job().map(|job| job.state.clone()), last);
                assert!(error.elapsed() <= Duration::from_secs(seconds + 5), "{broken:?}: {error}");
                assert_eq!(infrai_video::Error::from(error).kind(), ErrorKind::StillRunning);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_within_the_grace_period_counts() {
    let harness = Harness::with([on_status(Action::slow_headers(Duration::from_secs(4)))]);
    let job = harness.finished_job().await;
    let finished = harness.client.job(job.id()).wait().with_max_wait(Duration::ZERO).await.unwrap();
    assert_eq!(finished.job().state, JobState::Succeeded);
}

/// A harness whose service withholds the clip of a succeeded job: there is a reason and no link.
fn filtered_world(state: &str) -> Harness {
    let shown = |operation| Fault::on(operation, Action::UnknownState { state: state.to_owned() });
    Harness::with([shown(Operation::Status), shown(Operation::List)])
}

#[tokio::test(start_paused = true)]
async fn a_job_that_succeeded_without_a_clip_is_an_error_with_its_reason() {
    for state in ["succeeded", "COMPLETED"] {
        let harness = filtered_world(state);
        let jobs = [harness.failed_job().await, harness.failed_job().await];
        let error = jobs[0].wait().await.unwrap_err();
        assert_eq!(error.kind(), WaitErrorKind::Failed);
        assert_eq!(error.last_job().unwrap().state, JobState::Succeeded);
        assert!(error.to_string().contains("succeeded without a clip: "), "{error}");
        assert!(error.to_string().contains("CONTENT_REJECTED"), "{error}");
        let results: Vec<_> = harness.client.wait_all(jobs.iter().map(Job::id)).results().collect().await;
        assert!(
            results.iter().all(|(_, result)| result.as_ref().unwrap_err().kind() == WaitErrorKind::Failed)
        );

        let error = jobs[0].download().to_path(harness.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::JobFailed, "{error}");
        assert!(error.message().contains("succeeded without a clip: "), "{error}");
        assert!(harness.files().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_with_a_link_has_a_clip_whatever_its_error_says() {
    let job = |rest: &str| format!(r#"{{"ok":true,"data":{{"job_id":"vj_1","state":"succeeded",{rest}}}}}"#);
    for (rest, has_clip) in [
        (r#""video_url":"https://files.example.com/a.mp4","error":{"code":"SLOW","message":"late"}"#, true),
        (r#""video_url":null,"error":null"#, true),
        (r#""video_url":"","error":"""#, true),
        (r#""error":{}"#, true),
        (r#""error":{"code":null,"message":null}"#, true),
        (r#""error":false"#, true),
        (r#""video_url":"","error":"filtered""#, false),
        (r#""video_url":null,"error":{"code":"MEDIA_FILTERED"}"#, false),
        (r#""error":{"reason":"filtered"}"#, false),
    ] {
        let client = client_of("https://api.infrai.cc").with_transport(Script::of([(200, job(rest))]));
        let waited = client.build().unwrap().job("vj_1").wait().await;
        assert_eq!(waited.is_ok(), has_clip, "{rest}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_links_does_not_lose_a_clip() {
    let filtered =
        |id: &str| format!(r#"{{"job_id":"{id}","state":"succeeded","error":"one take was filtered"}}"#);
    let page = format!(r#"{{"ok":true,"data":{{"items":[{},{}]}}}}"#, filtered("vj_1"), filtered("vj_2"));
    let with_link = |id: &str| {
        filtered(id).replace("\"error\"", "\"video_url\":\"https://files.example.com/a\",\"error\"")
    };
    let status = |id: &str| format!(r#"{{"ok":true,"data":{}}}"#, with_link(id));
    let script = Script::of([(200, page), (200, status("vj_1")), (200, status("vj_2"))]);
    let client = client_of("https://api.infrai.cc").with_transport(script).build().unwrap();
    let results: Vec<_> = client.wait_all(["vj_1", "vj_2"]).results().collect().await;
    assert!(results.iter().all(|(_, result)| result.is_ok()), "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_never_changes_ends_at_the_deadline() {
    let harness = Harness::with([on_status(Action::Stuck)]);
    let job = harness.job().await;
    let error = job.wait().with_max_wait(Duration::from_secs(3600)).await.unwrap_err();
    assert_eq!((error.kind(), error.elapsed().as_secs()), (WaitErrorKind::TimedOut, 3600));
}

#[tokio::test(start_paused = true)]
async fn failed_and_cancelled_are_errors_with_the_job() {
    let harness = Harness::with([]);
    let failing = harness.client.generate("a city [fail]").submit().await.unwrap();
    let error = failing.wait().await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::Failed);
    let reason = error.last_job().unwrap().error.clone().unwrap();
    assert_eq!(reason.code.as_deref(), Some("CONTENT_REJECTED"));

    let cancelled = harness.job().await;
    cancelled.cancel().await.unwrap();
    let error = cancelled.wait().await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::Cancelled);
    assert_eq!(error.last_job().unwrap().state, JobState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_an_unknown_job_or_a_rejected_connection_ends_a_wait_soon() {
    let harness = slow_harness([on_status(Action::status(401))]);
    let error = harness.job().await.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.polls()), (WaitErrorKind::Refused, 1));

    // The 404 of a gateway does not count.
    let page = Action::Html { status: 404, when: When::BeforeAccepting };
    let harness = slow_harness([on_status(page).nth(1)]);
    let every_ten_seconds = PollBackoff::fixed(Duration::from_secs(10));
    let error = harness.client.job("vj_of_nobody").wait().with_backoff(every_ten_seconds).await.unwrap_err();
    assert_eq!((error.kind(), error.polls(), error.elapsed().as_secs()), (WaitErrorKind::Refused, 5, 40));

    let script = Script::default().then_fail(TransportErrorKind::Rejected);
    let client = client_of("https://api.infrai.cc").with_transport(script).build().unwrap();
    let error = client.job("vj_1").wait().await.unwrap_err();
    assert_eq!((error.kind(), error.polls()), (WaitErrorKind::Refused, 1), "no retry can connect");
}

/// A gateway without the route responds with 404 too, during an outage.
#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_the_services_own_does_not_make_a_job_unknown() {
    let page = Action::Html { status: 404, when: When::BeforeAccepting };
    let harness = Harness::with([on_status(page).times(20)]);
    assert_eq!(harness.job().await.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_404_right_after_the_submit_is_lag() {
    let harness = Harness::with([on_status(Action::status(404)).times(3)]);
    let job = harness.job().await;
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_does_not_cancel_the_job_by_default() {
    let harness = slow_harness([]);
    let left = harness.job().await;
    let waiting = tokio::time::timeout(Duration::from_secs(60), left.wait());
    waiting.await.unwrap_err();
    assert!(harness.requests(Operation::Cancel).is_empty());

    let stopped = harness.job().await;
    let wait = stopped.wait().with_on_drop(OnDrop::Cancel);
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stopped.status().await.unwrap().state, JobState::Cancelled);
    assert_eq!(left.status().await.unwrap().state, JobState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_by_itself_does_not_cancel_the_job() {
    let harness = slow_harness([]);
    let job = harness.job().await;
    let wait = || job.wait().with_on_drop(OnDrop::Cancel);
    wait().with_max_wait(Duration::from_secs(60)).await.unwrap_err();
    wait().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(harness.requests(Operation::Cancel).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_finished_before_its_wait_was_dropped_is_kept() {
    let harness = Harness::with([]);
    let job = harness.job().await;
    let mut updates = job.wait().with_on_drop(OnDrop::Cancel).updates();
    updates.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    drop(updates);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(job.status().await.unwrap().state, JobState::Succeeded);
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lacks_the_job_for_a_moment_does_not_end_the_wait() {
    let harness = slow_harness([
        on_status(Action::status(404)).nth(5),
        on_status(Action::Redirect { status: 302, location: None }).nth(7),
    ]);
    let job = harness.job().await;
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_outage_before_or_between_does_not_make_a_job_unknown() {
    let outage = || on_status(Action::DropBefore).times(9);
    let forgets = || on_status(Action::status(404)).times(1);
    let harness = slow_harness([outage(), forgets(), outage(), forgets()]);
    let job = harness.job().await;
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_wait_does_not_delay_the_first_poll() {
    let harness = slow_harness([]);
    let job = harness.job().await;
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_secs(3), job.wait()).await.is_err());
    }
    assert_eq!(
        harness.requests(Operation::Status).len(),
        1,
        "after eight seconds, as if it had been one wait"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replayed_submission_is_polled_at_once() {
    let harness = Harness::with([]);
    let submission = harness.client.generate("a city").duration_seconds(0.2).prepare().unwrap();
    let stored = serde_json::to_string(&submission).unwrap();
    harness.client.submit(&submission).await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let read_back = serde_json::from_str(&stored).unwrap();
    for submission in [submission, read_back] {
        let job = harness.client.submit(&submission).await.unwrap();
        let started = Instant::now();
        assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
        assert_eq!(started.elapsed().as_millis(), 0);
    }
    assert_eq!(harness.money(), (1, 1, 0));

    // The response to the first attempt was lost before.
    for action in [Action::accept_then_hang(), Action::AcceptThenDrop] {
        let harness = Harness::with([Fault::on(Operation::Generate, action).nth(1)]);
        let updates = harness.job().await.wait().updates().skip(1).take(1);
        let polled: Vec<_> =
            updates.map_ok(|update| (update.polls, update.elapsed)).try_collect().await.unwrap();
        assert_eq!(polled, [(1, Duration::ZERO)]);
    }
}

/// A cache between the SDK and the sandbox that keeps each response to a GET for 20 seconds.
struct Cache {
    sandbox: TowerTransport<SandboxRouter>,
    kept: Mutex<HashMap<Uri, (Instant, Response<Bytes>)>>,
}

impl Transport for Cache {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let uri = request.uri().clone();
        let may_be_old = request.method() == Method::GET
            && request.headers().get(CACHE_CONTROL).is_none_or(|value| value != "no-cache");
        let kept = self.kept.lock().unwrap().get(&uri).cloned();
        let replay = |response: Response<Bytes>| {
            response.map(|body| futures_util::stream::iter([Ok(body)]).boxed() as ResponseBody)
        };
        let sent = self.sandbox.send(request);
        Box::pin(async move {
            if let Some((at, response)) = kept.filter(|_| may_be_old)
                && at.elapsed() < Duration::from_secs(20)
            {
                return Ok(replay(response));
            }
            let (parts, body) = sent.await?.into_parts();
            let body: Vec<Bytes> = body.try_collect().await?;
            let response = Response::from_parts(parts, Bytes::from(body.concat()));
            self.kept.lock().unwrap().insert(uri, (Instant::now(), response.clone()));
            Ok(replay(response))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_does_not_return_an_old_state_to_polls() {
    let sandbox = Sandbox::builder().clock(Clock::real()).router();
    let cache = Cache { sandbox: TowerTransport::new(sandbox.clone()), kept: Mutex::default() };
    let client = client_of(sandbox.base_url()).with_transport(cache).build().unwrap();
    let backoff = PollBackoff::fixed(Duration::from_secs(1));
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(client.generate("a city").duration_seconds(0.2).submit().await.unwrap().into_inner());
    }
    let ends_at = async {
        while sandbox.jobs().iter().any(|job| job.state != infrai_video_sandbox::JobState::Succeeded) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Instant::now()
    };
    let waited = async {
        jobs[0].wait().with_backoff(backoff).await.unwrap();
        let ids = jobs.iter().map(|job| job.id().to_owned());
        let results: Vec<_> = client.wait_all(ids).with_backoff(backoff).results().collect().await;
        assert!(results.iter().all(|(_, result)| result.is_ok()));
        Instant::now()
    };
    let (ended, known) = tokio::join!(ends_at, waited);
    assert!(known.saturating_duration_since(ended) <= Duration::from_secs(2), "{:?}", known - ended);
}

#[tokio::test(start_paused = true)]
async fn polls_respect_retry_after_up_to_the_policys_limit() {
    let harness = slow_harness([on_status(Action::rate_limited(86_400)).nth(1)]);
    let job = harness.job().await;
    let started = Instant::now();
    let mut updates = job.wait().updates();
    updates.next().await.unwrap().unwrap();
    updates.next().await.unwrap().unwrap();
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(67) && waited < Duration::from_secs(70), "{waited:?}");
}
