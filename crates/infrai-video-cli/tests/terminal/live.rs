//! Changing lines during waits and downloads.

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{Harness, SMALL};
use crate::pty::{CTRL_C, Terminal};

/// Whether only the last line starts with this text.
fn ends_with_one(screen: &[String], start: &str) -> bool {
    screen.iter().filter(|line| line.starts_with(start)).count() == 1
        && screen.last().is_some_and(|line| line.starts_with(start))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_one_line_at_any_width() {
    let harness = Harness::still().await;
    for (columns, shown) in
        [(80, "queued     00:0* poll"), (40, "queued     00:0* poll"), (20, "queued     00:0*")]
    {
        let mut terminal = Terminal::start(harness.command(SMALL), columns);
        let (start, end) = shown.split_once('*').expect("there is a place for the time");
        let screen = terminal
            .until(|screen| {
                ends_with_one(screen, start) && screen.last().is_some_and(|line| line.contains(end))
            })
            .await;
        assert!(screen.last().is_some_and(|line| line.len() < columns.into()), "{screen:#?}");
        harness.sandbox.clock().advance(Duration::from_secs(3));
        terminal.until(|screen| ends_with_one(screen, "running    00:0")).await;
        harness.sandbox.clock().advance(Duration::from_secs(3600));
        let end = terminal.end().await;
        assert_eq!(end.code, 0, "{:#?}", end.screen);
        let is_left = |line: &String| ["queued", "running", "saving"].iter().any(|word| line.contains(word));
        assert!(!end.screen.iter().any(is_left), "{:#?}", end.screen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resizing_during_a_wait_leaves_no_old_lines() {
    let harness = Harness::still().await;
    let mut terminal = Terminal::start(harness.command(SMALL), 80);
    terminal.until(|screen| ends_with_one(screen, "queued     00:0")).await;
    for (columns, rows) in [(40, 24), (20, 24), (100, 24), (60, 12), (30, 30)] {
        terminal.resize(columns, rows);
        terminal.until(|screen| ends_with_one(screen, "queued     00:0")).await;
    }
    terminal.types(CTRL_C).await;
    terminal.shows("Stop waiting?").await;
    terminal.types("k\n").await;
    let end = terminal.end().await;
    assert!(!end.screen.iter().any(|line| line.contains("queued")), "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_jobs_have_a_line_each_also_after_resizing() {
    let harness = Harness::still().await;
    let ids = [harness.job(), harness.job(), harness.job()];
    let mut terminal = Terminal::start(harness.command([&["wait".to_owned()], &ids[..]].concat()), 80);
    // Exactly three lines, each with the end of its id.
    let is_right = |screen: &[String]| {
        let has = |(line, id): (&String, &String)| {
            line.starts_with("queued ") && line.contains(&id[id.len() - 6..])
        };
        screen.len() == 3 && screen.iter().zip(&ids).all(has)
    };
    terminal.until(is_right).await;
    for columns in [40, 20, 33, 120] {
        terminal.resize(columns, 24);
        terminal.until(is_right).await;
    }
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let end = terminal.end().await;
    assert_eq!(end.code, 0);
    let mut ended: Vec<String> = ids.iter().map(|id| format!("{id}\tsucceeded")).collect();
    let mut shown: Vec<&str> = end.written.lines().filter(|line| line.ends_with("\tsucceeded")).collect();
    shown.iter_mut().for_each(|line| *line = &line[line.rfind("vj_").expect("an id")..]);
    ended.sort();
    shown.sort_unstable();
    assert_eq!(shown, ended);
    assert_eq!(end.screen.len(), 3, "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_without_room_are_counted() {
    let harness = Harness::still().await;
    let ids: Vec<String> = (0..12).map(|_| harness.job()).collect();
    let mut terminal =
        Terminal::start_sized(harness.command([&["wait".to_owned()], &ids[..]].concat()), (80, 8));
    terminal.until(|screen| screen.len() == 7 && screen[6] == "and 6 more: 6 queued").await;
    terminal.resize(80, 4);
    terminal.until(|screen| screen.len() == 3 && screen[2] == "and 10 more: 10 queued").await;
    terminal.resize(80, 24);
    terminal.until(|screen| screen.len() == 12 && screen.iter().all(|line| line.starts_with("queued"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_shows_its_progress() {
    let slow = Action::SlowBytes { chunk: 200, pause: Duration::from_millis(50) };
    let harness =
        Harness::with(Sandbox::builder().instant_jobs().fault(Fault::on(Operation::Clip, slow))).await;
    let id = harness.job();
    let mut terminal = Terminal::start(harness.command(["download", &id, "-o", "a.mp4"]), 80);
    let saving = |screen: &[String], parts: &[&str]| {
        screen.len() == 1
            && screen[0].starts_with("saving     ")
            && parts.iter().all(|part| screen[0].contains(part))
    };
    terminal.until(|screen| saving(screen, &["[=", "kB of ", "B/s  00:", " left"])).await;
    terminal.resize(40, 24);
    terminal.until(|screen| saving(screen, &["% of ", " kB  00:", " left"])).await;
    terminal.resize(20, 24);
    terminal.until(|screen| saving(screen, &["%"]) && screen[0].len() < 16).await;
    harness.sandbox.set_faults([]);
    terminal.types(CTRL_C).await;
    assert_eq!(terminal.end().await.code, 130);
    assert_eq!(harness.run(["download", &id, "-o", "a.mp4"]).code, Some(0));
}
