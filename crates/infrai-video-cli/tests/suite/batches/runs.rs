//! Batches and their failures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::Duration;

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};
use serde_json::Value;

use crate::common::{Harness, KEY, Run, intercept};

const PLAN: &str = r#"{"prompt": "a city at dusk", "duration_seconds": 0.5, "name": "city"}
{"prompt": "a lighthouse", "duration_seconds": 0.5}

{"prompt": "a lighthouse", "duration_seconds": 0.5}
"#;

fn plan(harness: &Harness, text: &str) {
    std::fs::write(harness.path("clips.jsonl"), text).unwrap();
}

fn charges(harness: &Harness) -> usize {
    let ledger = harness.sandbox.ledger();
    assert_eq!(ledger.double_charges(), 0);
    ledger.charges().count()
}

fn clips(harness: &Harness) -> Vec<String> {
    let entries = harness.path("clips").read_dir().unwrap();
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_runs_repeatedly_is_charged_once() {
    let harness = Harness::instant().await;
    plan(&harness, PLAN);
    let run = harness.run(["batch", "run", "clips.jsonl", "--json", "--report", "report.json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["counts"]["saved"], 3);
    let written: Value =
        serde_json::from_slice(&std::fs::read(harness.path("report.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    let files = clips(&harness);
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(files[2].starts_with("city.mp4") || files.contains(&"city.mp4".to_owned()), "{files:?}");
    for item in report["items"].as_array().unwrap() {
        let bytes = std::fs::read(item["path"].as_str().unwrap()).unwrap();
        assert_eq!(bytes, harness.sandbox.clip_bytes(item["job_id"].as_str().unwrap()).await.unwrap());
    }
    assert_eq!((charges(&harness), harness.calls(Operation::Generate)), (3, 3));

    let again = harness.run(["batch", "run", "clips.jsonl", "--json"]);
    assert_eq!((again.code, again.json()), (Some(0), report));
    // Moved lines, and a new one.
    plan(&harness, &format!("{{\"prompt\": \"a river\", \"duration_seconds\": 0.5}}\n{PLAN}"));
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "-q"]).text().lines().count(), 4);
    assert_eq!((charges(&harness), harness.calls(Operation::Generate)), (4, 4));

    let status = harness.run(["batch", "status"]);
    assert_eq!(status.text(), "clips\t4\t4\t0\t0\t0\n", "{}", status.stderr);
    assert!(harness.run(["batch", "status", "clips"]).text().contains("city\tsaved\t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_an_invalid_plan_send_nothing() {
    let harness = Harness::instant().await;
    plan(&harness, PLAN);
    let run = harness.run(["batch", "run", "clips.jsonl", "--dry-run"]);
    assert_eq!((run.code, run.text().lines().count()), (Some(0), 3), "{}", run.stderr);
    assert!(
        run.stderr.contains("3 lines: 3 new (1.5 s in total), 0 in progress, 0 finished"),
        "{}",
        run.stderr
    );

    plan(
        &harness,
        "{\"promt\": \"a\"}\n{\"prompt\": \"b\", \"resolution\": \"4k\", \"duration_seconds\": 3000}\n{\"prompt\": \"\"}",
    );
    let wrong = harness.run(["batch", "run", "clips.jsonl"]);
    assert!(wrong.failed(7).contains("line 1: unknown field \"promt\""), "{}", wrong.stderr);
    plan(
        &harness,
        "{\"prompt\": \"b\", \"resolution\": \"4k\", \"duration_seconds\": 3000}\n{\"prompt\": \"\"}",
    );
    let wrong = harness.run(["batch", "run", "clips.jsonl"]);
    let stderr = wrong.failed(7);
    assert!(stderr.contains("line 1: ") && stderr.contains("line 2: prompt must not be empty"), "{stderr}");
    assert_eq!(harness.calls(Operation::Generate), 0);
    assert_eq!(harness.files(), ["clips.jsonl"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_file_is_reported_before_anything_is_charged() {
    let harness = Harness::instant().await;
    plan(&harness, PLAN);
    std::fs::create_dir(harness.path("clips")).unwrap();
    std::fs::write(harness.path("clips/city.mp4"), "mine").unwrap();
    let run = harness.run(["batch", "run", "clips.jsonl"]);
    assert!(run.failed(7).contains("city.mp4 already exists"), "{}", run.stderr);
    assert_eq!(harness.calls(Operation::Generate), 0);
    assert_eq!(std::fs::read(harness.path("clips/city.mp4")).unwrap(), b"mine");
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "--force", "-q"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn some_items_failed_is_13_and_a_retry_uses_new_keys() {
    let harness = Harness::instant().await;
    plan(
        &harness,
        "{\"prompt\": \"a [fail]\", \"name\": \"bad\"}\n{\"prompt\": \"b\", \"duration_seconds\": 0.5}",
    );
    let run = harness.run(["batch", "run", "clips.jsonl"]);
    assert_eq!(run.code, Some(13), "{}", run.stderr);
    assert!(run.text().starts_with("bad\tfailed\t"), "{}", run.text());
    let next = "next       change line 1 of clips.jsonl, then: infrai-video batch run clips.jsonl\n";
    assert!(run.stderr.ends_with(next), "the same request would fail again: {}", run.stderr);
    assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(13));
    assert_eq!(harness.calls(Operation::Generate), 2, "a failed item is not asked for again by itself");

    let retry = harness.run(["batch", "retry", "--failed", "--json"]);
    assert_eq!(retry.code, Some(13), "{}", retry.stderr);
    assert_eq!(retry.json()["items"][0]["attempt"], 2);
    let journal = harness.sandbox.journal();
    let keys: std::collections::HashSet<_> = journal
        .iter()
        .filter(|seen| seen.operation == Some(Operation::Generate))
        .map(|seen| seen.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!((keys.len(), charges(&harness), harness.sandbox.ledger().refunds().count()), (3, 3, 2));
    assert_eq!(harness.run(["batch", "retry", "clips"]).code, Some(2), "it must be said what to retry");
}

/// A line that failed in another directory is retried into the directory of the run that asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_delivers_where_the_last_run_would_have() {
    let harness = Harness::instant().await;
    for client in ["a", "b"] {
        std::fs::create_dir(harness.path(client)).unwrap();
        std::fs::write(
            harness.path(client).join("p.jsonl"),
            "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}\n",
        )
        .unwrap();
    }
    let run = |client: &str, args: &[&str]| -> Run {
        harness.command(args).current_dir(harness.path(client)).output().unwrap().into()
    };
    let failing = Action::FailJob { code: "CONTENT_REJECTED".to_owned(), message: "no".to_owned() };
    harness.sandbox.set_faults([Fault::on(Operation::Generate, failing)]);
    assert_eq!(run("a", &["batch", "run", "p.jsonl"]).code, Some(13));
    harness.sandbox.set_faults([]);
    assert_eq!(run("b", &["batch", "run", "p.jsonl"]).code, Some(13));
    let retried = run("b", &["batch", "retry", "p", "--failed"]);
    assert_eq!(retried.code, Some(0), "{}", retried.stderr);
    let clips = |client: &str| harness.path(client).join("p").read_dir().unwrap().count();
    assert_eq!((clips("a"), clips("b")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_bound_a_run_and_the_next_run_continues() {
    let harness = Harness::instant().await;
    plan(&harness, PLAN);
    let run = harness.run(["batch", "run", "clips.jsonl", "--max-jobs", "1", "--json"]);
    assert_eq!((run.code, &run.json()["counts"]["planned"]), (Some(0), &2.into()), "{}", run.stderr);
    let run = harness.run(["batch", "run", "clips.jsonl", "--max-seconds", "0.7", "--json"]);
    assert_eq!((run.code, &run.json()["counts"]["planned"]), (Some(0), &1.into()), "{}", run.stderr);
    assert_eq!(charges(&harness), 2);
    assert_eq!(harness.run(["resume"]).code, Some(0));
    assert_eq!(charges(&harness), 2, "what is not begun costs nothing until its plan is run");
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "-q"]).code, Some(0));
    assert_eq!(charges(&harness), 3);
    plan(&harness, "{\"prompt\": \"no length\"}");
    assert!(
        harness
            .run(["batch", "run", "clips.jsonl", "--max-seconds", "9"])
            .failed(7)
            .contains("line 1: duration_seconds")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_responses_are_charged_once_and_recovered() {
    let faults = [
        Fault::on(Operation::Generate, Action::AcceptThenDrop).with_probability(0.5),
        Fault::on(Operation::Generate, Action::status(503)).with_probability(0.2),
    ];
    let harness = Harness::with(Sandbox::builder().instant_jobs().faults(faults)).await;
    let lines: Vec<String> =
        (0..20).map(|n| format!("{{\"prompt\": \"scene {n}\", \"duration_seconds\": 0.5}}")).collect();
    plan(&harness, &lines.join("\n"));
    let run = harness.run(["batch", "run", "clips.jsonl", "--json"]);
    assert_eq!((run.code, &run.json()["counts"]["saved"]), (Some(0), &20.into()), "{}", run.stderr);
    assert_eq!((charges(&harness), clips(&harness).len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_an_unknown_outcome_is_11_whatever_else_failed() {
    for (action, pause) in [
        (Action::AcceptThenDrop, "--max-pause=0"),
        (Action::accept_then_status(503), "--max-pause=0"),
        (Action::accept_then_status(501), "--max-pause=1h"),
    ] {
        let harness = Harness::instant().await;
        harness.sandbox.set_faults([Fault::on(Operation::Generate, action.clone())]);
        plan(&harness, "{\"prompt\": \"a [fail]\"}\n{\"prompt\": \"b\", \"duration_seconds\": 0.5}");
        let run = harness.run(["batch", "run", "clips.jsonl", pause]);
        assert_eq!(run.code, Some(11), "{action:?}: {}", run.stderr);
        assert_eq!(harness.run(["resume"]).code, Some(11), "{action:?}");
        let paid = charges(&harness);
        assert!(paid > 0, "{action:?}");
        harness.sandbox.set_faults([]);
        assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(13), "one of them fails");
        assert_eq!(charges(&harness), 2, "{action:?}");
    }
}

/// The credit runs out, the user tops up the account, and the batch continues automatically.
#[tokio::test(flavor = "multi_thread")]
async fn insufficient_credit_pauses_the_batch_until_a_top_up() {
    let harness = Harness::with(Sandbox::builder().instant_jobs().starting_balance(0.011)).await;
    plan(&harness, PLAN);
    let mut command =
        harness.command(["batch", "run", "clips.jsonl", "--json", "-j", "1", "--max-pause=none"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("/v1/account/topup") {
        assert_ne!(stderr.read_line(&mut text).unwrap(), 0, "it ended by itself: {text}");
    }
    assert_eq!(charges(&harness), 1);
    assert!(text.contains("Ctrl-C") || text.contains("next "), "{text}");

    let url = format!("{}/v1/account/topup", harness.sandbox.base_url());
    let http = reqwest::Client::new();
    let response: Value = http.post(url).bearer_auth(KEY).send().await.unwrap().json().await.unwrap();
    let checkout =
        response["data"]["checkout_url"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned();
    assert!(http.get(checkout).send().await.unwrap().status().is_success());

    stderr.read_to_string(&mut text).unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!((run.code, &run.json()["counts"]["saved"]), (Some(0), &3.into()), "{text}");
    assert!(text.contains("resuming"), "{text}");
    assert_eq!(charges(&harness), 3);
}

/// A clip that is finished while one item tests whether there is credit again shows nothing about credit.
#[tokio::test(flavor = "multi_thread")]
async fn a_finished_clip_does_not_end_a_pause_for_credit() {
    let harness = Harness::with(Sandbox::builder().clock(Clock::manual()).starting_balance(0.011)).await;
    // One request is accepted, the second is rejected, and the third is the test.
    let slow = Fault::on(Operation::Generate, Action::slow_headers(Duration::from_secs(4))).nth(3);
    harness.sandbox.set_faults([slow]);
    plan(&harness, PLAN);
    let mut command = harness.command(["batch", "run", "clips.jsonl", "-j", "2", "--max-pause=3s"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while harness.sandbox.faults()[0].acted == 0 {
        tokio::task::yield_now().await;
    }
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert_eq!(harness.run(["batch", "status"]).text(), "clips\t3\t1\t0\t2\t0\n");
    let sent =
        harness.sandbox.journal().iter().filter(|seen| seen.operation == Some(Operation::Generate)).count();
    assert_eq!((sent, charges(&harness)), (3, 1), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credit_is_6_after_the_pause_and_nothing_is_lost() {
    let harness = Harness::with(Sandbox::builder().instant_jobs().starting_balance(0.0)).await;
    plan(&harness, PLAN);
    let run = harness.run(["batch", "run", "clips.jsonl", "--max-pause", "0"]);
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(run.stderr.contains("/v1/account/topup"), "{}", run.stderr);
    assert_eq!(harness.run(["batch", "status"]).text(), "clips\t3\t0\t0\t3\t0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_api_key_stops_the_batch_with_4() {
    let harness = Harness::instant().await;
    plan(&harness, PLAN);
    let mut command = harness.command(["batch", "run", "clips.jsonl", "--no-check"]);
    let run = Run::from(command.env("INFRAI_API_KEY", "sk-somebody-elses").output().unwrap());
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "-q"]).code, Some(0), "the right key goes on");
    assert_eq!(charges(&harness), 3);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_batch_is_130_and_can_be_continued() {
    let harness = Harness::with(Sandbox::builder().clock(Clock::manual())).await;
    plan(&harness, PLAN);
    let mut child = harness
        .command(["batch", "run", "clips.jsonl"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while harness.calls(Operation::List) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{text}");
    assert!(
        text.ends_with("next       infrai-video batch run clips.jsonl  (continues where it stopped)\n"),
        "{text}"
    );

    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    let run = harness.run(["batch", "run", "clips.jsonl", "-q"]);
    assert_eq!((run.code, run.text().lines().count()), (Some(0), 3), "{}", run.stderr);
    assert_eq!(charges(&harness), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_a_single_item_does_not_delay_the_others() {
    let harness = Harness::instant().await;
    let trouble = |_: &str, body: &str, _| body.contains("scene 0").then(|| (503, String::new()));
    let url = intercept(&harness.sandbox, trouble).await;
    let lines: Vec<String> =
        (0..6).map(|n| format!("{{\"prompt\": \"scene {n}\", \"duration_seconds\": 0.5}}")).collect();
    plan(&harness, &lines.join("\n"));
    let args = ["batch", "run", "clips.jsonl", "-j", "1", "--json", "--base-url", &url];
    let run = harness.run(args);
    assert_eq!((run.code, &run.json()["counts"]["saved"]), (Some(11), &5.into()), "{}", run.stderr);
    assert_eq!(run.json()["items"][0]["state"], "sent", "it may have been carried out");
    assert_eq!(charges(&harness), 5);
}
