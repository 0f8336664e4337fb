//! The forms of a plan. Nothing is sent while it is invalid.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs::File;

use infrai_video_sandbox::Operation;
use serde_json::Value;

use crate::common::{Harness, Run};

const PLAN: &str = r#"{"prompt": "a city, \"at dusk\"", "duration_seconds": 0.5, "name": "city"}
{"prompt": "a lighthouse", "duration_seconds": 0.5, "aspect": "9:16"}
"#;

const TABLE: &str = "name,prompt,duration_seconds,aspect_ratio,prefer\r\n\
                     city,\"a city, \"\"at dusk\"\"\",0.5,,\r\n\r\n,a lighthouse,0.50,9:16,\r\n,,,,\r\n";

/// Runs the command with a file as its stdin.
fn piped(harness: &Harness, plan: impl AsRef<[u8]>, args: &[&str]) -> Run {
    std::fs::write(harness.state.path().join("stdin"), plan).unwrap();
    let stdin = File::open(harness.state.path().join("stdin")).unwrap();
    harness.command(args).stdin(stdin).output().unwrap().into()
}

fn run(harness: &Harness, file: &str, plan: impl AsRef<[u8]>, args: &[&str]) -> Run {
    std::fs::write(harness.path(file), plan).unwrap();
    harness.run([&["batch", "run", file], args].concat())
}

