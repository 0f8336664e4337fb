//! No command is charged more than its user allowed: kinds of clips, requests sent again, other API keys, `resume` and `retry`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};

use crate::common::{Harness, Run, SMALL};

/// The charges in millionths of a dollar, in their order.
fn charges(harness: &Harness) -> Vec<i64> {
    let ledger = harness.sandbox.ledger();
    assert_eq!(ledger.double_charges(), 0);
    ledger.charges().map(|charge| (charge.amount_usd * -1e6).round() as i64).collect()
}

fn plan(harness: &Harness, lines: impl IntoIterator<Item = (f64, &'static str)>) {
    let line = |(index, (seconds, size)): (usize, (f64, &str))| {
        format!(
            "{{\"prompt\": \"city {index}\", \"duration_seconds\": {seconds}, \"resolution\": \"{size}\"}}\n"
        )
    };
    std::fs::write(harness.path("clips.jsonl"), lines.into_iter().enumerate().map(line).collect::<String>())
        .unwrap();
}

fn batch(harness: &Harness, options: &[&str]) -> Run {
    harness.run(["batch", "run", "clips.jsonl", "--timeout=0"].iter().chain(options))
}

/// A harness whose account can pay large clips, which are never finished.
async fn rich() -> Harness {
    Harness::with(Sandbox::builder().clock(Clock::manual()).starting_balance(100.0)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_kind_of_clip_says_nothing_about_a_larger_one() {
    let harness = rich().await;
    plan(&harness, [(2.0, "720p")].into_iter().chain([(60.0, "4k"); 4]));
    let options = ["--max-usd=0.30", "-j8"];
    let stopped = batch(&harness, &options);
    assert_eq!((stopped.code, charges(&harness)), (Some(13), vec![40_000]), "{}", stopped.stderr);
    let why = "1 of 5 clips started, 0.04 of 0.30 USD; the next is longer or larger than each clip whose cost is known";
    assert!(stopped.stderr.contains(why), "{}", stopped.stderr);
    let again = batch(&harness, &options);
    assert_eq!(charges(&harness).len(), 1, "{}", again.stderr);
    // Consent is to one such clip.
    let agreed = batch(&harness, &[&options[..], &["--yes"]].concat());
    assert_eq!(charges(&harness), [40_000, 15_000_000], "{}", agreed.stderr);
    assert!(
        agreed.stderr.contains("note       charged 15.00 USD, more than --max-usd 0.30\n"),
        "{}",
        agreed.stderr
    );
}

/// Another kind that is no larger is started alone.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_learnt_from_one_clip() {
    let harness = rich().await;
    plan(&harness, [(1.0, "4k")].into_iter().chain([(1.0, "1080p"); 8]));
    let run = batch(&harness, &["--max-usd=0.4", "-j9"]);
    let charges = charges(&harness);
    assert!(charges.iter().sum::<i64>() <= 400_000, "{charges:?}: {}", run.stderr);
    assert!(charges.len() > 2, "{charges:?}: {}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_sent_again_count_before_new_ones() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["--resolution=720p", "--no-wait"])).code, Some(0));
    plan(&harness, [(0.5, "720p"); 8]);
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    let lost = batch(&harness, &["-j3", "--max-usd=0.03"]);
    assert_eq!((lost.code, charges(&harness).len()), (Some(11), 1 + 3), "{}", lost.stderr);
    harness.sandbox.set_faults([]);
    let dry = batch(&harness, &["--dry-run"]);
    assert!(dry.stderr.contains("cost       about 0.08 USD for 8 clips"), "{}", dry.stderr);
    let again = batch(&harness, &["-j8", "--max-usd=0.03"]);
    assert_eq!((again.code, charges(&harness).len()), (Some(13), 1 + 3), "{}", again.stderr);
    assert!(again.stderr.contains("3 of 8 clips started, 0.03 of 0.03 USD"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_api_key_is_not_free() {
    let harness = Harness::instant().await;
    let request = [&SMALL[..], &["--no-wait", "--idempotency-key=k1"]].concat();
    let first = harness.run(&request);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let other = |options: &[&str]| -> Run {
        let mut command = harness.command(request.iter().chain(options));
        command.env("INFRAI_API_KEY", "ifr_pk_proj_other").output().unwrap().into()
    };
    let costly = other(&["--max-usd=0.001"]);
    assert!(costly.failed(7).contains("this clip would cost about 0.01 USD"), "{}", costly.stderr);
    let refused = other(&[]);
    assert!(
        refused.failed(7).contains("nothing was sent: the key k1 was used with another API key"),
        "{}",
        refused.stderr
    );
    assert_eq!(charges(&harness).len(), 1);
    // Its job stays known.
    assert!(harness.run(["resume", "k1"]).code == Some(0));
    assert_eq!((harness.run(&request).text(), charges(&harness).len()), (first.text(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_are_requested_again_have_a_budget() {
    let harness = Harness::instant().await;
    let key = ["--idempotency-key=k1", "-o", "a.mp4"];
    let fail = Action::FailJob { code: "REJECTED".to_owned(), message: "no".to_owned() };
    harness.sandbox.set_faults([Fault::on(Operation::Generate, fail)]);
    assert_eq!(harness.run(SMALL.iter().chain(&key)).code, Some(3));
    harness.sandbox.set_faults([]);
    let job = harness.sandbox.jobs()[0].job_id.clone();
    let again = |options: &[&str]| harness.run(["resume", &job, "--again"].iter().chain(options));
    let stopped = again(&["--max-usd=0.009"]);
    let why = "error      stopped at the budget: 0 of 1 clips started, 0.00 of 0.009 USD; the next would cost about 0.01\n";
    assert!(stopped.failed(13).contains(why), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("cost       about 0.01 USD for 1 clip"), "{}", stopped.stderr);
    assert_eq!(charges(&harness).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_clips_that_may_be_requested_again_are_estimated() {
    let harness = Harness::instant().await;
    plan(&harness, [(0.5, "720p")]);
    assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    let job = harness.sandbox.jobs()[0].job_id.clone();
    assert_eq!(harness.run(["delete", &job, "--yes"]).code, Some(0));
    std::fs::remove_dir_all(harness.path("clips")).unwrap();
    let retry =
        |options: &[&str]| harness.run(["batch", "retry", "clips", "--missing"].iter().chain(options));
    let stopped = retry(&["--max-usd=0.009"]);
    assert!(stopped.stderr.contains("cost       about 0.01 USD for 1 clip"), "{}", stopped.stderr);
    assert_eq!((stopped.code, charges(&harness).len()), (Some(13), 1), "{}", stopped.stderr);
    let paid = retry(&["--max-usd=0.01"]);
    assert_eq!((paid.code, charges(&harness).len()), (Some(0), 2), "{}", paid.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cannot_be_read_is_not_an_empty_one() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("bad.db"), "no ledger".repeat(1000)).unwrap();
    let run = harness.run(SMALL.iter().chain(&["--ledger=bad.db", "--dry-run"]));
    assert!(run.stderr.contains("cost       not known: the ledger cannot be read\n"), "{}", run.stderr);
    let limited = harness.run(SMALL.iter().chain(&["--ledger=bad.db", "--max-usd=1"]));
    assert!(limited.failed(7).contains("--max-usd 1.00 may be exceeded"), "{}", limited.stderr);
    assert_eq!(charges(&harness).len(), 0);
}
