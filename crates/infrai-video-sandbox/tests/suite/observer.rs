//! The observer of requests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, JournalLimits, Ledger, Operation, SandboxRouter, Seen};

use crate::common::{KEY, builder, call, cheap_job, get};

fn observed(fault: Option<Fault>) -> (SandboxRouter, Arc<Mutex<Vec<Seen>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&requests);
    let sandbox = builder()
        .faults(fault)
        .on_request(move |seen| sink.lock().expect("no test panics").push(seen.clone()));
    (sandbox.router(), requests)
}

#[tokio::test]
async fn each_request_is_reported_with_its_result() {
    let (sandbox, requests) = observed(Some(Fault::on(Operation::List, Action::AcceptThenDrop)));
    let id = cheap_job(&sandbox).await;
    let _lost = get("/v1/video/list").try_send(&sandbox).await;
    call("GET", "/v1/nothing").send(&sandbox).await;
    get("/__sandbox/journal").send(&sandbox).await;
    let requests = requests.lock().unwrap();
    assert_eq!(*requests, sandbox.journal());
    let [made, lost, nothing] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((made.job_id.as_ref(), made.status), (Some(&id), Some(200)));
    assert_eq!(made.account, Some(Ledger::account_of(KEY)));
    assert!(made.cost_usd.is_some_and(|cost| cost > 0.0));
    assert_eq!((lost.status, lost.fault.as_deref()), (None, Some("accept_then_drop")));
    assert_eq!((nothing.status, nothing.account.as_deref(), nothing.cost_usd), (Some(404), None, None));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_caller_gives_up_is_reported_too() {
    let (sandbox, requests) = observed(Some(Fault::on(Operation::List, Action::hang())));
    let gave_up = tokio::time::timeout(Duration::from_secs(9), get("/v1/video/list").send(&sandbox)).await;
    assert!(gave_up.is_err());
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].status, requests[0].fault.as_deref()), (None, Some("hang")));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_outlives_a_reset_is_reported_and_changes_no_other_entry() {
    let (sandbox, requests) = observed(Some(Fault::on(Operation::List, Action::hang()).times(1)));
    let mut hanging = Box::pin(get("/v1/video/list").send(&sandbox));
    assert!(tokio::time::timeout(Duration::from_secs(9), &mut hanging).await.is_err());
    sandbox.reset();
    get("/v1/video/capabilities").send(&sandbox).await.data();
    let before = sandbox.journal();
    drop(hanging);
    assert_eq!(sandbox.journal(), before);
    let requests = requests.lock().unwrap();
    let faults: Vec<_> = requests.iter().map(|seen| seen.fault.as_deref()).collect();
    assert_eq!(faults, [None, Some("hang")]);
}

#[tokio::test]
async fn a_journal_that_keeps_nothing_still_reports() {
    let requests = Arc::new(Mutex::new(0));
    let sink = Arc::clone(&requests);
    let limits = JournalLimits { requests: 0, ..JournalLimits::default() };
    let sandbox = builder().journal_limits(limits).on_request(move |_| *sink.lock().unwrap() += 1).router();
    get("/v1/video/list").send(&sandbox).await.data();
    assert_eq!((*requests.lock().unwrap(), sandbox.journal().len()), (1, 0));
}
