//! What the command offers to a shell, and what it leaves alone. The terminal tests press Tab in real shells.

use std::path::Path;
use std::process::Command;

use crate::common::{Harness, Run};

/// Asks as the script for fish does: the words up to the cursor come after `--`.
fn asked(mut command: Command, words: &[&str]) -> Vec<String> {
    command.args(["--", "infrai-video"]).args(words).env("INFRAI_VIDEO_COMPLETE", "fish");
    let run = Run::from(command.output().expect("the command starts"));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{words:?}");
    run.text().lines().map(str::to_owned).collect()
}

fn offered(harness: &Harness, words: &[&str]) -> Vec<String> {
    let lines = asked(harness.command([""; 0]), words);
    lines.iter().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

/// The files below a directory with their sizes.
fn files(directory: &Path) -> Vec<(String, u64)> {
    let entries = directory.read_dir().expect("a directory").flatten();
    let mut files: Vec<_> = entries
        .map(|entry| (entry.path().display().to_string(), entry.metadata().map_or(0, |data| data.len())))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_offered_newest_first_and_each_once() {
    let harness = Harness::still().await;
    let (old, new) = (harness.job(), harness.job());
    for command in ["wait", "status", "get", "cancel", "delete", "download", "download-url", "resume"] {
        assert_eq!(offered(&harness, &[command, ""]), [&*new, &*old], "{command}");
    }
    assert_eq!(offered(&harness, &["set-retention", "--days", "7", ""]), [&*new, &*old]);
    assert_eq!(offered(&harness, &["wait", &new, ""]), [&*old]);
    assert_eq!(offered(&harness, &["wait", &new, &old[..old.len() - 1]]), [&*old]);
    assert_eq!(offered(&harness, &["--json", "wait", "--timeout", "5m", ""]), [&*new, &*old]);
    let described = asked(harness.command([""; 0]), &["wait", ""]);
    assert_eq!(described[0], format!("{new}\tqueued: a lighthouse in a storm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_another_api_or_another_ledger_are_not_offered() {
    let harness = Harness::still().await;
    let id = harness.job();
    let ledger = harness.state.path().join("ledger.db").display().to_string();
    let jobs = |options: &[&str]| {
        let words = [options, &["wait", "vj_"]].concat();
        offered(&harness, &words)
    };
    assert_eq!(jobs(&["--ledger", &ledger]), [&*id]);
    assert_eq!(jobs(&[&format!("--ledger={ledger}")]), [&*id]);
    let none: [&str; 0] = [];
    for options in [
        &["--base-url", "http://127.0.0.1:1"][..],
        &["--base-url=http://127.0.0.1:1"],
        &["--sandbox"],
        &["--ledger", "none"],
        &["--ledger", "other.db"],
        &["--ledger", "postgres://127.0.0.1:1/clips"],
        &["--ledger", "/dev/null"],
    ] {
        assert_eq!(jobs(options), none, "{options:?}");
    }
    assert!(harness.files().is_empty(), "{:?}", harness.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_creates_and_changes_nothing() {
    let harness = Harness::still().await;
    let none: [&str; 0] = [];
    assert_eq!(offered(&harness, &["wait", "vj_"]), none);
    assert_eq!(offered(&harness, &["batch", "status", "c"]), none);
    assert_eq!(files(harness.state.path()), [], "a ledger was created");

    let id = harness.job();
    let (before, calls) = (files(harness.state.path()), harness.sandbox.journal().len());
    assert_eq!(offered(&harness, &["wait", "vj_"]), [&*id]);
    assert_eq!(files(harness.state.path()), before);
    assert_eq!(harness.sandbox.journal().len(), calls, "something was sent");

    let ledger = harness.state.path().join("ledger.db");
    let whole = std::fs::read(&ledger).expect("it is there");
    for damaged in [&b""[..], b"not a database", &whole[..whole.len() / 2]] {
        std::fs::write(&ledger, damaged).expect("there is room");
        offered(&harness, &["wait", "vj_"]);
        assert_eq!(std::fs::read(&ledger).expect("it is there"), damaged);
    }
}

/// A process that opens a ledger, and one that writes to it, hold locks.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_ledger_is_not_waited_for() {
    let harness = Harness::still().await;
    let id = harness.job();
    let opening = std::fs::File::open(harness.state.path().join("ledger.db-open")).expect("it was opened");
    opening.lock().expect("nobody holds it");
    assert_eq!(offered(&harness, &["wait", "vj_"]), [&*id]);
    let writer = rusqlite::Connection::open(harness.state.path().join("ledger.db")).expect("a database");
    writer.execute_batch("BEGIN EXCLUSIVE").expect("nobody writes");
    assert_eq!(offered(&harness, &["wait", "vj_"]), [&*id]);
    writer.execute_batch("ROLLBACK; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").expect("nobody reads");
    let none: [&str; 0] = [];
    assert_eq!(offered(&harness, &["wait", "vj_"]), none);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_batches_scenarios_and_sizes_are_offered() {
    let harness = Harness::still().await;
    for name in ["a.jsonl", "b.CSV", "c.txt", "d.mp4", ".hidden.jsonl"] {
        std::fs::write(harness.path(name), "{\"prompt\": \"a\", \"duration_seconds\": 0.5}").expect("room");
    }
    std::fs::create_dir(harness.path("plans")).expect("there is room");
    std::fs::write(harness.path("plans/e.jsonl"), "").expect("there is room");
    assert_eq!(offered(&harness, &["batch", "run", ""]), ["a.jsonl", "b.CSV", "plans/"]);
    assert_eq!(offered(&harness, &["batch", "run", "plans/"]), ["plans/e.jsonl"]);
    harness.run(["batch", "run", "a.jsonl", "--timeout=0", "-q"]);
    assert_eq!(asked(harness.command([""; 0]), &["batch", "status", ""]), ["a\t0 of 1 saved"]);
    assert_eq!(offered(&harness, &["batch", "retry", "--failed", ""]), ["a"]);
    assert_eq!(offered(&harness, &["generate", "x", "--resolution", ""]), ["720p", "1080p", "4k"]);
    assert_eq!(
        offered(&harness, &["list", "--state", ""]),
        ["queued", "running", "succeeded", "failed", "cancelled"]
    );
    let scenarios = offered(&harness, &["sandbox", "--scenario", ""]);
    for known in infrai_video_sandbox::Scenario::all() {
        assert!(scenarios.iter().any(|name| name == known.name()), "{scenarios:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_offered_after_a_dash_or_where_there_is_nothing_else() {
    let harness = Harness::still().await;
    harness.job();
    let has_options = |words: &[&str]| offered(&harness, words).iter().any(|word| word == "--json");
    assert!(has_options(&["wait", "-"]) && has_options(&["wait", "--"]) && has_options(&["list", ""]));
    assert!(!has_options(&["wait", ""]) && !has_options(&[""]));
    assert!(offered(&harness, &["generate", "a", "--ti"]) == ["--timeout"]);
}
