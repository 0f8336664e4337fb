//! The sandbox without quirks.

use std::collections::BTreeSet;
use std::time::Duration;

use infrai_video_sandbox::Sandbox;
use verify::{Contract, Options, Server as _, Verdict, apply, report};

use crate::local::{Local, contract, evidence, run, spending};

const READING: Options = Options { allowance: None, delete_all: false, timeout: Duration::from_secs(900) };

#[test]
fn nothing_is_contradicted_and_most_is_confirmed() {
    let mut server = Local::plain();
    let outcome = run(&mut server, spending(0.5));
    let contradicted: Vec<_> = outcome.findings.with_verdict(Verdict::Contradicted).collect();
    assert!(contradicted.is_empty(), "{contradicted:?}");
    assert_eq!(outcome.left_out, [""; 0]);
    let confirmed: BTreeSet<_> = outcome.findings.with_verdict(Verdict::Confirmed).collect();
    let contract = contract();
    let not_seen: Vec<_> = contract
        .statements
        .iter()
        .map(|statement| statement.name.as_str())
        .filter(|name| !confirmed.contains(name))
        .collect();
    insta::assert_snapshot!(not_seen.join("\n"));
    // Everything that it made is gone, and nothing was charged twice.
    assert_eq!(server.sandbox.jobs().len(), 0);
    assert_eq!(server.sandbox.ledger().double_charges(), 0);
}

#[test]
fn without_money_a_run_only_reads() {
    let mut server = Local::plain();
    run(&mut server, READING);
    let methods: BTreeSet<_> = server.sandbox.journal().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, BTreeSet::from(["GET".to_owned()]));
}

#[test]
fn the_evidence_has_no_id_no_link_and_no_prompt() {
    let mut server = Local::new(Sandbox::builder().starting_balance(100.0));
    let body = serde_json::json!({"prompt": "somebody's secret [fail]", "duration_seconds": 1});
    server.send(&verify::Request::post("/v1/video/generate").with_json(&body)).unwrap();
    let outcome = run(&mut server, spending(0.5));
    let evidence = evidence(&outcome);
    let text = evidence.to_json() + &report(contract(), &evidence, &[]);
    for private in [
        "vj_01",
        "req_01",
        "signature",
        "sandbox.invalid",
        "secret",
        "red cube",
        contract_tests::KEY,
        "verify-run",
    ] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    assert!(evidence.to_json().len() < 100_000, "{} bytes", evidence.to_json().len());
}

#[test]
fn evidence_of_the_service_is_added_to_the_provenance_and_nothing_else_changes() {
    let mut evidence = evidence(&run(&mut Local::plain(), spending(0.5)));
    assert!(apply(contract(), &evidence).unwrap_err().to_string().contains("only the service can verify"));
    evidence.is_service = true;
    let applied = apply(contract(), &evidence).unwrap();
    assert_eq!(applied.edits, [""; 0]);
    let lines = || contract().text.lines().zip(applied.text.lines());
    let changed: Vec<_> = lines().filter(|(before, after)| before != after).collect();
    assert_eq!(changed.len(), applied.verified.len());
    assert!(changed.len() > 60, "{}", changed.len());
    for (before, after) in changed {
        assert_eq!(after.replace(", 'verified: 2026-12-01']", "]"), before);
    }
    let lint = openapi_checks::lint::check(&applied.text);
    assert!(lint.is_clean(), "{lint}");
    let again = apply(&Contract::parse(&applied.text).unwrap(), &evidence).unwrap();
    assert_eq!((again.verified, again.text), (Vec::new(), applied.text));
}
