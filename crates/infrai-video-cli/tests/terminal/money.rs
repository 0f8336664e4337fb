//! Money on terminals: what clips cost so far, the budget of a batch, the question before a large charge, and `usage`.

use std::process::Command;

use infrai_video_sandbox::{Clock, Operation, Sandbox};

use crate::common::{Harness, SMALL};
use crate::pty::{CTRL_C, Terminal};

/// A clip of 7.50 USD. It is never made.
const LARGE: [&str; 6] = ["generate", "a city", "--duration=30", "--resolution=4k", "--no-wait", "-q"];

/// The screens of a command at 60 and 120 columns, then its output in a pipe and without colours. The ids of jobs and the base URL
/// of the sandbox are replaced.
async fn recorded(harness: &Harness, command: impl Fn() -> Command) -> String {
    let mut parts = Vec::new();
    for columns in [60, 120] {
        let end = Terminal::start(command(), columns).end().await;
        parts.push(format!("{columns} columns, exit code {}\n{}", end.code, end.screen.join("\n")));
    }
    let plain = Terminal::start(
        {
            let mut command = command();
            command.env("NO_COLOR", "1");
            command
        },
        120,
    );
    let plain = plain.end().await;
    let colours = plain.written.contains("\u{1b}[3") || plain.written.contains("\u{1b}[9");
    parts.push(format!("NO_COLOR: {}", if colours { "colours" } else { "no colours" }));
    let piped = command().output().expect("the command starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().replace('\t', "<tab>");
    parts.push(format!("in a pipe, stdout\n{}", text(&piped.stdout)));
    parts.push(format!("in a pipe, stderr\n{}", text(&piped.stderr)));
    parts.join("\n\n").replace(harness.sandbox.base_url(), "http://127.0.0.1:8787")
}

fn run(harness: &Harness, args: &[&str], code: i32) -> String {
    let run = harness.run(args);
    assert_eq!(run.code, Some(code), "{args:?}: {}", run.stderr);
    run.text().trim_end().to_owned()
}

/// A harness whose account can pay large clips, which are never finished.
async fn rich() -> Harness {
    Harness::with(Sandbox::builder().clock(Clock::manual()).starting_balance(100.0)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_such_clips_cost_so_far_fits() {
    let harness = Harness::still().await;
    for seconds in ["0.5", "2"] {
        run(&harness, &["generate", "a city", "--no-wait", "--duration", seconds], 0);
    }
    let known =
        recorded(&harness, || harness.command(SMALL.iter().chain(&["--dry-run", "--idempotency-key=k1"])))
            .await;
    let scaled = ["generate", "a lighthouse in a storm", "--duration=8", "--dry-run", "--idempotency-key=k1"];
    let scaled = recorded(&harness, || harness.command(scaled)).await;
    let unknown =
        ["generate", "a lighthouse in a storm", "--resolution=4k", "--dry-run", "--idempotency-key=k1"];
    let unknown = recorded(&harness, || harness.command(unknown)).await;
    insta::assert_snapshot!([known, scaled, unknown].join("\n\n--\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_stops_at_its_budget_fits() {
    let harness = Harness::instant().await;
    run(&harness, &[&SMALL[..], &["--no-wait"]].concat(), 0);
    let lines = (0..3).map(|index| format!("{{\"prompt\": \"city {index}\", \"duration_seconds\": 0.5}}\n"));
    std::fs::write(harness.path("clips.jsonl"), lines.collect::<String>()).expect("there is room");
    // Too small for one clip, so that each run says the same.
    let batch = ["batch", "run", "clips.jsonl", "--max-usd", "0.005"];
    insta::assert_snapshot!(recorded(&harness, || harness.command(batch)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_fits() {
    let harness = Harness::still().await;
    run(&harness, &[&SMALL[..], &["--no-wait"]].concat(), 0);
    let cancelled = run(&harness, &[&SMALL[..], &["--no-wait", "--prefer=smartest"]].concat(), 0);
    run(&harness, &["cancel", &cancelled], 0);
    let by_vendor = recorded(&harness, || harness.command(["usage", "--by=vendor"])).await;
    let by_state = recorded(&harness, || harness.command(["usage", "--by=state", "--quiet"])).await;
    insta::assert_snapshot!([by_vendor, by_state].join("\n\n--\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_charge_needs_an_answer() {
    let harness = rich().await;
    run(&harness, &LARGE, 0);
    for (keys, code) in [("n\n", 1), ("No\n", 1), ("\n", 1), (CTRL_C, 130)] {
        let mut terminal = Terminal::start(harness.command(LARGE), 80);
        terminal.shows("This clip may cost 7.50 USD. Continue? [y/N]").await;
        // Any other reply asks again.
        terminal.types("maybe\n").await;
        terminal.shows("Please type y for yes or n for no [y/N]").await;
        terminal.types(keys).await;
        let end = terminal.end().await;
        assert_eq!(end.code, code, "{:#?}", end.screen);
        assert!(end.screen.contains(&"stopped    nothing was sent".to_owned()), "{:#?}", end.screen);
        assert!(!end.screen.iter().any(|line| line.contains("--yes")), "{:#?}", end.screen);
    }
    assert_eq!(harness.calls(Operation::Generate), 1);
    let mut terminal = Terminal::start(harness.command(LARGE), 80);
    terminal.shows("This clip may cost 7.50 USD").await;
    terminal.types("y\n").await;
    assert_eq!(terminal.end().await.code, 0);
    assert_eq!(Terminal::start(harness.command(LARGE.iter().chain(&["--yes"])), 80).end().await.code, 0);
    assert_eq!(harness.calls(Operation::Generate), 3);
    // Nobody can answer there.
    let piped = harness.run(LARGE);
    assert_eq!(piped.code, Some(0));
    let note = "note       this clip may cost 7.50 USD; nothing is asked without a terminal, and --max-usd sets a limit\n";
    assert!(piped.stderr.contains(note), "{}", piped.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_needs_an_answer_unless_its_budget_is_small() {
    let harness = rich().await;
    run(&harness, &LARGE, 0);
    let line = |index| {
        format!("{{\"prompt\": \"city {index}\", \"duration_seconds\": 30, \"resolution\": \"4k\"}}\n")
    };
    std::fs::write(harness.path("clips.jsonl"), (0..2).map(line).collect::<String>()).expect("there is room");
    let batch = ["batch", "run", "clips.jsonl", "--timeout=0"];
    let mut terminal = Terminal::start(harness.command(batch), 80);
    terminal.shows("2 clips may cost 15.00 USD. Continue? [y/N]").await;
    terminal.types("n\n").await;
    assert_eq!(terminal.end().await.code, 1);
    assert_eq!(harness.calls(Operation::Generate), 1);
    let small = Terminal::start(harness.command(batch.iter().chain(&["--max-usd=4"])), 80).end().await;
    assert_eq!((small.code, harness.calls(Operation::Generate)), (13, 1), "{:#?}", small.screen);
    let agreed = Terminal::start(harness.command(batch.iter().chain(&["-y"])), 80).end().await;
    assert_eq!((agreed.code, harness.calls(Operation::Generate)), (13, 3), "{:#?}", agreed.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_cannot_be_kept_is_a_question() {
    let harness = rich().await;
    let command = || harness.command(LARGE.iter().chain(&["--max-usd=10"]));
    for (keys, code) in [("n\n", 1), ("yes\n", 0)] {
        let mut terminal = Terminal::start(command(), 120);
        terminal
            .shows(
                "What this clip costs is not known, so that --max-usd 10.00 may be exceeded. Continue? [y/N]",
            )
            .await;
        terminal.types(keys).await;
        assert_eq!(terminal.end().await.code, code);
    }
    assert_eq!(harness.calls(Operation::Generate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_clips_of_unknown_cost_are_a_question() {
    let harness = rich().await;
    let line =
        |size| format!("{{\"prompt\": \"a city\", \"duration_seconds\": 2, \"resolution\": \"{size}\"}}\n");
    std::fs::write(harness.path("clips.jsonl"), ["720p", "4k", "1080p"].map(line).concat())
        .expect("there is room");
    let batch = ["batch", "run", "clips.jsonl", "--timeout=0"];
    let mut terminal = Terminal::start(harness.command(batch), 80);
    terminal.shows("What 3 clips cost is not known. Continue? [y/N]").await;
    terminal.types("n\n").await;
    assert_eq!((terminal.end().await.code, harness.calls(Operation::Generate)), (1, 0));
    run(&harness, &["generate", "a city", "--duration=2", "--resolution=720p", "--no-wait"], 0);
    let mut terminal = Terminal::start(harness.command(batch.iter().chain(&["--max-usd=0.3"])), 140);
    terminal
        .shows("3 clips may cost 0.04 USD and more: what 2 of them cost is not known, so that --max-usd 0.30 may be exceeded. Continue? [y/N]")
        .await;
    terminal.types("y\n").await;
    assert_eq!(terminal.end().await.code, 13);
    assert!(harness.calls(Operation::Generate) > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_large_charge_is_reported() {
    let harness = rich().await;
    let first = harness.run(LARGE);
    let note = "note       charged 7.50 USD, which was not known before\n";
    assert!(first.code == Some(0) && first.stderr.contains(note), "{}", first.stderr);
}
