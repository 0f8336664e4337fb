//! What a run may charge, and what happens to its jobs.

use std::time::Duration;

use infrai_video_sandbox::Sandbox;
use verify::{Allowance, Journal, NoResponse, Options, Request, Response, Server, Settings};

use crate::local::{Local, contract, run, spending};

fn settings(options: &Options) -> Settings {
    Settings {
        base_url: "http://127.0.0.1:8787".to_owned(),
        account: "account".to_owned(),
        allowance: options.allowance,
        delete_all: options.delete_all,
        timeout: options.timeout.as_secs(),
    }
}

fn charged(server: &Local) -> f64 {
    server.sandbox.ledger().charges().map(|entry| -entry.amount_usd).sum()
}

#[test]
fn the_first_clip_is_made_only_if_its_highest_price_can_be_paid() {
    let mut server = Local::plain();
    let outcome = run(&mut server, spending(0.05));
    assert_eq!((outcome.spent, server.sandbox.ledger().charges().count()), (0, 0));
    assert!(outcome.left_out[0].contains("--clip-price"), "{:?}", outcome.left_out);
}

#[test]
fn no_charge_passes_the_budget() {
    for spend in [10_000, 15_000, 25_000, 50_000] {
        let mut server = Local::plain();
        let allowance = Allowance { spend, clip_price: 10_000 };
        let outcome = run(&mut server, Options { allowance: Some(allowance), ..spending(0.0) });
        assert!(charged(&server) <= spend as f64 / 1e6 + 1e-9, "{spend}: {}", charged(&server));
        assert_eq!(outcome.spent as f64 / 1e6, charged(&server));
        assert!(server.sandbox.jobs().is_empty());
    }
}

#[test]
fn a_server_that_ignores_idempotency_keys_is_stopped_by_the_budget() {
    let mut server = Local::new(Sandbox::builder().quirk(infrai_video_sandbox::Quirk::KeysIgnored));
    let allowance = Allowance { spend: 30_000, clip_price: 10_000 };
    run(&mut server, Options { allowance: Some(allowance), ..spending(0.0) });
    assert_eq!(server.sandbox.ledger().charges().count(), 3);
    assert!(server.sandbox.jobs().is_empty());
}

#[test]
fn jobs_that_it_did_not_make_stay() {
    let mut server = Local::plain();
    let body = serde_json::json!({"prompt": "a clip of somebody", "duration_seconds": 1});
    server.send(&verify::Request::post("/v1/video/generate").with_json(&body)).unwrap();
    run(&mut server, spending(0.5));
    let prompts: Vec<_> = server.sandbox.jobs().into_iter().map(|job| job.prompt).collect();
    assert_eq!(prompts, ["a clip of somebody"]);
    run(&mut server, Options { delete_all: true, ..spending(0.0) });
    assert!(server.sandbox.jobs().is_empty());
}

#[test]
fn a_run_that_stops_at_any_request_is_finished_without_a_second_charge() {
    let mut plain = Local::plain();
    run(&mut plain, spending(0.5));
    let (requests, expected) = (plain.sent, plain.sandbox.ledger().charges().count());
    assert!(requests > 40 && expected == 2, "{requests} requests, {expected} charges");
    let (contract, options) = (contract(), spending(0.5));
    for at in (1..=requests).map(|at| (at, at % 2 == 0)) {
        let directory = tempfile::tempdir().unwrap();
        let journal = || Journal::open(&directory.path().join("a.run.jsonl"), &settings(&options)).unwrap();
        let mut server = Local::plain();
        server.lost_from = Some(at);
        let stopped = verify::run(contract, &mut server, Some(journal()), options, &mut |_| {}).unwrap_err();
        assert!(stopped.to_string().ends_with("run the same command again to continue"), "{stopped}");
        server.lost_from = None;
        let outcome = verify::run(contract, &mut server, Some(journal()), options, &mut |_| {}).unwrap();
        // The price of a clip whose first response was lost is not known, so that the second clip may be left out.
        let keys: Vec<_> =
            server.sandbox.ledger().charges().map(|charge| charge.idempotency_key.clone()).collect();
        assert!((1..=expected).contains(&keys.len()), "{at:?}: {keys:?}");
        assert!(
            keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1),
            "{at:?}: {keys:?}"
        );
        assert!(server.sandbox.jobs().is_empty(), "{at:?}");
        let contradicted: Vec<_> = outcome
            .findings
            .statements
            .iter()
            .filter(|(_, finding)| !finding.contradicted_by.is_empty())
            .collect();
        assert!(contradicted.is_empty(), "{at:?}: {contradicted:?}");
    }
}

