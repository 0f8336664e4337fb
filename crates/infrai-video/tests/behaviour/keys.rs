//! Idempotency keys that the service may have forgotten, and requests that are still in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Request;
use http::header::DATE;
use infrai_video::retry::RetryPolicy;
use infrai_video::transport::TowerTransport;
use infrai_video::transport::Transport;
use infrai_video::{Client, Error, ErrorKind, Submission, Timestamp};
use infrai_video_sandbox::{Action, Fault, Operation, SandboxRouter};
use tokio::time::{Duration, Instant};

use crate::support::SendFuture;
use crate::support::client_of;
use crate::support::harness::Harness;
use crate::support::script::Script;

const ATTEMPTS: usize = 5;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The error of a wall clock: none, a day, two hours, 400 days and 55 years behind, and the same ahead.
const WRONG_BY: [i64; 8] =
    [0, -DAY, -2 * HOUR, -400 * DAY, -55 * 365 * DAY, 2 * HOUR, 400 * DAY, 55 * 365 * DAY];

/// A wall clock with this error in seconds.
fn clock_off_by(sandbox: &SandboxRouter, seconds: Arc<AtomicI64>) -> impl Fn() -> SystemTime + use<> {
    let sandbox = sandbox.clone();
    move || {
        let (now, seconds) = (sandbox.clock().now(), seconds.load(Ordering::Relaxed));
        let by = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { now - by } else { now + by }
    }
}

/// A client on a machine whose wall clock has this error in seconds.
fn client_off_by(harness: &Harness, seconds: i64) -> Client {
    client_with(harness, seconds, TowerTransport::new(harness.sandbox.clone()))
}

fn client_with(harness: &Harness, seconds: i64, transport: impl Transport) -> Client {
    let clock = clock_off_by(&harness.sandbox, Arc::new(seconds.into()));
    let client = client_of(harness.sandbox.base_url()).with_transport(transport).with_wall_clock(clock);
    client.build().unwrap()
}

fn lost(action: Action) -> Harness {
    Harness::with([Fault::on(Operation::Generate, action)])
}

/// A stored submission that was accepted and charged, although the client received no response.
async fn accepted_unnoticed(harness: &Harness, client: &Client) -> String {
    let submission = client.generate("a city at dusk").prepare().unwrap();
    let stored = serde_json::to_string(&submission).unwrap();
    assert!(client.submit(&submission).await.unwrap_err().is_outcome_unknown());
    harness.sandbox.set_faults([]);
    assert_eq!((harness.posts(), harness.money()), (ATTEMPTS, (1, 1, 0)));
    stored
}

