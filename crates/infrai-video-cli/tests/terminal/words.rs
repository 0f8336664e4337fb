//! What the command says in situations that every user meets, as reviewed.

use std::process::Command;

use infrai_video_sandbox::Sandbox;

use crate::common::{Harness, SMALL};
use crate::pty::Terminal;

/// Runs the command on a terminal, and returns its screen with the paths of this test replaced.
async fn screen(harness: &Harness, command: Command, columns: u16) -> String {
    let end = Terminal::start_sized(command, (columns, 48)).end().await;
    plain(harness, &format!("{}\nexit {}", end.screen.join("\n"), end.code))
}

fn plain(harness: &Harness, text: &str) -> String {
    let home = harness.directory.path().display().to_string();
    text.replace(&home, "/home/me").replace(harness.sandbox.base_url(), "https://api.infrai.cc")
}

/// Mistakes in the command line, in values and in plans have one form, whoever finds them.
const MISTAKES: [&[&str]; 12] = [
    &["genrate", "a city"],
    &["generate", "a city", "--durations", "5"],
    &["generate"],
    &["generate", "a city", "--duration", "five"],
    &["generate", "a city", "--duration", "-1"],
    &["generate", "a city", "--no-wait", "--timeout", "3s"],
    &["generate", "a city", "-o", "mine.mp4"],
    &["list", "--state", "faild"],
    &["list", "--state", "x"],
    &["wait"],
    &["batch", "run", "plan.jsonl"],
    &["resume", "nothing"],
];

async fn with_mistakes() -> Harness {
    let harness = Harness::with(Sandbox::builder().instant_jobs()).await;
    std::fs::write(harness.path("mine.mp4"), "mine").expect("there is room");
    let plan = "a city\n[1]\n{\"prompt\": \"a\",}\n{\"promt\": \"a\"}\n{\"prompt\": \"a\", \"duration_seconds\": -1}\n";
    std::fs::write(harness.path("plan.jsonl"), plan).expect("there is room");
    harness
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_reported_in_one_form() {
    let harness = with_mistakes().await;
    for columns in [60, 120] {
        let mut text = String::new();
        for mistake in MISTAKES {
            let shown = screen(&harness, harness.command(mistake), columns).await;
            text.push_str(&format!("$ infrai-video {}\n{shown}\n\n", mistake.join(" ")));
        }
        insta::assert_snapshot!(format!("mistakes_{columns}"), text.trim_end());
    }
    assert!(harness.sandbox.jobs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_plain_in_a_pipe_and_coloured_alike_on_a_terminal() {
    let harness = with_mistakes().await;
    for mistake in MISTAKES {
        let piped = harness.run(mistake);
        assert!(!piped.stderr.contains('\u{1b}'), "{piped:?}");
        let mut command = harness.command(mistake);
        command.env("NO_COLOR", "1");
        let plain = Terminal::start(command, 200).end().await;
        assert!(!plain.written.contains("\u{1b}[1m\u{1b}[31m"), "{mistake:?}: {:?}", plain.written);
        let coloured = Terminal::start(harness.command(mistake), 200).end().await;
        assert!(coloured.written.contains("\u{1b}[1m\u{1b}[31merror\u{1b}[0m"), "{:?}", coloured.written);
        assert_eq!(plain.screen, coloured.screen, "{mistake:?}");
        let labels = ["error      ", "next       ", "invalid    ", "           "];
        for line in piped.stderr.lines().filter(|line| !line.starts_with("checked ")) {
            assert!(labels.iter().any(|label| line.starts_with(label)), "{mistake:?}: {line}");
        }
    }
}

/// A script or a cron job has no terminal to answer on.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_without_a_terminal_names_the_option() {
    let harness = Harness::instant().await;
    let id = harness.job();
    for (command, next) in [
        (vec!["delete", &*id], format!("delete {id} --yes")),
        (vec!["delete-all"], "delete-all --yes".to_owned()),
    ] {
        let run = harness.run(command);
        assert_eq!(
            run.failed(2),
            format!("error      not a terminal: add --yes to delete\nnext       infrai-video {next}\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_job_fits_a_line_and_so_does_the_command_that_resumes_it() {
    let harness = Harness::still().await;
    let run = harness.run(SMALL.iter().chain(&["--timeout=0"]));
    let stderr = run.failed(8);
    let id = harness.sandbox.jobs()[0].job_id.clone();
    let submitted = stderr.lines().find(|line| line.starts_with("submitted  ")).expect("it is reported");
    assert!(
        submitted.contains(id.as_str()) && submitted.contains(" USD") && submitted.len() <= 80,
        "{submitted}"
    );
    assert!(stderr.contains(&format!("\nresume     infrai-video resume {id}\n")), "{stderr}");
    // A prompt that is sent again under its key is not charged again.
    let key = ["--idempotency-key=k1", "--no-wait"];
    harness.run(SMALL.iter().chain(&key));
    let again = harness.run(SMALL.iter().chain(&key));
    let line = again.stderr.lines().find(|line| line.starts_with("submitted  ")).expect("it is reported");
    assert!(line.ends_with(", sent before: not charged again") && line.len() <= 80, "{}", again.stderr);
}
