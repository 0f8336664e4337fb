//! Usual durations, the remaining time and the money of a batch, and slow calls.

use std::time::Duration;

use infrai_video_sandbox::{Action, Clock, Fault, Operation, Sandbox};
use rusqlite::Connection;

use crate::common::{Harness, SMALL};
use crate::pty::{CTRL_C, Terminal};

/// A harness whose ledger knows three jobs like [`SMALL`], which took 1:40, 2:00 and 2:20. Its jobs never advance.
async fn with_history() -> Harness {
    let harness = Harness::still().await;
    for seconds in [100, 120, 140] {
        let id = harness.job();
        let db = Connection::open(harness.state.path().join("ledger.db")).expect("there is a ledger");
        let sql = "UPDATE charges SET job_state = 'succeeded', finished_at = submitted_at + ?1 * 1000 WHERE job_id = ?2";
        assert_eq!(db.execute(sql, (seconds, id)).expect("it can be written"), 1);
    }
    harness
}

/// The lines without what differs from run to run: times of a few seconds, numbers of polls, and the spinner.
fn recording(screen: &[String]) -> String {
    let line = |line: &String| {
        let line = line.trim_end_matches(['|', '/', '-', '\\']).trim_end();
        let mut text = String::new();
        for word in line.split(' ') {
            let is_time = word.len() == 5 && word.starts_with("00:");
            let is_number = text.ends_with("poll ");
            text.push_str(if is_time {
                "00:**"
            } else if is_number {
                "*"
            } else {
                word
            });
            text.push(' ');
        }
        text.trim_end().to_owned()
    };
    screen.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_says_how_long_such_jobs_usually_take() {
    let harness = with_history().await;
    for (columns, text) in
        [(120, "usually 1:40 to 2:20  poll"), (60, "usually 1:40 to 2:20  poll"), (36, "00:")]
    {
        let mut command = harness.command(SMALL.iter().chain(&["--on-interrupt=detach", "--no-check"]));
        command.env("NO_COLOR", "1");
        let mut terminal = Terminal::start(command, columns);
        let screen = terminal
            .until(|screen| {
                screen.last().is_some_and(|line| line.starts_with("queued ") && line.contains(text))
            })
            .await;
        let last = recording(&screen[screen.len() - 1..]);
        insta::assert_snapshot!(format!("a_wait_at_{columns}_columns"), last);
        terminal.types(CTRL_C).await;
        assert_eq!(terminal.end().await.code, 130);
    }
    // The jobs of earlier commands say when they were submitted.
    let id = harness.job();
    let db = Connection::open(harness.state.path().join("ledger.db")).expect("there is a ledger");
    let sql = "UPDATE charges SET submitted_at = submitted_at - 600000 WHERE job_id = ?1";
    assert_eq!(db.execute(sql, [&id]).expect("it can be written"), 1);
    for args in [["wait", &*id], ["resume", &*id]] {
        let mut terminal = Terminal::start(harness.command(args), 120);
        let shown = "usually 1:40 to 2:20, submitted 10:";
        terminal.until(|screen| screen.iter().any(|line| line.contains(shown))).await;
        terminal.types(CTRL_C).await;
        assert_eq!(terminal.end().await.code, 130);
    }
    // In a pipe it is part of each line.
    let mut terminal = Terminal::start_piped(plain(&harness, &["wait", &id]), 120);
    terminal
        .until(|screen| screen.iter().any(|line| line.contains("queued") && line.contains("usually")))
        .await;
    terminal.types(CTRL_C).await;
    assert_eq!(terminal.end().await.code, 130);
}

/// A command whose lines are plain.
fn plain(harness: &Harness, args: &[&str]) -> std::process::Command {
    let mut command = harness.command(args);
    command.env("CI", "1");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_says_what_is_done_what_is_left_and_what_it_costs() {
    let harness = with_history().await;
    let line = |prompt: &str| format!("{{\"prompt\": \"{prompt}\", \"duration_seconds\": 0.5}}\n");
    let plan: String = ["a city", "[fail] a tower", "a river", "a lake", "a hill"].map(line).concat();
    std::fs::write(harness.path("clips.jsonl"), plan).expect("there is room");
    let batch = |screen: &[String]| screen.iter().rfind(|line| line.starts_with("batch ")).cloned();
    let run = ["batch", "run", "clips.jsonl", "-j3"];
    let mut terminal = Terminal::start(harness.command(run), 120);
    let is_running = |line: &str| line.contains("3 running (of 5)") && line.contains("0.03 USD");
    let screen = terminal.until(|screen| batch(screen).is_some_and(|line| is_running(&line))).await;
    insta::assert_snapshot!("a_batch_at_120_columns", recording(&[batch(&screen).expect("it is shown")]));
    terminal.resize(60, 24);
    let screen = terminal
        .until(|screen| batch(screen).is_some_and(|line| line.len() < 60 && line.contains("running (of 5)")))
        .await;
    insta::assert_snapshot!("a_batch_at_60_columns", recording(&[batch(&screen).expect("it is shown")]));
    terminal.resize(120, 24);
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let counts = "2 saved, 1 failed, 2 running (of 5)";
    // The failed job is refunded.
    let is_paid = |line: &str| line.contains(counts) && line.ends_with("0.04 USD");
    terminal.until(|screen| batch(screen).is_some_and(|line| is_paid(&line))).await;
    let ledger = harness.sandbox.ledger();
    assert_eq!((ledger.charges().count(), ledger.refunds().count()), (3 + 5, 1), "three are the history");
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    assert_eq!(terminal.end().await.code, 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_call_says_what_it_waits_for_and_leaves_no_line() {
    let slow = Action::slow_headers(Duration::from_secs(7));
    let harness =
        Harness::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Status, slow))).await;
    let id = harness.job();
    let mut terminal = Terminal::start(harness.command(["status", &id]), 60);
    let screen = terminal.shows("waiting ").await;
    insta::assert_snapshot!("a_slow_call", recording(&screen));
    let end = terminal.end().await;
    assert_eq!(end.code, 0, "{:#?}", end.screen);
    assert!(end.screen[0].starts_with("job ") && end.screen[0].ends_with(&id), "{:#?}", end.screen);
    assert!(!end.screen.iter().any(|line| line.contains("waiting")), "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_a_slow_call_is_shown_restores_the_terminal() {
    let hang = Fault::on(Operation::Generate, Action::hang());
    let harness = Harness::with(Sandbox::builder().clock(Clock::manual()).fault(hang)).await;
    let mut terminal = Terminal::start(harness.command(SMALL), 80);
    terminal.shows("waiting    for the response to generate, 00:").await;
    for columns in [40, 100] {
        terminal.resize(columns, 24);
        terminal.shows("waiting    for the response to").await;
    }
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    assert!(!end.screen.iter().any(|line| line.starts_with("waiting")), "{:#?}", end.screen);
}
