//! Calls without a response for a while, in a pipe.

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{Harness, Run};

async fn with_fault(operation: Operation, action: Action) -> Harness {
    let harness = Harness::with(Sandbox::builder().instant_jobs()).await;
    harness.job();
    harness.sandbox.set_faults([Fault::on(operation, action).nth(1)]);
    harness
}

/// The lines of stderr that say what is waited for.
fn waits(run: &Run) -> Vec<&str> {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let is_wait = |line: &&str| line.starts_with("waiting ") || line.starts_with("retrying ");
    run.stderr.lines().filter(is_wait).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_response_is_one_line_and_none_with_quiet() {
    let slow = || Action::slow_headers(Duration::from_secs(6));
    let (loud, quiet) =
        (with_fault(Operation::List, slow()).await, with_fault(Operation::List, slow()).await);
    let quiet = tokio::task::spawn_blocking(move || quiet.run(["list", "-q"]));
    let run = loud.run(["list"]);
    let [line] = waits(&run)[..] else { panic!("one line: {}", run.stderr) };
    assert!(line.starts_with("waiting    for the response to list, 00:"), "{line}");
    let quiet = quiet.await.expect("it ends");
    assert_eq!((quiet.code, &*quiet.stderr), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_pauses_before_a_retry_says_why() {
    let harness = with_fault(Operation::Capabilities, Action::rate_limited(7)).await;
    let run = harness.run(["capabilities"]);
    let [line] = waits(&run)[..] else { panic!("one line: {}", run.stderr) };
    assert!(line.starts_with("retrying   capabilities in ") && line.contains(" s, 00:"), "{line}");
    assert!(line.contains(": a fault rule responds with 429 ") && line.ends_with(')'), "{line}");
    // A response within five seconds is not reported.
    assert!(waits(&harness.run(["capabilities"])).is_empty());
}
