//! `--max-usd` of `generate`, `batch run` and `batch retry`. A clip of 0.5 s costs 0.01 USD.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{Harness, Run, SMALL, intercept};

/// A plan with so many lines that fail, and so many that do not.
fn plan(harness: &Harness, failing: usize, good: usize) {
    let line = |prompt: String| format!("{{\"prompt\": \"{prompt}\", \"duration_seconds\": 0.5}}\n");
    let failing = (0..failing).map(|index| line(format!("a city [fail] {index}")));
    let good = (0..good).map(|index| line(format!("a city {index}")));
    std::fs::write(harness.path("clips.jsonl"), failing.chain(good).collect::<String>()).unwrap();
}

/// The number of charges, each of 0.01 USD.
fn charges(harness: &Harness) -> usize {
    let ledger = harness.sandbox.ledger();
    assert!(ledger.charges().all(|charge| charge.amount_usd == -0.01), "{ledger:?}");
    assert_eq!(ledger.double_charges(), 0);
    ledger.charges().count()
}

fn batch(harness: &Harness, options: &[&str]) -> Run {
    harness.run(["batch", "run", "clips.jsonl"].iter().chain(options))
}

fn generate(harness: &Harness, options: &[&str]) -> Run {
    harness.run(SMALL.iter().chain(&["--no-wait", "-q"]).chain(options))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_of_unknown_cost_needs_consent_if_there_is_a_budget() {
    let harness = Harness::instant().await;
    let unknown = generate(&harness, &["--max-usd", "10"]);
    let stderr = unknown.failed(7);
    assert!(stderr.contains("nothing was sent: what this clip costs is not known"), "{stderr}");
    assert!(stderr.contains("--max-usd 10 --yes  ("), "{stderr}");
    let unrecorded = harness.run(SMALL.iter().chain(&["--ledger=none", "--max-usd=10"]));
    let stderr = unrecorded.failed(7);
    assert!(stderr.contains("cost       not known without a ledger\n"), "{stderr}");
    assert!(stderr.ends_with(" --yes  (sends it)\n"), "{stderr}");
    assert_eq!(harness.calls(Operation::Generate), 0);
    // Play money has no budget.
    #[cfg(feature = "sandbox")]
    {
        let mut embedded =
            harness.command(["--sandbox", "generate", "a city", "--duration=0.5", "--max-usd=0.001", "-q"]);
        let embedded = Run::from(embedded.env_remove("INFRAI_BASE_URL").output().unwrap());
        assert_eq!(embedded.code, Some(0), "{}", embedded.stderr);
    }
    assert_eq!(generate(&harness, &["--max-usd", "10", "--yes"]).code, Some(0));
    assert_eq!(charges(&harness), 1);
    // Now the ledger knows.
    assert_eq!(generate(&harness, &["--max-usd", "10"]).code, Some(0));
    assert_eq!(charges(&harness), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_would_exceed_the_budget_is_not_sent() {
    let harness = Harness::instant().await;
    assert_eq!(generate(&harness, &["--idempotency-key", "k1"]).code, Some(0));
    for options in
        [&["--max-usd", "0.009"][..], &["--max-usd=0.009", "--yes"], &["--max-usd=0.009", "--dry-run"]]
    {
        let stopped = harness.run(SMALL.iter().chain(options));
        let stderr = stopped.failed(7);
        let why = "nothing was sent: this clip would cost about 0.01 USD, and --max-usd is 0.009";
        assert!(stderr.contains(why), "{stderr}");
    }
    // Twice as long, by the second.
    let longer = harness.run(["generate", "a city", "--duration=1", "--max-usd=0.019999"]);
    assert!(longer.failed(7).contains("about 0.02 USD"), "{}", longer.stderr);
    assert_eq!(charges(&harness), 1);
    // The same request under the same key is not charged again, and exactly the budget is allowed.
    assert_eq!(generate(&harness, &["--idempotency-key", "k1", "--max-usd", "0.001"]).code, Some(0));
    assert_eq!(charges(&harness), 1);
    assert_eq!(generate(&harness, &["--max-usd", "0.01"]).code, Some(0));
    assert_eq!(charges(&harness), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_a_positive_number() {
    let harness = Harness::instant().await;
    plan(&harness, 0, 1);
    for amount in ["0", "-1", "NaN", "inf", "1e400", "0.0000001", "ten", ""] {
        let option = format!("--max-usd={amount}");
        for command in
            [&["generate", "a city"][..], &["batch", "run", "clips.jsonl"], &["batch", "retry", "--failed"]]
        {
            let rejected = harness.run(command.iter().chain(&[option.as_str()]));
            assert!(
                rejected.failed(2).contains("US dollars above 0, such as 5"),
                "{amount}: {}",
                rejected.stderr
            );
        }
    }
    assert!(harness.sandbox.journal().is_empty());
}

/// 0.01 four times is 0.04, although it is not in floating point.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_stops_before_the_charge_that_would_exceed_its_budget() {
    let harness = Harness::instant().await;
    plan(&harness, 0, 10);
    let options = ["--max-usd", "0.04", "-j", "4"];
    let first = batch(&harness, &options);
    assert_eq!((first.code, charges(&harness)), (Some(13), 4), "{}", first.stderr);
    let stop = "error      stopped at the budget: 4 of 10 clips started, 0.04 of 0.04 USD; the next would cost about 0.01\n";
    assert!(first.stderr.contains(stop), "{}", first.stderr);
    assert!(first.stderr.contains("next       infrai-video batch run clips.jsonl --max-usd 0.04 -j 4  ("));
    assert_eq!(first.text().lines().filter(|line| line.contains("\tsaved\t")).count(), 4);
    assert_eq!(first.text().lines().filter(|line| line.contains("\tplanned")).count(), 6, "{}", first.text());
    assert_eq!((batch(&harness, &options).code, charges(&harness)), (Some(13), 8));
    assert_eq!((batch(&harness, &options).code, charges(&harness)), (Some(0), 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_sent_at_the_same_time_cannot_exceed_the_budget_together() {
    let builder = Sandbox::builder().instant_jobs().latency(Duration::from_millis(100));
    let harness = Harness::with(builder).await;
    assert_eq!(generate(&harness, &[]).code, Some(0));
    plan(&harness, 0, 8);
    let run = batch(&harness, &["--max-usd", "0.039999", "-j", "8"]);
    assert_eq!((run.code, charges(&harness)), (Some(13), 1 + 3), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_smaller_than_one_clip_begins_nothing() {
    let harness = Harness::instant().await;
    assert_eq!(generate(&harness, &[]).code, Some(0));
    plan(&harness, 0, 3);
    let run = batch(&harness, &["--max-usd", "0.005"]);
    assert_eq!((run.code, charges(&harness)), (Some(13), 1), "{}", run.stderr);
    assert!(run.stderr.contains("0 of 3 clips started, 0.00 of 0.005 USD"), "{}", run.stderr);
    assert!(run.stderr.contains("next       raise --max-usd, then: "), "{}", run.stderr);
}

/// What the first clip of the run cost tells what a longer one costs.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_learns_from_its_own_clips() {
    let harness = Harness::instant().await;
    let line = |seconds: f64| format!("{{\"prompt\": \"a city\", \"duration_seconds\": {seconds}}}\n");
    std::fs::write(harness.path("clips.jsonl"), [0.5, 5.0, 0.6].map(line).concat()).unwrap();
    let run = batch(&harness, &["--max-usd", "0.1"]);
    assert_eq!((run.code, charges(&harness)), (Some(13), 1), "{}", run.stderr);
    assert!(run.stderr.contains("1 of 3 clips started, 0.01 of 0.10 USD; the next would cost about 0.10"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_gives_its_money_back_to_the_budget() {
    let harness = Harness::instant().await;
    plan(&harness, 2, 3);
    let run = batch(&harness, &["--max-usd", "0.02", "-j", "3"]);
    assert_eq!((run.code, charges(&harness)), (Some(13), 4), "{}", run.stderr);
    assert_eq!(harness.sandbox.ledger().refunds().count(), 2);
    assert!(run.stderr.contains("4 of 5 clips started, 0.02 of 0.02 USD"), "{}", run.stderr);
    assert!(run.stderr.contains("next       change line"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_has_a_budget_and_can_be_continued() {
    let harness = Harness::instant().await;
    plan(&harness, 0, 3);
    let fail = Action::FailJob { code: "REJECTED".to_owned(), message: "no".to_owned() };
    harness.sandbox.set_faults([Fault::on(Operation::Generate, fail)]);
    assert_eq!((batch(&harness, &[]).code, charges(&harness)), (Some(13), 3));
    harness.sandbox.set_faults([]);
    for (budget, code, total) in [("0.02", 13, 5), ("0.02", 0, 6)] {
        let retry = harness.run(["batch", "retry", "clips", "--failed", "--max-usd", budget]);
        assert_eq!((retry.code, charges(&harness)), (Some(code), total), "{}", retry.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_the_configuration_counts_unless_the_option_is_set() {
    let harness = Harness::instant().await;
    assert_eq!(generate(&harness, &[]).code, Some(0));
    plan(&harness, 0, 3);
    std::fs::write(harness.path("config.toml"), "max_usd = 0.02\nask_above_usd = 0.01\n").unwrap();
    let run = |args: &[&str]| -> Run {
        harness.command(args).env("INFRAI_CONFIG", harness.path("config.toml")).output().unwrap().into()
    };
    let longer = run(&["generate", "a city", "--duration=1.5", "-o", "a.mp4"]);
    assert!(longer.failed(7).contains("about 0.03 USD, and max_usd ("), "{}", longer.stderr);
    let batch = run(&["batch", "run", "clips.jsonl"]);
    assert!(
        batch.code == Some(13) && batch.stderr.contains("2 of 3 clips started, 0.02 of 0.02 USD"),
        "{}",
        batch.stderr
    );
    assert!(
        batch.stderr.contains("note       3 clips may cost 0.02 USD; nothing is asked"),
        "{}",
        batch.stderr
    );
    assert_eq!(run(&["batch", "run", "clips.jsonl", "--max-usd=1"]).code, Some(0));
    assert_eq!(charges(&harness), 4);
}

/// A service that does not report costs: one clip is begun to learn its cost, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn without_reported_costs_one_clip_is_begun() {
    let harness = Harness::instant().await;
    let url = intercept(&harness.sandbox, |path, _, reply| {
        let (status, body) = reply.filter(|_| path.ends_with("/generate"))?;
        Some((status, body.replace("\"cost_usd\":0.01", "\"cost_usd\":null")))
    })
    .await;
    plan(&harness, 0, 3);
    let run = |options: &[&str]| -> Run {
        let args = ["batch", "run", "clips.jsonl"].iter().chain(options);
        harness.command(args).env("INFRAI_BASE_URL", &url).output().unwrap().into()
    };
    let stopped = run(&["--max-usd", "1"]);
    assert_eq!((stopped.code, charges(&harness)), (Some(13), 1), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("1 of 3 clips started"), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("the service did not report what the last one cost"),
        "{}",
        stopped.stderr
    );
    assert_eq!((run(&[]).code, charges(&harness)), (Some(0), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_the_clips_would_cost() {
    let harness = Harness::instant().await;
    plan(&harness, 0, 3);
    let cost = |run: &Run| {
        let lines = run.stderr.lines().filter_map(|line| line.strip_prefix("cost       "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let unknown = "not known for 3 clips: this ledger has no such clip yet";
    assert_eq!(cost(&batch(&harness, &["--dry-run"])), unknown);
    assert_eq!(generate(&harness, &[]).code, Some(0));
    let known = "about 0.03 USD for 3 clips, based on past clips";
    assert_eq!(cost(&batch(&harness, &["--dry-run"])), known);
    assert_eq!(
        cost(&batch(&harness, &["--dry-run", "--max-jobs=2"])),
        known.replace("0.03", "0.02").replace('3', "2")
    );
    let generate = harness.run(SMALL.iter().chain(&["--dry-run"]));
    assert_eq!(cost(&generate), "such clips cost 0.01 USD so far (1 clip, sandbox-studio)");
    assert_eq!(charges(&harness), 1);
}
