//! A batch on a terminal: a bar, a line for each item in progress, and totals at the end.

use std::time::Duration;

use crate::common::Harness;
use crate::pty::{CTRL_C, Terminal};

const PLAN: &str = r#"{"prompt": "a city", "duration_seconds": 0.5, "name": "東京の夜"}
{"prompt": "a lighthouse", "duration_seconds": 0.5, "name": "فنار"}
{"prompt": "a river", "duration_seconds": 0.5}
"#;

fn planned(harness: &Harness) {
    std::fs::write(harness.path("clips.jsonl"), PLAN).expect("there is room");
}

/// The bar first, then a line for each item.
fn is_board(screen: &[String], word: &str) -> bool {
    let lines: Vec<&String> = screen.iter().skip_while(|line| !line.starts_with("batch ")).collect();
    lines.len() == 4 && lines[1..].iter().all(|line| line.starts_with(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_shows_totals_and_items_at_any_width_and_ends_with_a_table() {
    let harness = Harness::still().await;
    planned(&harness);
    let mut terminal = Terminal::start(harness.command(["batch", "run", "clips.jsonl", "-y"]), 80);
    let screen = terminal.until(|screen| is_board(screen, "queued ")).await;
    assert!(screen.iter().any(|line| line.contains("0 saved, 3 running (of 3)")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.contains("東京の夜")), "{screen:#?}");
    for columns in [40, 24, 100] {
        terminal.resize(columns, 24);
        terminal.until(|screen| is_board(screen, "queued ")).await;
    }
    // Two rows have no room for three items.
    terminal.resize(80, 4);
    terminal.until(|screen| screen.iter().any(|line| line.starts_with("and 2 more: 2 queued"))).await;
    terminal.resize(80, 24);
    harness.sandbox.clock().advance(Duration::from_secs(3600));
    let end = terminal.end().await;
    assert_eq!(end.code, 0, "{:#?}", end.screen);
    assert!(!end.screen.iter().any(|line| line.starts_with("batch ")), "{:#?}", end.screen);
    let sums = ["STATE  CLIPS  SECONDS  USD", "saved  3      1.5      0.03"].map(str::to_owned);
    assert!(end.screen.ends_with(&sums), "{:#?}", end.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_batch_restores_the_terminal_and_names_the_next_command() {
    let harness = Harness::still().await;
    planned(&harness);
    let mut terminal = Terminal::start(harness.command(["batch", "run", "clips.jsonl", "-y"]), 80);
    terminal.until(|screen| is_board(screen, "queued ")).await;
    terminal.types(CTRL_C).await;
    let end = terminal.end().await;
    assert_eq!(end.code, 130, "{:#?}", end.screen);
    let last = [
        "detached   running jobs continue and are billed; nothing is lost".to_owned(),
        "next       infrai-video batch run clips.jsonl -y  (continues where it stopped)".to_owned(),
    ];
    assert!(end.screen.ends_with(&last), "{:#?}", end.screen);
}
