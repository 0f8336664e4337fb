use infrai_video_sandbox::Operation;

use crate::common::{Bench, SMALL};

/// Runs a command that must be refused with that code and must name what is wrong.
#[track_caller]
fn refused(bench: &Bench, args: &[&str], code: i32, names: &str) {
    let run = bench.run(args);
    let stderr = run.failed(code);
    let line = stderr.lines().find(|line| line.starts_with("error      ")).expect("a line with the reason");
    assert!(line.contains(names), "{args:?}: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_is_named_and_costs_nothing() {
    let bench = Bench::instant().await;
    std::fs::write(bench.path("picture.png"), b"\xff\xd8").unwrap();
    for (args, names) in [
        (&["generate", ""][..], "`prompt`"),
        (&["generate", " \n "], "`prompt`"),
        (&["generate", "--prompt-file", "none.txt"], "`prompt`"),
        (&["generate", "--prompt-file", "picture.png"], "UTF-8"),
        (&["generate", "a", "--duration", "0"], "`duration_seconds`"),
        (&["generate", "a", "--duration", "-1"], "`duration_seconds`"),
        (&["generate", "a", "--duration", "NaN"], "`duration_seconds`"),
        (&["generate", "a", "--duration", "61"], "up to 60 s"),
        (&["generate", "a", "--resolution", "8k"], "use one of 720p, 1080p, 4k"),
        (&["generate", "a", "--no-check", "--resolution", "8k"], "UNSUPPORTED_REQUEST"),
        (&["generate", "a", "--reference-image-url", "file:///etc/passwd"], "`reference_image_url`"),
        (&["generate", "a", "--idempotency-key", "two words"], "`idempotency_key`"),
        (&["set-retention", "vj_1", "--days", "0"], "`days`"),
        (&["set-retention", "vj_1", "--days", "91"], "`days`"),
        (&["set-retention", "vj_1", "--days", "-1"], "not -1"),
        (&["list", "--limit", "0"], "`limit`"),
        (&["list", "--cursor", "invented"], "INVALID_CURSOR"),
        (&["--base-url", "http://api.example.com", "list"], "`base_url`"),
        (&["--base-url", "nonsense", "list"], "`base_url`"),
    ] {
        refused(&bench, args, 7, names);
    }
    assert!(bench.sandbox.jobs().is_empty());
    assert_eq!(bench.sandbox.ledger().charges().count(), 0);
    assert_eq!(bench.calls(Operation::Generate), 2, "only the service could judge a size that nobody knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_no_id_is_never_sent() {
    let bench = Bench::instant().await;
    for id in ["", " ", "..", "../list", "a/b", "a\\b", "a b"] {
        refused(&bench, &["delete", "vj_1", id, "--yes"], 7, "must be 1 to 256 letters");
    }
    assert!(bench.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let bench = Bench::instant().await;
    std::fs::write(bench.path("mine.mp4"), "mine").unwrap();
    for (output, names) in [
        ("mine.mp4", "is there already"),
        ("none/a.mp4", "there is no directory none"),
        ("none/", "neither a file name nor a directory"),
        (&"a".repeat(300), "cannot be written"),
    ] {
        refused(&bench, &["generate", "a", "-o", output], 7, names);
    }
    #[cfg(target_os = "linux")]
    for output in ["/proc/a.mp4", "/proc"] {
        refused(&bench, &["generate", "a", "-o", output], 7, "cannot be written");
    }
    assert!(bench.sandbox.journal().is_empty());
    assert_eq!(std::fs::read(bench.path("mine.mp4")).unwrap(), b"mine");
    assert_eq!(bench.files(), ["mine.mp4"]);

    let forced = bench.run(SMALL.iter().chain(&["-o", "mine.mp4", "--force"]));
    assert_eq!(forced.text(), "mine.mp4\n", "{}", forced.stderr);
    assert_ne!(std::fs::read(bench.path("mine.mp4")).unwrap(), b"mine");
}