#[test]
fn a_run_is_not_continued_once_its_idempotency_keys_may_be_forgotten() {
    let options = spending(0.5);
    let directory = tempfile::tempdir().unwrap();
    let journal = || Journal::open(&directory.path().join("a.run.jsonl"), &settings(&options)).unwrap();
    let mut server = Local::plain();
    // The response of the first clip is lost.
    server.lost_from = Some((15, true));
    verify::run(contract(), &mut server, Some(journal()), options, &mut |_| {}).unwrap_err();
    assert_eq!(server.sandbox.ledger().charges().count(), 1);
    server.lost_from = None;
    server.wait(Duration::from_secs(24 * 60 * 60));
    let refused = verify::run(contract(), &mut server, Some(journal()), options, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().starts_with("the interrupted run began 24 hours ago"), "{refused}");
    assert_eq!(server.sandbox.ledger().charges().count(), 1);
}

/// A server that never responds to a body that is not JSON, as some gateways do.
struct Silent(Local);

impl Server for Silent {
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse> {
        let is_json = |body: &String| serde_json::from_str::<serde_json::Value>(body).is_ok();
        match request.body.as_ref().is_none_or(is_json) {
            true => self.0.send(request),
            false => Err(NoResponse("timeout".to_owned())),
        }
    }

    fn wait(&mut self, time: std::time::Duration) {
        self.0.wait(time);
    }
}

#[test]
fn a_server_that_never_responds_to_malformed_requests_is_verified_and_its_jobs_are_deleted() {
    let options = spending(10.0);
    let mut plain = Silent(Local::plain());
    let outcome = run(&mut plain, options);
    let left_out =
        ["a body that is not JSON", "a body that is text"].map(|what| format!("{what}: without a response"));
    assert_eq!(outcome.left_out, left_out);
    assert!(plain.0.sandbox.jobs().is_empty());
    // Also if the run is interrupted: the journal has no exchange for those requests.
    for at in (1..=plain.0.sent).step_by(4) {
        let directory = tempfile::tempdir().unwrap();
        let journal = || Journal::open(&directory.path().join("a.run.jsonl"), &settings(&options)).unwrap();
        let mut server = Silent(Local::plain());
        server.0.lost_from = Some((at, true));
        verify::run(contract(), &mut server, Some(journal()), options, &mut |_| {}).unwrap_err();
        server.0.lost_from = None;
        let outcome = verify::run(contract(), &mut server, Some(journal()), options, &mut |_| {}).unwrap();
        assert_eq!(outcome.left_out, left_out, "{at}");
        assert!(server.0.sandbox.jobs().is_empty(), "{at}");
    }
}

/// A server that takes every request for a clip for one that it has served before.
struct Deduplicating(Local);

impl Server for Deduplicating {
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse> {
        let known = self.0.sandbox.jobs().first().map(|job| job.job_id.to_string());
        match known.filter(|_| request.path() == Some("/v1/video/generate")) {
            Some(id) => self.0.send(&Request::get(format!("/v1/video/status/{id}"))),
            None => self.0.send(request),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.0.wait(time);
    }
}

#[test]
fn a_job_that_was_there_before_stays_although_generate_responds_with_it() {
    let mut server = Deduplicating(Local::plain());
    let body = serde_json::json!({"prompt": "a clip of somebody", "duration_seconds": 1});
    server.send(&Request::post("/v1/video/generate").with_json(&body)).unwrap();
    let outcome = run(&mut server, spending(10.0));
    assert_eq!(server.0.sandbox.jobs().len(), 1);
    let changes = server.0.sandbox.journal().into_iter().filter(|seen| seen.method != "GET").count();
    assert_eq!(changes, 1, "only the job of somebody was made");
    assert!(outcome.left_out[0].contains("a job that was there before"), "{:?}", outcome.left_out);
}
