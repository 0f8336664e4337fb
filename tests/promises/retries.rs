//! The rules of the one loop that repeats a request.

use infrai_video::{ErrorKind, RetryPolicy};
use infrai_video_sandbox::{Action, Fault, Operation, RetryAfter, Sandbox, When};
use tokio::time::{Duration, Instant};

use crate::world::World;

const ATTEMPTS: usize = 5;

fn on_generate(action: Action) -> Fault {
    Fault::on(Operation::Generate, action)
}

/// Generates while the first answer, or each one, goes wrong; gives what the SDK said.
async fn generate(world: &World) -> Result<String, infrai_video::Error> {
    world.client.generate("a city at dusk").submit().await.map(|job| job.id().to_owned())
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
async fn a_lost_answer_is_asked_for_again_under_the_same_key_and_charged_once() {
    for action in lost_answers() {
        let world = World::with([on_generate(action.clone()).nth(1)]);
        let id = generate(&world).await.unwrap_or_else(|error| panic!("{action:?}: {error}"));
        assert_eq!(world.sandbox.jobs()[0].job_id, id);
        assert_eq!(world.posts(), 2, "{action:?}");
        assert_eq!(world.money(), (1, 1, 0), "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_stay_lost_end_in_an_error_that_says_so_and_one_charge() {
    for action in lost_answers() {
        let world = World::with([on_generate(action.clone())]);
        let error = generate(&world).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{action:?}: {error}");
        assert_eq!(error.attempts() as usize, world.posts());
        assert!(world.posts() <= ATTEMPTS && world.posts() > 1, "{action:?}: {} posts", world.posts());
        assert_eq!(world.money(), (1, 1, 0), "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_submission_after_a_crash_finds_the_same_job() {
    let world = World::with([on_generate(Action::AcceptThenDrop).times(ATTEMPTS as u64)]);
    let submission = world.client.generate("a city at dusk").prepare().unwrap();
    let error = world.client.submit(&submission).await.unwrap_err();
    assert!(error.is_outcome_unknown());
    let stored = serde_json::to_string(&submission).unwrap();
    let after_the_crash: infrai_video::Submission = serde_json::from_str(&stored).unwrap();
    let job = world.client.submit(&after_the_crash).sent_before().await.unwrap();
    assert_eq!(world.sandbox.jobs()[0].job_id, job.id());
    assert_eq!((world.posts(), world.money()), (ATTEMPTS + 1, (1, 1, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_transient_status_is_repeated_and_another_is_not() {
    for status in [408, 429, 500, 502, 503, 504] {
        let world = World::with([Fault::on(Operation::Capabilities, Action::status(status)).nth(1)]);
        world.client.capabilities().await.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(world.requests(Operation::Capabilities).len(), 2, "{status}");
    }
    for status in [400, 401, 402, 403, 404, 405, 409, 410, 422, 501, 505] {
        let world = World::with([Fault::on(Operation::Capabilities, Action::status(status))]);
        let error = world.client.capabilities().await.unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(status), 1));
        assert_eq!(world.requests(Operation::Capabilities).len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_402_is_typed_and_never_repeated() {
    let world = World::of(Sandbox::builder().starting_balance(0.0), |client| client);
    let error = generate(&world).await.unwrap_err();
    assert!(error.is_insufficient_credit() && !error.is_retryable() && !error.is_outcome_unknown());
    assert!(error.to_string().contains("/v1/account/topup"), "{error}");
    assert_eq!((world.posts(), world.money()), (1, (0, 0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_never_under_retry_after() {
    for (retry_after, seconds) in
        [(RetryAfter::Seconds(7), 7), (RetryAfter::DateIn(9), 9), (RetryAfter::Text("soon".into()), 0)]
    {
        let action =
            Action::Status { status: 429, retry_after: Some(retry_after), when: When::BeforeAccepting };
        let world = World::with([Fault::on(Operation::Capabilities, action).nth(1)]);
        let started = Instant::now();
        world.client.capabilities().await.unwrap();
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
        let world = World::with([Fault::on(Operation::Capabilities, action.clone())]);
        let policy = RetryPolicy::default().with_max_elapsed(limit).with_max_attempts(1000);
        let started = Instant::now();
        world.client.capabilities().with_retry_policy(policy).await.unwrap_err();
        assert!(started.elapsed() <= limit + Duration::from_millis(1), "{action:?}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_budget_stops_a_storm_of_retries() {
    let sandbox = Sandbox::builder().fault(Fault::anywhere(Action::status(503)));
    let world = World::of(sandbox, |client| client.with_retry_budget(10));
    for _ in 0..20 {
        world.client.clone().capabilities().await.unwrap_err();
    }
    assert_eq!(world.requests(Operation::Capabilities).len(), 20 + 10);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_never_sent_is_no_unknown_outcome() {
    let world = World::with([]);
    let error = world.client.generate("").submit().await.unwrap_err();
    assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::InvalidInput, false));
    assert!(world.sandbox.journal().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_over_a_key_that_was_sent_before_means_accepted_earlier() {
    // A service that refuses a key it knows, instead of giving the first answer again.
    let faults = [on_generate(Action::AcceptThenDrop).nth(1), on_generate(Action::status(409)).nth(2)];
    let world = World::with(faults);
    let error = generate(&world).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AcceptedEarlier);
    assert_eq!((world.posts(), world.money()), (2, (1, 1, 0)));

    // The same answer to a key that was never sent before is a plain conflict.
    let world = World::with([on_generate(Action::status(409))]);
    assert_eq!(generate(&world).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn every_write_is_carried_out_once_although_its_answer_is_lost() {
    for operation in [Operation::Cancel, Operation::Delete, Operation::DeleteAll, Operation::SetRetention] {
        let world = World::with([Fault::on(operation, Action::AcceptThenDrop).nth(1)]);
        let job = world.job().await;
        let id = job.id();
        let days = 7.try_into().unwrap();
        let done = match operation {
            Operation::Cancel => world.client.cancel(id).await.map(drop),
            Operation::Delete => world.client.delete(id).await.map(drop),
            Operation::DeleteAll => {
                world.client.delete_all().await.map(|all| assert_eq!(all.deleted, Some(1)))
            }
            _ => world.client.set_retention(id, days).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let seen = world.requests(operation);
        assert_eq!(seen.len(), 2, "{operation}");
        assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed_and_the_key_goes_nowhere() {
    let redirect = Action::Redirect { status: 307, location: None };
    let world = World::with([on_generate(redirect)]);
    let error = generate(&world).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, Some(307)));
    assert_eq!(world.sandbox.journal().len(), 1);
}