async fn submit(client: &Client, stored: &str) -> Result<String, Error> {
    let submission: Submission = serde_json::from_str(stored).unwrap();
    client.submit(&submission).await.map(|job| job.id().to_string())
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_key_is_not_sent_again_whatever_the_wall_clock_shows() {
    for seconds in WRONG_BY {
        for action in [Action::AcceptThenDrop, Action::accept_then_status(504)] {
            let harness = lost(action);
            let stored = accepted_unnoticed(&harness, &harness.client).await;
            tokio::time::advance(Duration::from_secs(25 * 3600)).await;
            let error = submit(&client_off_by(&harness, seconds), &stored).await.unwrap_err();
            assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Expired, true), "{seconds}");
            assert!(error.to_string().contains("25h old by the service's clock"), "{error}");
            assert!(error.next_step().contains("`list`"), "{error}");
            assert_eq!((harness.posts(), harness.money()), (ATTEMPTS, (1, 1, 0)), "{seconds}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_service_remembers_is_sent_again_whatever_the_wall_clock_shows() {
    for seconds in WRONG_BY {
        let harness = lost(Action::AcceptThenDrop);
        let stored = accepted_unnoticed(&harness, &harness.client).await;
        tokio::time::advance(Duration::from_secs(23 * 3600)).await;
        let id = submit(&client_off_by(&harness, seconds), &stored).await.unwrap();
        assert_eq!(id, harness.sandbox.jobs()[0].job_id);
        assert_eq!((harness.posts(), harness.money()), (ATTEMPTS + 1, (1, 1, 0)), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_prepared_by_a_wrong_clock_is_compared_with_the_services_time() {
    // The clock was ahead, and no response had been received: the age is unknown.
    let harness = lost(Action::AcceptThenDrop);
    let ahead = client_off_by(&harness, 400 * DAY);
    let stored = accepted_unnoticed(&harness, &ahead).await;
    let error = submit(&harness.client, &stored).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert!(error.to_string().contains("which is after the service's time"), "{error}");
    assert_eq!((harness.posts(), harness.money()), (ATTEMPTS, (1, 1, 0)));

    // The clock was behind: the submission looks too old.
    let harness = lost(Action::AcceptThenDrop);
    let stored = accepted_unnoticed(&harness, &client_off_by(&harness, -400 * DAY)).await;
    assert_eq!(submit(&harness.client, &stored).await.unwrap_err().kind(), ErrorKind::Expired);

    // After a response with the service's time, the wall clock does not matter.
    for (number, seconds) in WRONG_BY.into_iter().enumerate() {
        let harness = lost(Action::AcceptThenDrop);
        let client = client_off_by(&harness, seconds);
        match number % 2 {
            0 => drop(client.capabilities().await.unwrap()),
            _ => client.sync_time().await,
        }
        let stored = accepted_unnoticed(&harness, &client).await;
        submit(&client_off_by(&harness, 0), &stored).await.unwrap();
        tokio::time::advance(Duration::from_secs(25 * 3600)).await;
        assert_eq!(submit(&client, &stored).await.unwrap_err().kind(), ErrorKind::Expired, "{seconds}");
        assert_eq!(harness.money(), (1, 1, 0), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn correct_clocks_may_differ_by_two_minutes_and_a_key_must_outlive_its_request_by_one() {
    for (ahead, age, is_sent) in [(110, 0, true), (130, 0, false), (0, DAY - 80, true), (0, DAY - 40, false)]
    {
        let harness = lost(Action::AcceptThenDrop);
        let submission = client_off_by(&harness, ahead).generate("a city").prepare().unwrap();
        tokio::time::advance(Duration::from_secs(age.unsigned_abs())).await;
        harness.sandbox.set_faults([]);
        let submitted = submit(&harness.client, &serde_json::to_string(&submission).unwrap()).await;
        let kind = submitted.err().map(|error| error.kind());
        assert_eq!(kind, (!is_sent).then_some(ErrorKind::Expired), "{ahead} {age}");
        assert_eq!(harness.posts(), usize::from(is_sent));
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_stored_submission_is_sent_unchanged_or_not_at_all() {
    let harness = Harness::with([]);
    let submission = harness.client.generate("a city").prepare().unwrap();
    let mut stored = serde_json::to_value(&submission).unwrap();
    let body = format!(" {}\n", submission.body().replace(':', " : "));
    stored["body"] = body.clone().into();
    submit(&harness.client, &stored.to_string()).await.unwrap();
    assert_eq!(harness.requests(Operation::Generate)[0].body.as_deref(), Some(body.as_str()));

    for damaged in ["", "{", r#"{"prompt":""}"#] {
        stored["body"] = damaged.into();
        let error = submit(&harness.client, &stored.to_string()).await.unwrap_err();
        assert_eq!((error.kind(), harness.posts()), (ErrorKind::InvalidInput, 1), "{damaged}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_services_time_is_read_once_and_only_if_it_is_unknown() {
    let reads = |harness: &Harness| {
        harness.requests(Operation::Capabilities).len() + harness.requests(Operation::List).len()
    };
    let harness = Harness::with([]);
    harness.job().await;
    harness.client.sync_time().await;
    assert_eq!(reads(&harness), 0, "the response of `generate` has shown it");

    for faults in [vec![], vec![Fault::on(Operation::Capabilities, Action::status(500))]] {
        let harness = Harness::with(faults);
        harness.client.sync_time().await;
        harness.client.sync_time().await;
        assert_eq!(reads(&harness), 1, "any response shows it");
    }
    let harness = Harness::with([]);
    let client = client_with(&harness, 0, WithoutDate(TowerTransport::new(harness.sandbox.clone())));
    client.sync_time().await;
    client.sync_time().await;
    assert_eq!(reads(&harness), 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_wait_for_the_services_time() {
    let slow = Action::slow_headers(Duration::from_secs(1));
    let harness = Harness::with([Fault::on(Operation::Capabilities, slow)]);
    let client = client_off_by(&harness, 6 * HOUR);
    let prepare = async || {
        client.sync_time().await;
        client.generate("a city at dusk").prepare().unwrap().prepared_at()
    };
    let prepared: [_; 3] = tokio::join!(prepare(), prepare(), prepare()).into();
    let now = Timestamp::try_from(harness.sandbox.clock().now()).unwrap();
    let age = |at: &Timestamp| now.checked_duration_since(*at);
    assert!(prepared.iter().all(|at| age(at).is_some_and(|age| age.as_secs() < 5)), "{prepared:?} {now}");
    assert_eq!(harness.requests(Operation::Capabilities).len(), 1);
}

/// Removes the `Date` of the sandbox's responses.
struct WithoutDate(TowerTransport<SandboxRouter>);

impl Transport for WithoutDate {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let sent = self.0.send(request);
        async move {
            let mut response = sent.await?;
            response.headers_mut().remove(DATE);
            Ok(response)
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_of_unknown_age_is_sent_only_by_a_caller_who_says_so() {
    let harness = lost(Action::AcceptThenDrop);
    let stored = accepted_unnoticed(&harness, &harness.client).await;
    let client = client_with(&harness, 0, WithoutDate(TowerTransport::new(harness.sandbox.clone())));
    let error = submit(&client, &stored).await.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Expired, true));
    assert!(error.to_string().contains("have no `Date`"), "{error}");
    assert_eq!(harness.posts(), ATTEMPTS);

    let submission: Submission = serde_json::from_str(&stored).unwrap();
    let job = client.submit(&submission).with_any_age().await.unwrap();
    assert_eq!(*job.id(), harness.sandbox.jobs()[0].job_id);
    assert_eq!((harness.posts(), harness.money()), (ATTEMPTS + 1, (1, 1, 0)));
}

#[tokio::test(start_paused = true)]
async fn the_first_sending_needs_no_other_request_and_a_second_one_requests_the_time_once() {
    let harness = Harness::with([]);
    let submission = harness.client.generate("a city at dusk").prepare().unwrap();
    harness.client.submit(&submission).await.unwrap();
    harness.client.submit(&submission).await.unwrap();
    harness.client.generate("a river").submit().await.unwrap();
    assert_eq!(harness.sandbox.journal().len(), 3, "the first response has shown the service's time");

    let stored = serde_json::to_string(&submission).unwrap();
    let fresh = client_off_by(&harness, 0);
    submit(&fresh, &stored).await.unwrap();
    submit(&fresh, &stored).await.unwrap();
    assert_eq!(harness.requests(Operation::Capabilities).len(), 1);
    assert_eq!(harness.money(), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failing_operation_does_not_hide_the_time() {
    let broken = [
        Action::status(401),
        Action::status(404),
        Action::status(405),
        Action::status(503),
        Action::html(),
        Action::hang(),
        Action::DropBefore,
        Action::cut(3),
    ];
    for action in broken {
        let harness = lost(Action::AcceptThenDrop);
        let stored = accepted_unnoticed(&harness, &harness.client).await;
        harness.sandbox.set_faults([Fault::on(Operation::Capabilities, action.clone())]);
        let started = Instant::now();
        submit(&client_off_by(&harness, -2 * HOUR), &stored)
            .await
            .unwrap_or_else(|error| panic!("{action:?}: {error}"));
        assert!(started.elapsed() <= Duration::from_secs(11), "{action:?}");
        let lists = harness.requests(Operation::List);
        assert!(lists.iter().all(|list| list.query.as_deref() == Some("limit=1")), "{action:?}");
        assert_eq!(harness.money(), (1, 1, 0), "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_an_unreachable_service_the_age_is_unknown_and_the_call_is_retryable() {
    let harness = lost(Action::AcceptThenDrop);
    let stored = accepted_unnoticed(&harness, &harness.client).await;
    harness.sandbox.set_faults([Fault::anywhere(Action::DropBefore)]);
    let started = Instant::now();
    let error = submit(&client_off_by(&harness, 0), &stored).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert!(error.is_outcome_unknown() && error.is_retryable(), "{error}");
    assert_eq!((error.attempts() as usize, harness.posts()), (ATTEMPTS, ATTEMPTS));
    assert!(started.elapsed() <= Duration::from_secs(120));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_sleeps_for_a_day_in_the_middle_of_a_call_does_not_pay_twice() {
    let harness = lost(Action::AcceptThenDrop);
    let wrong_by = Arc::new(AtomicI64::new(0));
    let clock = clock_off_by(&harness.sandbox, Arc::clone(&wrong_by));
    let client = client_of(harness.sandbox.base_url())
        .with_transport(TowerTransport::new(harness.sandbox.clone()))
        .with_wall_clock(clock)
        .build()
        .unwrap();
    let sleeps = async {
        // The monotonic clock stands still while the machine sleeps.
        tokio::time::sleep(Duration::from_millis(1)).await;
        harness.sandbox.clock().advance(Duration::from_secs(25 * 3600));
    };
    let (submitted, ()) = tokio::join!(client.generate("a city at dusk").submit().into_future(), sleeps);
    let error = submitted.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Expired, true));
    assert_eq!((harness.posts(), harness.money()), (1, (1, 1, 0)));
}

fn refused(status: u16, retryable: Option<bool>) -> (u16, String) {
    let error = serde_json::json!({"code": "CONFLICT", "message": "wait a moment", "retryable": retryable});
    (status, serde_json::json!({"ok": false, "error": error}).to_string())
}

fn job() -> String {
    serde_json::json!({"ok": true, "data": {"job_id": "vj_1", "state": "queued"}}).to_string()
}

/// Checks that the requests are identical, including the key.
fn assert_the_same(requests: &[Request<Bytes>]) {
    let what = |request: &Request<Bytes>| {
        (request.uri().clone(), request.headers()["idempotency-key"].clone(), request.body().clone())
    };
    assert!(requests.windows(2).all(|pair| what(&pair[0]) == what(&pair[1])));
}

fn scripted(script: &Script) -> Client {
    client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_in_progress_is_retried_with_its_key_until_it_returns_the_job() {
    for status in [409, 423, 425] {
        for lost_first in [true, false] {
            let (_, body) = refused(status, Some(true));
            let mut script = Script::default();
            if lost_first {
                script = script.then(504, &[], "");
            }
            let script =
                (0..3).fold(script, |script, _| script.then(status, &[("retry-after", "1")], body.clone()));
            let script = script.then(200, &[], job());
            let started = Instant::now();
            let submitted = scripted(&script).generate("a city at dusk").submit().await;
            let submitted = submitted.unwrap_or_else(|error| panic!("{status}: {error}"));
            assert_eq!(submitted.id(), "vj_1");
            assert_eq!(submitted.attempts() as usize, 4 + usize::from(lost_first));
            assert!(started.elapsed() >= Duration::from_secs(3), "{:?}", started.elapsed());
            assert_the_same(&script.requests());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_waits_for_its_own_request_in_progress() {
    let done = r#"{"ok":true,"data":{"ok":true,"deleted":1,"job_id":"vj_1","retention_days":7}}"#;
    let script = || Script::of([refused(423, Some(true)), refused(409, Some(true)), (200, done.to_owned())]);
    let scripts: [Script; 4] = std::array::from_fn(|_| script());
    scripted(&scripts[0]).cancel("vj_1").await.unwrap();
    scripted(&scripts[1]).delete("vj_1").await.unwrap();
    scripted(&scripts[2]).delete_all().await.unwrap();
    scripted(&scripts[3]).set_retention("vj_1", 7.try_into().unwrap()).await.unwrap();
    for script in scripts {
        assert_eq!(script.requests().len(), 3);
        assert_the_same(&script.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_has_the_key_and_the_retry_policy_of_its_caller() {
    let script = Script::of([409, 409, 503, 503].map(|status| (status, String::new())));
    let client = scripted(&script);
    let error = client.cancel("vj_1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = client.cancel("vj_1").with_idempotency_key("key-1".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AcceptedEarlier, "another request may have this key");
    assert_eq!(script.requests()[1].headers()["idempotency-key"], "key-1");
    client.cancel("vj_1").with_retry_policy(RetryPolicy::never()).await.unwrap_err();
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_request_that_stays_in_progress_has_its_key_and_a_next_step() {
    for status in [409, 423, 425] {
        let script = Script::of((0..9).map(|_| refused(status, Some(true))));
        let error = scripted(&script).generate("a city at dusk").submit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InProgress);
        assert!(error.is_outcome_unknown() && error.is_retryable(), "{error}");
        assert_eq!(script.requests().len(), ATTEMPTS);
        let key = error.idempotency_key().unwrap().as_str();
        assert!(error.next_step().contains(key) && error.to_string().contains(key), "{error}");
    }
    // `Retry-After` is limited by the policy.
    let (status, body) = refused(409, Some(true));
    let script = Script::default().then(status, &[("retry-after", "86400")], body).then(200, &[], job());
    let started = Instant::now();
    scripted(&script).generate("a city at dusk").submit().await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_is_not_in_progress_is_not_retried() {
    for retryable in [Some(false), None] {
        for status in [409, 423, 425] {
            let script = Script::of([refused(status, retryable), (200, job())]);
            scripted(&script).generate("a city at dusk").submit().await.unwrap_err();
            assert_eq!(script.requests().len(), 1, "{status} {retryable:?}");
        }
    }
    let script = Script::of([refused(409, Some(true)), (200, job())]);
    let error = scripted(&script).status("vj_1").await.unwrap_err();
    assert_eq!((error.kind(), script.requests().len()), (ErrorKind::Conflict, 1), "a read has no key");
    let script = Script::of([refused(409, Some(true)), (200, job())]);
    let once = scripted(&script).generate("x").submit().with_retry_policy(RetryPolicy::never()).await;
    assert_eq!((once.unwrap_err().kind(), script.requests().len()), (ErrorKind::InProgress, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_api_key_is_the_first_next_step_of_an_unknown_outcome() {
    let harness = lost(Action::AcceptThenDrop);
    let stored = accepted_unnoticed(&harness, &harness.client).await;
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::status(401))]);
    let error = submit(&harness.client, &stored).await.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Authentication, true));
    assert!(error.next_step().starts_with("check INFRAI_API_KEY, then send the same"), "{error}");
}
