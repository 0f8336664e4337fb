//! The sandbox without quirks.

use std::collections::BTreeSet;
use std::time::Duration;

use infrai_video_sandbox::{JobTimes, Quirk, Sandbox};
use verify::{Contract, Contradiction, Options, Server as _, Verdict, apply, report};

use crate::local::{Local, contract, evidence, run, spending};

const READING: Options = Options { allowance: None, delete_all: false, timeout: Duration::from_secs(900) };

#[test]
fn nothing_is_contradicted_and_most_is_confirmed() {
    let mut server = Local::plain();
    let outcome = run(&mut server, spending(2.0));
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
fn the_evidence_has_no_id_no_link_and_no_prompt_whatever_the_server_does() {
    for quirk in [None].into_iter().chain(Quirk::ALL.iter().copied().map(Some)) {
        let sandbox = Sandbox::builder().starting_balance(100.0);
        let mut server = Local::new(quirk.into_iter().fold(sandbox, |sandbox, quirk| sandbox.quirk(quirk)));
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
            let line = text.lines().find(|line| line.contains(private));
            assert!(line.is_none(), "{quirk:?}: {private} in {line:?}");
        }
        assert!(evidence.to_json().len() < 100_000, "{} bytes", evidence.to_json().len());
    }
}

#[test]
fn a_contradiction_does_not_repeat_an_id_a_cursor_or_a_link() {
    for (quirk, statement, found) in [
        (Quirk::IntegerIds, "JobId", "a number instead of a string"),
        (Quirk::IntegerIds, "Retention.job_id", "a number instead of a string"),
        (Quirk::EscapedIds, "JobId", "a string of another form"),
        (Quirk::NumericCursors, "VideoJobPage.next_cursor", "a number instead of a string"),
        (Quirk::RelativeLinks, "DownloadLink.url", "a string of another form"),
    ] {
        let mut server = Local::new(Sandbox::builder().starting_balance(100.0).quirk(quirk));
        let findings = run(&mut server, spending(0.5)).findings;
        let all: Vec<_> = findings.statements[statement]
            .contradicted_by
            .iter()
            .map(|contradiction| &contradiction.found)
            .collect();
        assert_eq!(all, [found], "{quirk:?}: {statement}");
    }
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
    let verified = Contract::parse(&applied.text).unwrap();
    let again = apply(&verified, &evidence).unwrap();
    assert_eq!((again.verified, again.text), (Vec::new(), applied.text.clone()));

    // A later run contradicts one of the statements.
    evidence.date = "2026-12-02".to_owned();
    let names: Vec<_> = evidence.findings.statements.keys().cloned().collect();
    for name in names.iter().filter(|name| *name != "Metadata.cost_usd") {
        evidence.findings.statements.remove(name);
    }
    let found = Contradiction { exchange: 1, found: "a string instead of a number".to_owned() };
    evidence.findings.statements.get_mut("Metadata.cost_usd").unwrap().contradicted_by.push(found);
    let later = apply(&verified, &evidence).unwrap();
    assert_eq!(
        (later.withdrawn.as_slice(), later.verified.len()),
        (&["Metadata.cost_usd".to_owned()][..], 0)
    );
    assert_eq!(later.edits.len(), 1);
    let lines = || applied.text.lines().zip(later.text.lines());
    let changed: Vec<_> = lines().filter(|(before, after)| before != after).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].0.replace(", 'verified: 2026-12-01']", "]"), changed[0].1);
    let again = apply(&Contract::parse(&later.text).unwrap(), &evidence).unwrap();
    assert_eq!((again.withdrawn, again.text), (Vec::new(), later.text));
}

#[test]
fn evidence_of_another_version_of_the_contract_is_refused() {
    let mut evidence = evidence(&run(&mut Local::plain(), READING));
    evidence.is_service = true;
    evidence.contract = "1.0.0".to_owned();
    let error = apply(contract(), &evidence).unwrap_err().to_string();
    assert!(error.contains("check out the commit of version 1.0.0 to apply it, or run"), "{error}");
}

#[test]
fn each_number_in_a_report_is_that_of_an_exchange_in_the_evidence() {
    for quirk in [None, Some(Quirk::StateCapitals), Some(Quirk::UnknownMembers), Some(Quirk::BareResults)] {
        let times = JobTimes { running: Duration::from_secs(120), ..JobTimes::default() };
        let sandbox = Sandbox::builder().starting_balance(100.0).job_times(times);
        let mut server = Local::new(quirk.into_iter().fold(sandbox, |sandbox, quirk| sandbox.quirk(quirk)));
        let outcome = run(&mut server, spending(0.5));
        let evidence = evidence(&outcome);
        assert!(evidence.exchanges.len() < outcome.exchanges.len(), "no poll was left out");
        let report = report(contract(), &evidence, &[]);
        let texts = report.lines().filter(|line| !line.starts_with("A number such as (7)"));
        let numbers = texts
            .flat_map(|line| line.split('(').skip(1))
            .filter_map(|rest| rest.split_once(')').and_then(|(number, _)| number.parse::<usize>().ok()));
        let numbers: BTreeSet<_> = numbers.collect();
        assert!(numbers.len() > 20, "{numbers:?}");
        for number in numbers {
            assert!(evidence.exchanges.contains_key(&number), "{quirk:?}: ({number}) in\n{report}");
        }
    }
}
