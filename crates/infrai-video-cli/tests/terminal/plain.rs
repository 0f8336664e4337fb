//! Terminals without changing lines, and colours.

use crate::common::{Harness, SMALL};
use crate::pty::{CTRL_C, End, Terminal};

/// Runs a wait in this environment, and interrupts it once it has printed `sign`.
async fn interrupted(environment: &[(&str, &str)], options: &[&str], sign: &str) -> End {
    let harness = Harness::still().await;
    let mut command = harness.command(SMALL.iter().chain(options));
    command.envs(environment.iter().copied());
    let mut terminal = Terminal::start(command, 120);
    terminal.shows(sign).await;
    terminal.types(CTRL_C).await;
    terminal.end().await
}

const DETACH: &str = "--on-interrupt=detach";

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_plain_in_ci_and_on_a_dumb_terminal() {
    for environment in [("CI", "1"), ("TERM", "dumb"), ("TERM", "")] {
        let end = interrupted(&[environment, ("NO_COLOR", "1")], &[DETACH], "queued     00:0").await;
        assert_eq!(end.code, 130);
        assert!(!end.written.contains('\u{1b}'), "{environment:?}: {:?}", end.written);
        assert_eq!(end.written.matches("queued ").count(), 1, "{:?}", end.written);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_is_asked_in_ci() {
    let end = interrupted(&[("CI", "true")], &[], "queued     00:0").await;
    assert!(end.code == 130 && !end.written.contains("[c]ancel?"), "{}", end.written);
    let harness = Harness::instant().await;
    let mut command = harness.command(["delete-all"]);
    command.env("CI", "1");
    let end = Terminal::start(command, 80).end().await;
    assert!(end.code == 2 && end.screen.contains(&"next       infrai-video delete-all --yes".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_draws_nothing() {
    let end = interrupted(&[], &["--quiet", DETACH], "submitted").await;
    assert_eq!(end.code, 130);
    assert!(!end.written.contains("\u{1b}[J") && !end.written.contains("queued"), "{:?}", end.written);
}

#[tokio::test(flavor = "multi_thread")]
async fn stdout_is_only_json_whatever_is_drawn() {
    let harness = Harness::instant().await;
    let terminal = Terminal::start_piped(harness.command(SMALL.iter().chain(&["--json"])), 80);
    let end = terminal.end().await;
    assert_eq!((end.code, end.stdout.lines().count()), (0, 1), "{}", end.stdout);
    let json: serde_json::Value = serde_json::from_str(&end.stdout).expect("it is JSON");
    assert_eq!(json["job"]["state"], "succeeded");
    // On a terminal, too, nothing is drawn into a line of JSON.
    let end =
        Terminal::start(harness.command(["status", json["job"]["job_id"].as_str().unwrap(), "--json"]), 80);
    let end = end.end().await;
    assert!(serde_json::from_str::<serde_json::Value>(end.written.trim()).is_ok(), "{}", end.written);
}

/// Whether a line on a terminal is coloured.
async fn is_coloured(environment: &[(&str, &str)], options: &[&str]) -> bool {
    let harness = Harness::instant().await;
    let mut command = harness.command(["status", "vj_nowhere"].iter().chain(options));
    command.envs(environment.iter().copied());
    let end = Terminal::start(command, 80).end().await;
    assert_eq!(end.code, 5, "{:#?}", end.screen);
    assert!(end.screen.contains(&"next       infrai-video list".to_owned()), "{:#?}", end.screen);
    end.written.contains("\u{1b}[31m")
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_used_on_terminals_unless_they_are_disabled() {
    assert!(is_coloured(&[], &[]).await);
    assert!(!is_coloured(&[("NO_COLOR", "1")], &[]).await);
    assert!(!is_coloured(&[("TERM", "dumb")], &[]).await);
    assert!(!is_coloured(&[], &["--color=never"]).await);
    assert!(!is_coloured(&[("CLICOLOR_FORCE", "1")], &["--color=never"]).await);
    assert!(is_coloured(&[("NO_COLOR", "1")], &["--color=always"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changing_line_works_without_colours() {
    let end = interrupted(&[("NO_COLOR", "1")], &[DETACH], "queued     00:0").await;
    assert!(end.written.contains("\u{1b}[J") && !end.written.contains("\u{1b}[1m"), "{:?}", end.written);
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_can_be_forced_into_a_pipe() {
    let harness = Harness::instant().await;
    let run = |environment: &[(&str, &str)], options: &[&str]| {
        let mut command = harness.command(["status", "vj_nowhere"].iter().chain(options));
        command.envs(environment.iter().copied());
        let output = command.output().expect("the command starts");
        String::from_utf8(output.stderr).expect("it is text").contains("\u{1b}[")
    };
    assert!(!run(&[], &[]));
    assert!(run(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(run(&[], &["--color=always"]));
    assert!(!run(&[("CLICOLOR_FORCE", "1")], &["--color=never"]));
}
