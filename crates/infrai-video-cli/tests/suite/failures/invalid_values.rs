use infrai_video_sandbox::Operation;

use crate::common::{Harness, SMALL};

/// Runs a command that must fail with this exit code and name the invalid value.
#[track_caller]
fn refused(harness: &Harness, args: &[&str], code: i32, names: &str) {
    let run = harness.run(args);
    let stderr = run.failed(code);
    let line = stderr.lines().find(|line| line.starts_with("error      ")).expect("a line with the reason");
    assert!(line.contains(names), "{args:?}: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_value_is_named_and_costs_nothing() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("picture.png"), b"\xff\xd8").unwrap();
    for (args, names) in [
        (&["generate", ""][..], "prompt"),
        (&["generate", " \n "], "prompt"),
        (&["generate", "--prompt-file", "none.txt"], "prompt"),
        (&["generate", "--prompt-file", "picture.png"], "UTF-8"),
        (&["generate", "a", "--duration", "0"], "--duration"),
        (&["generate", "a", "--duration", "-1"], "--duration"),
        (&["generate", "a", "--duration", "NaN"], "--duration"),
        (&["generate", "a", "--duration", "61"], "up to 60 s"),
        (
            &["generate", "a", "--resolution", "8k"],
            "(--resolution); did you mean 4k? choose one of 720p, 1080p, 4k",
        ),
        (&["generate", "a", "--no-check", "--resolution", "8k"], "UNSUPPORTED_REQUEST"),
        (&["generate", "a", "--reference-image-url", "file:///etc/passwd"], "--reference-image-url"),
        (&["generate", "a", "--idempotency-key", "two words"], "--idempotency-key"),
        (&["set-retention", "vj_1", "--days", "0"], "--days"),
        (&["set-retention", "vj_1", "--days", "91"], "--days"),
        (&["set-retention", "vj_1", "--days", "-1"], "not -1"),
        (&["list", "--limit", "0"], "--limit"),
        (&["list", "--cursor", "invented"], "INVALID_CURSOR"),
        (&["--base-url", "http://api.example.com", "list"], "--base-url"),
        (&["--base-url", "nonsense", "list"], "--base-url"),
    ] {
        refused(&harness, args, 7, names);
    }
    assert!(harness.sandbox.jobs().is_empty());
    assert_eq!(harness.sandbox.ledger().charges().count(), 0);
    assert_eq!(harness.calls(Operation::Generate), 1, "only without a check");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_id_is_never_sent() {
    let harness = Harness::instant().await;
    for id in ["", ".", "..", &"a".repeat(2049)] {
        refused(&harness, &["delete", "vj_1", id, "--yes"], 7, "cannot be one segment of a path");
    }
    for id in [" ", " vj_2", "vj_2\n", "\tvj_2"] {
        refused(&harness, &["delete", "vj_1", id, "--yes"], 7, "white space");
    }
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwritable_output_is_rejected_before_anything_is_sent() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("mine.mp4"), "mine").unwrap();
    for (output, names) in [
        ("mine.mp4", "already exists"),
        ("none/a.mp4", "there is no directory none"),
        ("none/", "neither a file name nor an existing directory"),
        (&"a".repeat(300), "cannot be written"),
    ] {
        refused(&harness, &["generate", "a", "-o", output], 7, names);
    }
    #[cfg(target_os = "linux")]
    for output in ["/proc/a.mp4", "/proc"] {
        refused(&harness, &["generate", "a", "-o", output], 7, "cannot be written");
    }
    assert!(harness.sandbox.journal().is_empty());
    assert_eq!(std::fs::read(harness.path("mine.mp4")).unwrap(), b"mine");
    assert_eq!(harness.files(), ["mine.mp4"]);

    let forced = harness.run(SMALL.iter().chain(&["-o", "mine.mp4", "--force"]));
    assert_eq!(forced.text(), "mine.mp4\n", "{}", forced.stderr);
    assert_ne!(std::fs::read(harness.path("mine.mp4")).unwrap(), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_too_long_is_rejected_before_anything_is_charged() {
    let harness = Harness::instant().await;
    let longest = [
        "a".repeat(241),
        "a".repeat(243),
        "a".repeat(245),
        "a".repeat(255),
        "é".repeat(127),
        "東".repeat(85),
    ];
    for name in &longest {
        let run = harness.run(SMALL.iter().chain(&["-o", name.as_str()]));
        assert_eq!((run.code, run.text()), (Some(0), format!("{name}\n").as_str()), "{}", run.stderr);
    }
    let mut expected = longest.to_vec();
    expected.sort();
    assert_eq!(harness.files(), expected, "nothing is left beside the clips");

    let paid = harness.calls(Operation::Generate);
    std::fs::create_dir(harness.path("clip.mp4.part")).unwrap();
    for (name, names) in [
        (&*"a".repeat(256), "cannot be written"),
        (&"東".repeat(86), "cannot be written"),
        ("clip.mp4", "clip.mp4.part is not an unfinished clip"),
    ] {
        refused(&harness, &["generate", "a", "-o", name], 7, names);
        refused(&harness, &["generate", "a", "--force", "-o", name], 7, names);
    }
    assert_eq!(harness.calls(Operation::Generate), paid);
}

/// The relative path is short enough, the absolute path in the ledger is not.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_resume_could_not_use_is_rejected_before_anything_is_charged() {
    let harness = Harness::instant().await;
    let deep = "d".repeat(250);
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do mkdir {deep}; cd {deep}; done; mkdir {deep}; cd {deep} || exit 99;\
                          \"$0\" generate a -o {}",
        "a".repeat(250)
    );
    let mut shell = std::process::Command::new("sh");
    let mut command = harness.command(["-"]);
    let environment =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    shell
        .args(["-c", &script, crate::common::BINARY])
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .envs(environment.collect::<Vec<_>>());
    command.stdin(std::process::Stdio::null());
    let run = crate::common::Run::from(shell.current_dir(harness.directory.path()).output().unwrap());
    assert!(run.failed(7).contains("choose a shorter path"), "{}", run.stderr);
    assert_eq!(harness.calls(Operation::Generate), 0);
}
