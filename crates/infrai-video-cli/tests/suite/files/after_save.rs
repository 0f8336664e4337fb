//! `--exec` and `--open`: what happens to a clip after it is saved.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use infrai_video_sandbox::{Action, Fault, Operation};

use crate::common::{Harness, Run, SMALL};

/// Appends the path to a file.
const RECORD: &str = "echo saved {} >> seen; echo out; echo err >&2";

fn seen(harness: &Harness) -> Vec<String> {
    let text = std::fs::read_to_string(harness.path("seen")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn generate(harness: &Harness, more: &[&str]) -> Run {
    harness.run(SMALL.iter().chain(more))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_the_path_and_its_output_goes_to_stderr() {
    let harness = Harness::instant().await;
    let run = generate(&harness, &["-o", "it's $(touch x).mp4", "--exec", RECORD]);
    assert_eq!((run.code, run.text()), (Some(0), "it's $(touch x).mp4\n"), "{run:?}");
    assert!(run.stderr.contains("\nout\n") && run.stderr.contains("\nerr\n"), "{run:?}");
    assert_eq!(seen(&harness), ["saved it's $(touch x).mp4"]);
    let appended =
        generate(&harness, &["--output=-b.mp4", "--exec", "echo saved >> seen; test -s", "--json"]);
    assert_eq!((appended.code, appended.text().lines().count()), (Some(0), 1), "{appended:?}");
    assert_eq!(appended.json()["path"], "-b.mp4");
    assert_eq!(harness.files(), ["-b.mp4", "it's $(touch x).mp4", "seen"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_command_is_14_and_the_clip_stays_saved() {
    let harness = Harness::instant().await;
    for (command, why) in [
        ("exit 3", "exit status: 3"),
        ("no-such-program {}", "exit status: 127"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let key = format!("key-{}", command.len());
        let args = ["-o", "a.mp4", "--force", "--idempotency-key", &key, "--exec", command];
        let run = generate(&harness, &args);
        assert_eq!((run.code, run.text()), (Some(14), "a.mp4\n"), "{command}: {run:?}");
        let stderr = &run.stderr;
        assert!(
            stderr.contains("error      a.mp4 is saved, but --exec failed with ") && stderr.contains(why),
            "{stderr}"
        );
        assert!(stderr.contains("\nnext       ") && stderr.contains("'a.mp4'"), "{stderr}");
        assert_eq!(generate(&harness, &args).code, Some(0), "it is recorded, and not saved again");
    }
    assert_eq!(harness.calls(Operation::Generate), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_saves_clips_runs_it_once_for_each() {
    let harness = Harness::instant().await;
    let (one, two) = (harness.job(), harness.job());
    let run = harness.run(["download", &one, &two, "--exec", RECORD]);
    assert_eq!((run.code, run.text().lines().count()), (Some(0), 2), "{run:?}");
    assert_eq!(seen(&harness), [format!("saved {one}.mp4"), format!("saved {two}.mp4")]);
    std::fs::remove_file(harness.path("seen")).expect("it was written");

    assert_eq!(generate(&harness, &["--no-wait", "-q", "-o", "later.mp4"]).code, Some(0));
    let run = harness.run(["resume", "--exec", RECORD]);
    assert!(run.code == Some(0) && run.stderr.contains("\nout\n"), "{run:?}");
    let later = format!("saved {}", harness.path("later.mp4").display());
    assert_eq!(seen(&harness), [later]);
    assert_eq!(harness.run(["resume", "--exec", RECORD]).code, Some(0));
    assert_eq!(seen(&harness).len(), 1, "nothing was saved");
    std::fs::remove_file(harness.path("seen")).expect("it was written");

    let plan = "{\"prompt\": \"a\", \"duration_seconds\": 0.5, \"name\": \"a\"}\n{\"prompt\": \"b\", \"duration_seconds\": 0.5, \"name\": \"b\"}\n";
    std::fs::write(harness.path("plan.jsonl"), plan).expect("there is room");
    let batch = || harness.run(["batch", "run", "plan.jsonl", "--exec", RECORD]);
    assert_eq!(batch().code, Some(0));
    let mut paths = seen(&harness);
    paths.sort();
    assert_eq!(
        paths,
        ["a", "b"].map(|name| format!("saved {}", harness.path(format!("plan/{name}.mp4")).display()))
    );
    assert_eq!(batch().code, Some(0));
    assert_eq!(seen(&harness).len(), 2, "both were there");
    std::fs::remove_file(harness.path("plan/a.mp4")).expect("it was saved");
    assert_eq!(batch().code, Some(0));
    assert_eq!(seen(&harness).len(), 3, "one was saved again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_command_does_not_stop_the_other_clips() {
    let harness = Harness::instant().await;
    let plan = "{\"prompt\": \"a\", \"duration_seconds\": 0.5, \"name\": \"a\"}\n{\"prompt\": \"b\", \"duration_seconds\": 0.5, \"name\": \"b\"}\n";
    std::fs::write(harness.path("plan.jsonl"), plan).expect("there is room");
    let run = harness.run(["batch", "run", "plan.jsonl", "--exec", "test a.mp4 = $(basename {})"]);
    assert_eq!((run.code, run.text().matches("\tsaved\t").count()), (Some(14), 2), "{run:?}");
    assert!(
        run.stderr.contains("plan/b.mp4 is saved, but --exec failed")
            && !run.stderr.contains("a.mp4 is saved, but"),
        "{run:?}"
    );
    let fail = Action::FailJob { code: "REFUSED".to_owned(), message: "no".to_owned() };
    harness.sandbox.set_faults([Fault::on(Operation::Generate, fail).nth(1)]);
    std::fs::write(harness.path("other.jsonl"), plan).expect("there is room");
    let run = harness.run(["batch", "run", "other.jsonl", "--exec", "false"]);
    assert_eq!(run.code, Some(13), "a clip that is missing counts more: {run:?}");
    harness.sandbox.set_faults([]);
    let (one, two) = (harness.job(), harness.job());
    let run = harness.run(["download", &one, &two, "--exec", "false"]);
    assert_eq!((run.code, run.text().lines().count()), (Some(14), 2), "{run:?}");
    for name in ["later-1.mp4", "later-2.mp4"] {
        assert_eq!(generate(&harness, &["--no-wait", "-q", "-o", name]).code, Some(0));
    }
    let run = harness.run(["resume", "--exec", "false"]);
    assert!(
        run.code == Some(14) && run.stderr.contains("--open or --exec failed for 2 clips, which are saved"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_without_a_file_cannot_be_opened() {
    let harness = Harness::instant().await;
    for args in [
        &["-o", "-", "--open"][..],
        &["--no-wait", "--exec", "true"],
        &["--no-wait", "-o", "a.mp4", "--open"],
    ] {
        assert!(generate(&harness, args).failed(2).contains("--open and --exec need a clip"), "{args:?}");
    }
    assert!(
        harness
            .run(["download", "vj_1", "-o", "-", "--open"])
            .failed(2)
            .contains("--open and --exec need a clip")
    );
    assert_eq!(generate(&harness, &["--exec", ""]).code, Some(2));
    assert!(harness.sandbox.journal().is_empty());
}

/// A directory with a program of the desktop, which writes what it is to open into a pipe.
fn desktop(harness: &Harness, script: &str) -> std::path::PathBuf {
    let directory = harness.state.path().join("bin");
    std::fs::create_dir(&directory).expect("there is room");
    let program = directory.join("xdg-open");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("there is room");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is our file");
    directory
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_clip_is_opened_by_the_desktop() {
    let harness = Harness::instant().await;
    let pipe = harness.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let directory = desktop(&harness, "echo \"$1\" > pipe");
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).expect("the pipe is there"));
    let mut command = harness.command(SMALL.iter().chain(&["-o", "a b.mp4", "--open"]));
    let run = Run::from(command.env("PATH", &directory).output().expect("it starts"));
    assert_eq!((run.code, run.text()), (Some(0), "a b.mp4\n"), "{run:?}");
    assert_eq!(reader.join().expect("it reads"), "a b.mp4\n");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_that_cannot_open_clips_is_14() {
    let harness = Harness::instant().await;
    let directory = desktop(&harness, "exit 4");
    let mut command = harness.command(SMALL.iter().chain(&["-o", "a.mp4", "--open"]));
    let run = Run::from(command.env("PATH", &directory).output().expect("it starts"));
    assert_eq!((run.code, run.text()), (Some(14), "a.mp4\n"), "{run:?}");
    assert!(run.stderr.contains("error      a.mp4 is saved, but --open failed: "), "{run:?}");
}
