//! A server that is overloaded or broken says nothing about the contract, and costs nothing extra.

use std::path::Path;

use infrai_video_sandbox::{Action, Fault, Operation, RetryAfter, Sandbox, When};
use verify::{Journal, Outcome, Settings, Verdict};

use crate::local::{Local, contract, spending};

/// A sandbox with these faults.
fn with(faults: impl IntoIterator<Item = Fault>) -> Local {
    Local::new(Sandbox::builder().faults(faults))
}

/// A run with a journal.
fn run(server: &mut Local, path: &Path) -> anyhow::Result<Outcome> {
    let options = spending(0.5);
    let settings = Settings {
        base_url: "http://127.0.0.1:8787".to_owned(),
        account: "account".to_owned(),
        allowance: options.allowance,
        delete_all: false,
        timeout: options.timeout.as_secs(),
    };
    verify::run(contract(), server, Some(Journal::open(path, &settings)?), options, &mut |_| {})
}

/// The names of the contradicted statements.
fn contradicted(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.with_verdict(Verdict::Contradicted).collect()
}

fn status(status: u16) -> Action {
    Action::status(status)
}

#[test]
fn an_outage_contradicts_nothing() {
    for action in [status(503), status(500), Action::Html { status: 502, when: When::BeforeAccepting }] {
        for operation in [Operation::Status, Operation::List, Operation::Get, Operation::SetRetention] {
            let directory = tempfile::tempdir().unwrap();
            let mut server = with([Fault::on(operation, action.clone())]);
            let outcome = run(&mut server, &directory.path().join("a.run.jsonl")).unwrap();
            assert_eq!(contradicted(&outcome), [""; 0], "{operation} {action:?}");
            assert!(!outcome.left_out.is_empty());
            assert!(server.sandbox.jobs().is_empty(), "{operation} {action:?}");
        }
    }
}

#[test]
fn a_file_host_that_cannot_be_reached_does_not_stop_the_run() {
    for action in [Action::DropBefore, status(503)] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = with([Fault::on(Operation::Clip, action)]);
        let outcome = run(&mut server, &directory.path().join("a.run.jsonl")).unwrap();
        assert_eq!(contradicted(&outcome), [""; 0]);
        assert!(
            outcome.left_out.iter().any(|line| line.starts_with("the first byte of the clip")),
            "{:?}",
            outcome.left_out
        );
        assert!(server.sandbox.jobs().is_empty());
    }
}

#[test]
fn a_redirect_of_a_link_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let mut server =
        with([Fault::on(Operation::Clip, Action::Redirect { status: 302, location: None }).nth(1)]);
    let outcome = run(&mut server, &directory.path().join("a.run.jsonl")).unwrap();
    assert_eq!(contradicted(&outcome), [""; 0]);
    assert_eq!(outcome.findings.verdict("link_authorization"), Verdict::Confirmed);
    assert_eq!(outcome.findings.verdict("ranges"), Verdict::Confirmed);
}

#[test]
fn a_lost_response_costs_nothing_extra() {
    for action in [Action::AcceptThenDrop, Action::accept_then_status(504), Action::MalformedJson] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = with([Fault::on(Operation::Generate, action.clone()).nth(1)]);
        let outcome = run(&mut server, &directory.path().join("a.run.jsonl")).unwrap();
        let keys: Vec<_> =
            server.sandbox.ledger().charges().map(|charge| charge.idempotency_key.clone()).collect();
        assert_eq!(keys.len(), 1, "{action:?}: {keys:?}");
        assert_eq!(
            contradicted(&outcome).len(),
            usize::from(action == Action::MalformedJson),
            "{:?}",
            contradicted(&outcome)
        );
        assert!(server.sandbox.jobs().is_empty(), "{action:?}");
    }
}

#[test]
fn a_job_that_cannot_be_deleted_is_deleted_by_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.run.jsonl");
    let mut server = with([Fault::on(Operation::Delete, status(503))]);
    let outcome = run(&mut server, &path).unwrap();
    assert_eq!(outcome.undeleted.len(), 2);
    assert_eq!(contradicted(&outcome), [""; 0]);
    drop(outcome);
    server.sandbox.set_faults([]);
    let outcome = run(&mut server, &path).unwrap();
    assert_eq!((outcome.undeleted.len(), server.sandbox.jobs().len()), (0, 0));
    assert_eq!(server.sandbox.ledger().charges().count(), 2);
    assert_eq!(outcome.findings.verdict("deleted"), Verdict::Confirmed);
}

#[test]
fn a_server_that_asks_for_a_long_wait_ends_the_run_which_goes_on_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.run.jsonl");
    let long = Action::Status {
        status: 429,
        retry_after: Some(RetryAfter::DateIn(3600)),
        when: When::BeforeAccepting,
    };
    let mut server = with([Fault::on(Operation::SetRetention, long).nth(1)]);
    let stopped = run(&mut server, &path).unwrap_err().to_string();
    assert_eq!(
        stopped,
        "the server responds 429 and asks to wait 3600 s; run the same command again after that"
    );
    let outcome = run(&mut server, &path).unwrap();
    assert_eq!(contradicted(&outcome), [""; 0]);
    assert_eq!(outcome.findings.verdict("retention"), Verdict::Confirmed);
    assert_eq!(server.sandbox.ledger().charges().count(), 2);
    assert!(server.sandbox.jobs().is_empty());
}
