//! The configuration, as users see it.

use std::process::Command;

use crate::common::Harness;
use crate::pty::Terminal;

const FILE: &str = "\
resolution = '1080p'

[profile.work]
base_url = 'https://video.example/a/rather/long/path'
key_command = 'pass show infrai/work'
ledger = 'none'
max_usd = 20
";

/// `config show` with a file in the directory of the test.
fn show(harness: &Harness, text: &str, args: &[&str]) -> Command {
    std::fs::write(harness.path("c.toml"), text).expect("there is room");
    let mut command = harness.command(["--profile", "work", "config", "show"].iter().chain(args));
    command.env("INFRAI_CONFIG", "c.toml").env_remove("INFRAI_BASE_URL");
    command
}

async fn screen(harness: &Harness, text: &str, columns: u16) -> String {
    let end = Terminal::start(show(harness, text, &[]), columns).end().await;
    assert!(end.code == 0 || end.code == 7, "{:#?}", end.screen);
    assert!(end.screen.iter().all(|line| line.chars().count() <= columns.into()), "{:#?}", end.screen);
    end.screen.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_values_fit_and_are_plain_in_a_pipe() {
    let harness = Harness::still().await;
    insta::assert_snapshot!("show_at_120", screen(&harness, FILE, 120).await);
    insta::assert_snapshot!("show_at_60", screen(&harness, FILE, 60).await);
    let output = show(&harness, FILE, &[]).output().expect("the command starts");
    let text = String::from_utf8(output.stdout).expect("it is text");
    insta::assert_snapshot!("show_in_a_pipe", text.replace('\t', "<tab>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_its_place() {
    let harness = Harness::still().await;
    let text = "[profile.work]\nmax_ust = 20\n";
    insta::assert_snapshot!("error_at_120", screen(&harness, text, 120).await);
    insta::assert_snapshot!("error_at_60", screen(&harness, text, 60).await);
}