fn charges(harness: &Harness) -> usize {
    let ledger = harness.sandbox.ledger();
    assert_eq!(ledger.double_charges(), 0);
    ledger.charges().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_plan_is_the_same_as_one_in_json() {
    let harness = Harness::instant().await;
    let table = run(&harness, "clips.csv", TABLE, &["--json"]);
    assert_eq!((table.code, &table.json()["counts"]["saved"]), (Some(0), &2.into()), "{}", table.stderr);
    assert_eq!(charges(&harness), 2);
    for (file, plan) in [
        ("clips.jsonl", PLAN.to_owned()),
        ("clips.jsonl", format!("\u{feff}{}", PLAN.replace('\n', "\r\n"))),
        ("clips.csv", format!("\u{feff}{TABLE}")),
        ("clips.txt", TABLE.to_owned()),
    ] {
        let again = run(&harness, file, plan, &["--json"]);
        assert_eq!((again.code, &again.json()["counts"]["saved"]), (Some(0), &2.into()), "{}", again.stderr);
    }
    assert_eq!((charges(&harness), harness.calls(Operation::Generate)), (2, 2));
    assert!(harness.path("clips/city.mp4").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_from_stdin_continues_where_it_stopped() {
    let harness = Harness::instant().await;
    let first = piped(&harness, PLAN, &["batch", "run", "-", "--max-jobs", "1", "--json"]);
    assert_eq!((first.code, &first.json()["batch"]), (Some(0), &"stdin".into()), "{}", first.stderr);
    assert_eq!(charges(&harness), 1);
    for plan in [PLAN, TABLE, PLAN] {
        let run = piped(&harness, plan, &["batch", "run", "-", "--json"]);
        assert_eq!((run.code, &run.json()["counts"]["saved"]), (Some(0), &2.into()), "{}", run.stderr);
    }
    assert_eq!((charges(&harness), harness.calls(Operation::Generate)), (2, 2));
    assert!(harness.path("stdin/city.mp4").is_file());
    let named = piped(&harness, PLAN, &["batch", "run", "-", "--name", "clips", "-q"]);
    assert_eq!(
        (named.code, charges(&harness)),
        (Some(0), 4),
        "another name is another batch: {}",
        named.stderr
    );
    let empty = harness.run(["batch", "run", "-"]);
    assert!(empty.failed(7).contains("the plan has no lines"), "{}", empty.stderr);
}

/// The number of the file differs from shell to shell, and must not change the batch.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_from_an_open_file_is_recognized_under_another_number() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("plan"), PLAN).unwrap();
    for number in [3, 7] {
        let script = format!("exec {number}<plan; exec \"$0\" batch run /dev/fd/{number} -q");
        let mut shell = std::process::Command::new("sh");
        let command = harness.command(["-"]);
        let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell
            .args(["-c", &script, crate::common::BINARY])
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .envs(environment);
        let run = Run::from(shell.current_dir(harness.directory.path()).output().unwrap());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert_eq!(charges(&harness), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_of_a_dry_run_is_a_line() {
    let harness = Harness::instant().await;
    let dry = harness.run([
        "generate",
        "a city",
        "--duration=0.5",
        "--aspect-ratio=1:1",
        "--idempotency-key=k1",
        "--dry-run",
    ]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    for _ in 0..2 {
        let made = run(&harness, "clips.jsonl", dry.text(), &["--json"]);
        assert_eq!((made.code, &made.json()["counts"]["saved"]), (Some(0), &1.into()), "{}", made.stderr);
    }
    let journal = harness.sandbox.journal();
    let sent: Vec<_> = journal.iter().filter(|seen| seen.operation == Some(Operation::Generate)).collect();
    assert_eq!((sent.len(), sent[0].header("idempotency-key")), (1, Some("k1")));
    assert_eq!(sent[0].body.as_deref().map(str::trim_end), Some(dry.text().trim_end()));

    // The key belongs to that clip. Another request under it would get the same clip, or be charged for a new one.
    for plan in [r#"{"prompt": "a river", "idempotency_key": "k1"}"#, dry.text()] {
        let other = run(&harness, "others.jsonl", plan, &[]);
        assert!(other.failed(7).contains("idempotency_key k1 was used before"), "{}", other.stderr);
    }
    assert_eq!((charges(&harness), harness.calls(Operation::Generate)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_a_dry_run_is_the_same_plan() {
    let harness = Harness::instant().await;
    let dry = run(&harness, "clips.jsonl", PLAN, &["--dry-run", "--json"]);
    assert_eq!((dry.code, charges(&harness)), (Some(0), 0), "{}", dry.stderr);
    let made = piped(&harness, &dry.stdout, &["batch", "run", "-", "--name", "clips", "--json"]);
    assert_eq!((made.code, &made.json()["counts"]["saved"]), (Some(0), &2.into()), "{}", made.stderr);
    assert_eq!(run(&harness, "clips.jsonl", PLAN, &["-q"]).code, Some(0));
    assert_eq!((charges(&harness), harness.calls(Operation::Generate)), (2, 2));
    assert!(harness.path("clips/city.mp4").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_plan_sends_nothing() {
    let harness = Harness::instant().await;
    let utf16: Vec<u8> = PLAN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked =
        [&[0xfe, 0xff][..], &PLAN.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()].concat();
    let good = r#"{"prompt": "a"}"#;
    for (file, plan, names) in [
        ("a.jsonl", utf16, "UTF-16 (little-endian)"),
        ("a.jsonl", marked, "UTF-16 (big-endian)"),
        ("a.jsonl", b"{\"prompt\": \"caf\xe9\"}".to_vec(), "line 1 is not UTF-8"),
        (
            "a.jsonl",
            format!("{good}\n{{\"prompt\": \"a\", \"prompt\": \"b\"}}").into(),
            "line 2: prompt is repeated\n",
        ),
        (
            "a.jsonl",
            format!("{good}\n\n{good},").into(),
            "line 3 is not valid JSON: trailing characters at column 16\n",
        ),
        (
            "a.jsonl",
            format!("{good}\n{{\"promt\": \"a\"}}").into(),
            "line 2: unknown field \"promt\"; did you mean prompt?",
        ),
        ("a.jsonl", format!("[{good}]").into(), "line 1 is a JSON array"),
        ("a.jsonl", Vec::new(), "the plan has no lines"),
        ("a.csv", b"prompt,seconds\na,5".to_vec(), "line 1: unknown column \"seconds\"; use prompt, "),
        ("a.csv", b"prompt;name\na;b".to_vec(), "line 1: the cells are separated by ';'"),
        ("a.csv", b"prompt\na\n\"a city\na river\n".to_vec(), "line 3: a quote opened here is never closed"),
        (
            "a.csv",
            b"prompt,duration_seconds\na,5\nb,five".to_vec(),
            "line 3: duration_seconds must be a number",
        ),
        ("a.csv", "name,prompt\nCafé,a\ncafe\u{301},b".into(), "line 3: the name \"cafe"),
        ("a.csv", b"name,prompt\nnul,a".to_vec(), "line 2: the name \"nul\" is reserved for a device"),
    ] {
        let wrong = run(&harness, file, &plan, &[]);
        assert!(wrong.failed(7).contains(names), "{names}: {}", wrong.stderr);
        let wrong = piped(&harness, &plan, &["batch", "run", "-", "--dry-run"]);
        let is_content = file == "a.jsonl" || plan.starts_with(b"prompt") || plan.starts_with(b"name,prompt");
        assert!(!is_content || wrong.failed(7).contains(names), "{names}: {}", wrong.stderr);
    }
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_path_is_reported_before_anything_is_charged_even_with_force() {
    let harness = Harness::instant().await;
    std::fs::create_dir_all(harness.path("clips/city.mp4")).unwrap();
    std::fs::write(harness.path("clips/sea.mp4.part"), "mine").unwrap();
    let plan = "{\"prompt\": \"a\", \"name\": \"city\"}\n{\"prompt\": \"b\", \"name\": \"sea\"}\n{\"prompt\": \"c\"}";
    let run = run(&harness, "clips.jsonl", plan, &["--force"]);
    let stderr = run.failed(7);
    assert!(
        stderr.contains("city.mp4 is a directory") && stderr.contains("sea.mp4.part is not an unfinished"),
        "{stderr}"
    );
    assert_eq!(harness.calls(Operation::Generate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_clip_does_not_count_in_the_cost() {
    let harness = Harness::instant().await;
    let plan = "{\"prompt\": \"a\", \"duration_seconds\": 0.5}\n{\"prompt\": \"b [fail]\", \"duration_seconds\": 0.5}";
    let report = run(&harness, "clips.jsonl", plan, &["--json"]).json();
    let costs: Vec<f64> =
        report["items"].as_array().unwrap().iter().filter_map(|item| item["cost_usd"].as_f64()).collect();
    assert!(costs.len() == 2 && costs.iter().all(|cost| *cost > 0.0), "{report}");
    assert_eq!(report["cost_usd"], Value::from(costs[0]));
    assert_eq!(harness.run(["batch", "status", "clips", "--json"]).json()["cost_usd"], report["cost_usd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_an_invalid_path_is_not_charged() {
    let harness = Harness::instant().await;
    let plan = "{\"prompt\": \"a [fail]\", \"duration_seconds\": 0.5, \"name\": \"a\"}";
    assert_eq!(run(&harness, "clips.jsonl", plan, &[]).code, Some(13));
    std::fs::write(harness.path("clips/a.mp4"), "mine").unwrap();
    let taken = harness.run(["batch", "retry", "clips", "--failed"]);
    assert!(taken.failed(7).contains("a.mp4 "), "{}", taken.stderr);
    std::fs::create_dir_all(harness.path("other/a.mp4.part")).unwrap();
    let blocked = harness.run(["batch", "retry", "clips", "--failed", "--force", "--output", "other"]);
    assert!(blocked.failed(7).contains("a.mp4.part is not an unfinished clip"), "{}", blocked.stderr);
    assert_eq!(harness.calls(Operation::Generate), 1);
    assert_eq!(harness.run(["batch", "retry", "clips", "--failed", "--force"]).code, Some(13));
    assert_eq!(harness.calls(Operation::Generate), 2);
}
