//! The rules of the wait loop.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use contract_tests::client_of;
use contract_tests::transports::{RouterTransport, Script};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::CACHE_CONTROL;
use http::{Method, Request, Response, Uri};
use infrai_video::{
    ErrorKind, Job, JobState, OnDrop, PollBackoff, ResponseBody, Transport, TransportError, WaitErrorKind,
};
use infrai_video_sandbox::{Action, Clock, Fault, JobTimes, Operation, Sandbox, When};
use tokio::time::{Duration, Instant};

use crate::world::World;

fn on_status(action: Action) -> Fault {
    Fault::on(Operation::Status, action)
}

/// A world whose jobs run for ten minutes.
fn slow_world(faults: impl IntoIterator<Item = Fault>) -> World {
    let times = JobTimes { running: Duration::from_secs(600), ..JobTimes::default() };
    World::of(Sandbox::builder().job_times(times).faults(faults), |client| client)
}

#[tokio::test(start_paused = true)]
async fn the_first_state_is_reported_at_once_and_without_a_poll() {
    let world = World::with([]);
    let job = world.job().await;
    let started = Instant::now();
    let mut updates = job.wait().updates();
    let first = updates.next().await.unwrap().unwrap();
    assert_eq!((first.job.state, first.polls, started.elapsed()), (JobState::Queued, 0, Duration::ZERO));
    let of_another_process = world.client.job(job.id());
    let first = of_another_process.wait().updates().next().await.unwrap().unwrap();
    assert_eq!((first.polls, started.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_delay_grows_with_the_time_waited_within_its_bounds() {
    let times = JobTimes { running: Duration::from_secs(2400), ..JobTimes::default() };
    let world = World::of(Sandbox::builder().job_times(times), |client| client);
    let job = world.job().await;
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
async fn errors_of_polls_do_not_end_a_wait() {
    let world = slow_world([
        on_status(Action::status(404)).times(1),
        on_status(Action::status(503)).times(5),
        on_status(Action::DropBefore).times(6),
        on_status(Action::html()).times(1),
        on_status(Action::MalformedJson).times(1),
        on_status(Action::hang()).times(1),
        on_status(Action::rate_limited(20)).times(1),
    ]);
    let job = world.job().await;
    let finished = job.wait().await.unwrap();
    assert_eq!(finished.job().state, JobState::Succeeded);
    assert_eq!((world.posts(), world.money()), (1, (1, 1, 0)));
    assert!(world.requests(Operation::Status).len() > 16);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_as_unreachable_only_after_the_stated_time() {
    let world = slow_world([on_status(Action::DropBefore)]);
    let job = world.job().await;
    let error = job.wait().with_poll_errors(Duration::from_secs(90)).await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::Unreachable);
    assert!(error.elapsed() >= Duration::from_secs(90) && error.elapsed() < Duration::from_secs(120));
    assert_eq!(error.last_job().unwrap().job_id, job.id());
    assert!(error.poll_error().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_falls_on_the_deadline_and_the_job_is_kept() {
    let world = slow_world([]);
    let job = world.job().await;
    let error = job.wait().with_max_wait(Duration::from_secs(100)).await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::TimedOut);
    assert_eq!(error.elapsed().as_secs(), 100);
    assert_eq!(error.last_job().unwrap().state, JobState::Running);
    assert_eq!(error.polls() as usize, world.requests(Operation::Status).len());
    // Any process can go on with the id.
    let finished = world.client.job(error.job_id()).wait().await.unwrap();
    assert_eq!(finished.id(), job.id());
    assert_eq!(world.posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_before_the_deadline_is_never_missed() {
    let world = slow_world([]);
    let job = world.job().await;
    // The next poll would come after the job is done; the deadline comes right after it, and has a poll of its own.
    let backoff = PollBackoff::fixed(Duration::from_secs(10_000));
    let finished = job.wait().with_backoff(backoff).with_max_wait(Duration::from_secs(900)).await.unwrap();
    assert_eq!(finished.job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_keeps_polling() {
    let world = slow_world([on_status(Action::unknown_state()).times(5)]);
    let job = world.job().await;
    let states: Vec<_> =
        job.wait().updates().map_ok(|update| update.job.state.to_string()).try_collect().await.unwrap();
    assert_eq!(states.iter().filter(|state| *state == "reticulating").count(), 5);
    assert_eq!(states.last().unwrap(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn final_states_are_known_in_any_case_and_under_their_other_names() {
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
        let world = World::with([shown(Operation::Status), shown(Operation::List)]);
        let job = world.job().await;
        let ended = job.wait().await;
        assert_eq!(ended.as_ref().err().map(infrai_video::WaitError::kind), kind, "{state}");
        assert_eq!(world.requests(Operation::Status).len(), 1, "{state}");
        let other = world.job().await;
        let results: Vec<_> = world.client.wait_all([job.id(), other.id()]).results().collect().await;
        assert!(
            results
                .iter()
                .all(|(_, result)| result.as_ref().err().map(infrai_video::WaitError::kind) == kind)
        );
        assert_eq!(world.requests(Operation::List).len(), 1, "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_under_way_ends_five_seconds_after_the_deadline_at_the_latest() {
    for broken in [Action::hang(), Action::SlowBytes { chunk: 1, pause: Duration::from_secs(1) }] {
        for seconds in [0, 3, 90] {
            let world = slow_world([on_status(broken.clone())]);
            let job = world.job().await;
            for (wait, last) in
                [(job.wait(), Some(JobState::Queued)), (world.client.job(job.id()).wait(), None)]
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
async fn a_poll_that_is_answered_within_the_grace_of_the_deadline_counts() {
    let world = World::with([on_status(Action::slow_headers(Duration::from_secs(4)))]);
    let job = world.finished_job().await;
    let finished = world.client.job(job.id()).wait().with_max_wait(Duration::ZERO).await.unwrap();
    assert_eq!(finished.job().state, JobState::Succeeded);
}

/// A world whose service withheld the clip of a job that succeeded: no link, and a reason.
fn filtered_world(state: &str) -> World {
    let shown = |operation| Fault::on(operation, Action::UnknownState { state: state.to_owned() });
    World::with([shown(Operation::Status), shown(Operation::List)])
}

#[tokio::test(start_paused = true)]
async fn a_job_that_succeeded_without_a_clip_is_an_error_with_its_reason() {
    for state in ["succeeded", "COMPLETED"] {
        let world = filtered_world(state);
        let jobs = [world.filtered_job().await, world.filtered_job().await];
        let error = jobs[0].wait().await.unwrap_err();
        assert_eq!(error.kind(), WaitErrorKind::Failed);
        assert_eq!(error.last_job().unwrap().state, JobState::Succeeded);
        assert!(error.to_string().contains("succeeded without a clip: "), "{error}");
        assert!(error.to_string().contains("CONTENT_REJECTED"), "{error}");
        let results: Vec<_> = world.client.wait_all(jobs.iter().map(Job::id)).results().collect().await;
        assert!(
            results.iter().all(|(_, result)| result.as_ref().unwrap_err().kind() == WaitErrorKind::Failed)
        );

        let error = jobs[0].download().to_path(world.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::JobFailed, "{error}");
        assert!(error.message().contains("succeeded without a clip: "), "{error}");
        assert!(world.files().is_empty());
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
async fn a_list_that_leaves_links_out_does_not_lose_a_clip() {
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
    let world = World::with([on_status(Action::Stuck)]);
    let job = world.job().await;
    let error = job.wait().with_max_wait(Duration::from_secs(3600)).await.unwrap_err();
    assert_eq!((error.kind(), error.elapsed().as_secs()), (WaitErrorKind::TimedOut, 3600));
}

#[tokio::test(start_paused = true)]
async fn failed_and_cancelled_are_errors_that_carry_the_job() {
    let world = World::with([]);
    let failing = world.client.generate("a city [fail]").submit().await.unwrap();
    let error = failing.wait().await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::Failed);
    let reason = error.last_job().unwrap().error.clone().unwrap();
    assert_eq!(reason.code.as_deref(), Some("CONTENT_REJECTED"));

    let cancelled = world.job().await;
    cancelled.cancel().await.unwrap();
    let error = cancelled.wait().await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::Cancelled);
    assert_eq!(error.last_job().unwrap().state, JobState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_or_an_unknown_job_ends_a_wait_soon() {
    let world = slow_world([on_status(Action::status(401))]);
    let error = world.job().await.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.polls()), (WaitErrorKind::Refused, 1));

    let started = Instant::now();
    let error = world.client.job("vj_of_nobody").wait().await.unwrap_err();
    assert_eq!(error.kind(), WaitErrorKind::Refused);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

/// A gateway without the route says 404 as well, for as long as an outage lasts.
#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_the_services_own_does_not_make_a_job_unknown() {
    let page = Action::Html { status: 404, when: When::BeforeAccepting };
    let world = World::with([on_status(page).times(20)]);
    assert_eq!(world.job().await.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_404_right_after_the_submit_is_lag() {
    let world = World::with([on_status(Action::status(404)).times(3)]);
    let job = world.job().await;
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_wait_leaves_the_job_unless_told_otherwise() {
    let world = slow_world([]);
    let left = world.job().await;
    let waiting = tokio::time::timeout(Duration::from_secs(60), left.wait());
    waiting.await.unwrap_err();
    assert!(world.requests(Operation::Cancel).is_empty());

    let stopped = world.job().await;
    let wait = stopped.wait().with_on_drop(OnDrop::Cancel);
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stopped.status().await.unwrap().state, JobState::Cancelled);
    assert_eq!(left.status().await.unwrap().state, JobState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_finished_before_its_wait_was_dropped_is_kept() {
    let world = World::with([]);
    let job = world.job().await;
    let mut updates = job.wait().with_on_drop(OnDrop::Cancel).updates();
    updates.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    drop(updates);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(job.status().await.unwrap().state, JobState::Succeeded);
    job.download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_forgets_the_job_for_a_moment_does_not_end_the_wait() {
    let world = slow_world([
        on_status(Action::status(404)).nth(5),
        on_status(Action::Redirect { status: 302, location: None }).nth(7),
    ]);
    let job = world.job().await;
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_outage_before_or_between_does_not_make_a_job_unknown() {
    let outage = || on_status(Action::DropBefore).times(9);
    let forgets = || on_status(Action::status(404)).times(1);
    let world = slow_world([outage(), forgets(), outage(), forgets()]);
    let job = world.job().await;
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_and_begun_again_does_not_put_off_the_first_poll() {
    let world = slow_world([]);
    let job = world.job().await;
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_secs(3), job.wait()).await.is_err());
    }
    assert_eq!(world.requests(Operation::Status).len(), 1, "after eight seconds, as if it had been one wait");
}

#[tokio::test(start_paused = true)]
async fn a_replayed_submission_is_polled_at_once() {
    let world = World::with([]);
    let submission = world.client.generate("a city").duration_seconds(0.2).prepare().unwrap();
    let stored = serde_json::to_string(&submission).unwrap();
    world.client.submit(&submission).await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let read_back = serde_json::from_str(&stored).unwrap();
    for submission in [submission, read_back] {
        let job = world.client.submit(&submission).await.unwrap();
        let started = Instant::now();
        assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
        assert_eq!(started.elapsed().as_millis(), 0);
    }
    assert_eq!(world.money(), (1, 1, 0));

    // The response to the first attempt was lost a while ago.
    let slow = Fault::on(Operation::Generate, Action::accept_then_hang()).nth(1);
    let world = World::with([slow]);
    let job = world.job().await;
    let started = Instant::now();
    assert_eq!(job.wait().await.unwrap().job().state, JobState::Succeeded);
    assert_eq!(started.elapsed().as_millis(), 0);
}

/// A cache between the SDK and the sandbox that keeps each response to a GET for 20 seconds.
struct Cache {
    sandbox: RouterTransport,
    kept: Mutex<HashMap<Uri, (Instant, Response<Bytes>)>>,
}

impl Transport for Cache {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let uri = request.uri().clone();
        let may_be_old = request.method() == Method::GET
            && request.headers().get(CACHE_CONTROL).is_none_or(|value| value != "no-cache");
        let kept = self.kept.lock().unwrap().get(&uri).cloned();
        let answer = |response: Response<Bytes>| {
            response.map(|body| futures_util::stream::iter([Ok(body)]).boxed() as ResponseBody)
        };
        let sent = self.sandbox.send(request);
        Box::pin(async move {
            if let Some((at, response)) = kept.filter(|_| may_be_old)
                && at.elapsed() < Duration::from_secs(20)
            {
                return Ok(answer(response));
            }
            let (parts, body) = sent.await?.into_parts();
            let body: Vec<Bytes> = body.try_collect().await?;
            let response = Response::from_parts(parts, Bytes::from(body.concat()));
            self.kept.lock().unwrap().insert(uri, (Instant::now(), response.clone()));
            Ok(answer(response))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_on_the_way_does_not_make_polls_see_an_old_state() {
    let sandbox = Sandbox::builder().clock(Clock::real()).router();
    let cache = Cache { sandbox: RouterTransport(sandbox.clone()), kept: Mutex::default() };
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
async fn a_poll_that_is_told_to_wait_waits_and_no_longer_than_is_believed() {
    let world = slow_world([on_status(Action::rate_limited(86_400)).nth(1)]);
    let job = world.job().await;
    let started = Instant::now();
    let mut updates = job.wait().updates();
    updates.next().await.unwrap().unwrap();
    updates.next().await.unwrap().unwrap();
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(67) && waited < Duration::from_secs(70), "{waited:?}");
}
