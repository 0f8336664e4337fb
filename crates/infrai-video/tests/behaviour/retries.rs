//! The retry loop.

use infrai_video::ErrorKind;
use infrai_video::retry::RetryPolicy;
use infrai_video::transport::TransportErrorKind;
use infrai_video_sandbox::{Action, Fault, Operation, RetryAfter, Sandbox, When};
use tokio::time::{Duration, Instant};

use crate::support::client_of;
use crate::support::harness::Harness;
use crate::support::script::Script;

const ATTEMPTS: usize = 5;

fn on_generate(action: Action) -> Fault {
    Fault::on(Operation::Generate, action)
}

/// Submits a request with these faults, and returns the result.
async fn generate(harness: &Harness) -> Result<String, infrai_video::Error> {
    harness.client.generate("a city at dusk").submit().await.map(|job| job.id().to_string())
}

fn lost_answers() -> [Action; 8] {
    [
        Action::AcceptThenDrop,
        Action::accept_then_status(500),
        Action::accept_then_status(502),
        Action::accept_then_status(503),
        Action::accept_then_status(504),
        Action::accept_then_hang(),
        Action::CutJson,
        Action::cut(20),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_is_requested_again_with_the_same_key_and_charged_once() {
    for action in lost_answers() {
        let harness = Harness::with([on_generate(action.clone()).nth(1)]);
        let id = generate(&harness).await.unwrap_or_else(|error| panic!("{action:?}: {error}"));
        assert_eq!(harness.sandbox.jobs()[0].job_id, id);
        assert_eq!(harness.posts(), 2, "{action:?}");
        assert_eq!(harness.money(), (1, 1, 0), "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn responses_that_stay_lost_are_an_unknown_outcome_and_one_charge() {
    for action in lost_answers() {
        let harness = Harness::with([on_generate(action.clone())]);
        let error = generate(&harness).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{action:?}: {error}");
        assert_eq!(error.attempts() as usize, harness.posts());
        assert!(harness.posts() <= ATTEMPTS && harness.posts() > 1, "{action:?}: {} posts", harness.posts());
        assert_eq!(harness.money(), (1, 1, 0), "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_submission_after_a_crash_finds_the_same_job() {
    let harness = Harness::with([on_generate(Action::AcceptThenDrop).times(ATTEMPTS as u64)]);
    let submission = harness.client.generate("a city at dusk").prepare().unwrap();
    let error = harness.client.submit(&submission).await.unwrap_err();
    assert!(error.is_outcome_unknown());
    let stored = serde_json::to_string(&submission).unwrap();
    let after_the_crash: infrai_video::Submission = serde_json::from_str(&stored).unwrap();
    let job = harness.client.submit(&after_the_crash).await.unwrap();
    assert_eq!(harness.sandbox.jobs()[0].job_id, *job.id());
    assert_eq!((harness.posts(), harness.money()), (ATTEMPTS + 1, (1, 1, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_transient_status_is_retried_and_another_is_not() {
    for status in [408, 429, 500, 502, 503, 504] {
        let harness = Harness::with([Fault::on(Operation::Capabilities, Action::status(status)).nth(1)]);
        harness.client.capabilities().await.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(harness.requests(Operation::Capabilities).len(), 2, "{status}");
    }
    for status in [400, 401, 402, 403, 404, 405, 409, 410, 422, 501, 505] {
        let harness = Harness::with([Fault::on(Operation::Capabilities, Action::status(status))]);
        let error = harness.client.capabilities().await.unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(status), 1));
        assert_eq!(harness.requests(Operation::Capabilities).len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn retryable_false_always_wins() {
    let body = serde_json::json!({"ok": false, "error": {"code": "X", "message": "no", "retryable": false}});
    let script = Script::of((0..ATTEMPTS).map(|_| (503, body.to_string())));
    let client = client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap();
    let error = client.capabilities().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Server, false));
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_connection_is_retried_and_its_outcome_is_known() {
    let job = serde_json::json!({"ok": true, "data": {"job_id": "vj_1", "state": "queued"}});
    let script = Script::default().then_fail(TransportErrorKind::Connect).then(200, &[], job.to_string());
    let client = client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap();
    assert_eq!(client.generate("x").submit().await.unwrap().attempts(), 2);
    let error = client.generate("x").submit().await.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Unreachable, false));
}

#[tokio::test(start_paused = true)]
async fn a_402_is_typed_and_never_repeated() {
    let harness = Harness::of(Sandbox::builder().starting_balance(0.0), |client| client);
    let error = generate(&harness).await.unwrap_err();
    assert!(error.is_insufficient_credit() && !error.is_retryable() && !error.is_outcome_unknown());
    assert!(error.to_string().contains("/v1/account/topup"), "{error}");
    assert_eq!((harness.posts(), harness.money()), (1, (0, 0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_never_less_than_retry_after() {
    for (retry_after, seconds) in
        [(RetryAfter::Seconds(7), 7), (RetryAfter::DateIn(9), 9), (RetryAfter::Text("soon".into()), 0)]
    {
        let action =
            Action::Status { status: 429, retry_after: Some(retry_after), when: When::BeforeAccepting };
        let harness = Harness::with([Fault::on(Operation::Capabilities, action).nth(1)]);
        let started = Instant::now();
        harness.client.capabilities().await.unwrap();
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(seconds), "{waited:?}");
        assert!(waited < Duration::from_secs(seconds.max(1) + 1), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_outlives_its_deadline() {
    let limit = Duration::from_secs(20);
    let slow = Action::Status {
        status: 503,
        retry_after: Some(RetryAfter::Seconds(15)),
        when: When::BeforeAccepting,
    };
    for action in [Action::hang(), Action::status(503), slow, Action::DropBefore] {
        let harness = Harness::with([Fault::on(Operation::Capabilities, action.clone())]);
        let policy = RetryPolicy::default().with_max_elapsed(limit).with_max_attempts(1000);
        let started = Instant::now();
        harness.client.capabilities().with_retry_policy(policy).await.unwrap_err();
        assert!(started.elapsed() <= limit + Duration::from_millis(1), "{action:?}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_retried_before_its_deadline_fails_at_once() {
    let harness = Harness::with([Fault::on(Operation::Capabilities, Action::rate_limited(20))]);
    let policy = RetryPolicy::default().with_max_elapsed(Duration::from_secs(20));
    let started = Instant::now();
    let error = harness.client.capabilities().with_retry_policy(policy).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed()), (ErrorKind::RateLimited, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_shared_budget_stops_a_storm_of_retries() {
    let sandbox = Sandbox::builder().fault(Fault::anywhere(Action::status(503)));
    let harness = Harness::of(sandbox, |client| client.with_retry_budget(10));
    for _ in 0..20 {
        harness.client.clone().capabilities().await.unwrap_err();
    }
    assert_eq!(harness.requests(Operation::Capabilities).len(), 20 + 10);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_request_that_was_never_sent_is_known() {
    let harness = Harness::with([]);
    let error = harness.client.generate("").submit().await.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::InvalidInput, false));
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_over_a_key_that_was_sent_before_means_accepted_earlier() {
    // A service that rejects a known key, instead of repeating the first response.
    let faults = [on_generate(Action::AcceptThenDrop).nth(1), on_generate(Action::status(409)).nth(2)];
    let harness = Harness::with(faults);
    let error = generate(&harness).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AcceptedEarlier);
    assert_eq!((harness.posts(), harness.money()), (2, (1, 1, 0)));

    // A stored submission may have been sent by a process that did not receive the response, so the first attempt counts as a retry.
    let harness = Harness::with([on_generate(Action::status(409))]);
    let stored = serde_json::to_string(&harness.client.generate("a city").prepare().unwrap()).unwrap();
    let submission: infrai_video::Submission = serde_json::from_str(&stored).unwrap();
    let error = harness.client.submit(&submission).await.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::AcceptedEarlier, true));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_the_jobs_state_stays_one_after_a_lost_response() {
    let harness = Harness::with([Fault::on(Operation::Cancel, Action::status(503)).nth(1)]);
    let job = harness.finished_job().await;
    let error = job.cancel().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, Some("JOB_FINISHED")));
    assert_eq!(error.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_write_is_executed_once_if_its_response_is_lost() {
    for operation in [Operation::Cancel, Operation::Delete, Operation::DeleteAll, Operation::SetRetention] {
        let harness = Harness::with([Fault::on(operation, Action::AcceptThenDrop).nth(1)]);
        let job = harness.job().await;
        let id = job.id();
        let days = 7.try_into().unwrap();
        let done = match operation {
            Operation::Cancel => harness.client.cancel(id).await.map(drop),
            Operation::Delete => harness.client.delete(id).await.map(drop),
            Operation::DeleteAll => {
                harness.client.delete_all().await.map(|all| assert_eq!(all.deleted, Some(1)))
            }
            _ => harness.client.set_retention(id, days).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let seen = harness.requests(operation);
        assert_eq!(seen.len(), 2, "{operation}");
        assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed_and_the_key_is_not_sent() {
    let redirect = Action::Redirect { status: 307, location: None };
    let harness = Harness::with([on_generate(redirect)]);
    let error = generate(&harness).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, Some(307)));
    assert_eq!(harness.sandbox.journal().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_status_of_an_error_response_is_enough_without_its_body() {
    for (status, kind) in
        [(402, ErrorKind::InsufficientCredit), (404, ErrorKind::NotFound), (503, ErrorKind::Server)]
    {
        let script = (0..ATTEMPTS).fold(Script::default(), |script, _| script.then_cut(status));
        let client = client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap();
        let error = client.capabilities().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!(script.requests().len(), if status == 503 { ATTEMPTS } else { 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_response_to_a_write_without_result_is_a_success_only_if_it_announces_that() {
    let length = |length| [("content-length", length)];
    for (status, headers, body, requests) in [
        (204, &[][..], "", 1),
        (200, &length("0"), "", 1),
        (200, &[], "", 2),
        (200, &length("14"), "", 2),
        (200, &length("0"), "{\"ok\":", 2),
    ] {
        let script = Script::default().then(status, headers, body).then(204, &[], "");
        let client = client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap();
        assert_eq!(client.delete("vj_1").await.unwrap().ok, Some(true));
        assert_eq!(script.requests().len(), requests, "{status} {headers:?} {body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_the_service_reports_as_not_executed_is_an_error() {
    let body = r#"{"ok":true,"data":{"ok":false},"metadata":{"request_id":"req_1"}}"#;
    let script = Script::of([(200, body.to_owned()), (200, body.to_owned())]);
    let client = client_of("https://api.infrai.cc").with_transport(script.clone()).build().unwrap();
    let error = client.delete("vj_1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Rejected, false));
    assert_eq!(error.request_id(), Some("req_1"));
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn maximum_limits_do_not_panic() {
    let harness = Harness::of(
        Sandbox::builder().fault(Fault::on(Operation::Status, Action::rate_limited(u64::MAX)).nth(1)),
        |client| {
            let policy = RetryPolicy::default().with_max_elapsed(Duration::MAX);
            client.with_retry_policy(policy).with_attempt_timeout(Duration::MAX).with_max_wait(Duration::MAX)
        },
    );
    let job = harness.job().await;
    job.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn checks_at_the_same_time_do_not_wait_for_each_other() {
    let harness = Harness::with([Fault::on(Operation::Capabilities, Action::hang())]);
    let started = Instant::now();
    let generate = harness.client.generate("a city");
    let checks = futures_util::future::join_all((0..5).map(|_| generate.preflight())).await;
    assert!(checks.iter().all(|check| check.as_ref().is_ok_and(|fit| fit.of == 0)), "{checks:?}");
    assert!(started.elapsed() <= Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_servers_text_is_displayed_as_one_harmless_line() {
    let message = "no\r\n\u{1b}[31mway ".repeat(1000);
    let body = serde_json::json!({"ok": false, "error": {"code": "A\nB", "message": message}}).to_string();
    let client =
        client_of("https://api.infrai.cc").with_transport(Script::of([(400, body)])).build().unwrap();
    let shown = client.capabilities().await.unwrap_err().to_string();
    assert!(shown.len() < 1000 && !shown.chars().any(char::is_control), "{shown:?}");
}
