//! `-o "{date}-{slug}.mp4"` for one clip.

use infrai_video_sandbox::{Action, Fault, Operation};

use crate::common::{Harness, SMALL};

/// Whether the text has digits where the pattern has `0`, and equal characters elsewhere.
fn matches(text: &str, pattern: &str) -> bool {
    let same = |(found, wanted): (char, char)| found == wanted || wanted == '0' && found.is_ascii_digit();
    text.chars().count() == pattern.chars().count() && text.chars().zip(pattern.chars()).all(same)
}

fn generate(harness: &Harness, output: &str, more: &[&str]) -> crate::common::Run {
    harness.run(SMALL.iter().chain(&["-q", "-o", output]).chain(more))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_gets_the_name_that_its_fields_say() {
    let harness = Harness::instant().await;
    let clip = generate(
        &harness,
        "{date}/{time}-{slug}-{resolution}-{duration}-{aspect}.mp4",
        &["--aspect-ratio=9:16"],
    );
    assert_eq!(clip.code, Some(0), "{clip:?}");
    let path = clip.text().trim_end();
    assert!(matches(path, "0000-00-00/000000-a-lighthouse-in-a-storm-auto-0.5-9-16.mp4"), "{path}");
    assert!(harness.path(path).is_file());
    let named = generate(&harness, "x-{id}.mp4", &[]);
    assert!(
        named.text().starts_with("x-vj_") && harness.path(named.text().trim_end()).is_file(),
        "{named:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_template_is_rejected_before_anything_is_sent() {
    let harness = Harness::instant().await;
    for (output, why) in [
        ("{slgu}.mp4", "unknown field {slgu}; did you mean {slug}?"),
        ("{slug.mp4", "write {{ for a brace"),
        ("slug}.mp4", "write }} for a brace"),
        ("{id}/a.mp4", "{id} is known after the request"),
        ("{name}.mp4", "{name} is a field of batches only"),
        ("none/{slug}.mp4", "there is no directory none"),
        ("{slug}/", "neither a file name nor an existing directory"),
    ] {
        for command in [&SMALL[..], &["download", "vj_1"], &["generate", "a", "--dry-run"]] {
            let run = harness.run(command.iter().chain(&["-o", output]));
            assert!(run.failed(7).contains(why), "{output}: {run:?}");
        }
    }
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn braces_of_a_plain_path_are_doubled() {
    let harness = Harness::instant().await;
    assert_eq!(generate(&harness, "{{x}}.mp4", &[]).text(), "{x}.mp4\n");
    assert_eq!(harness.files(), ["{x}.mp4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_file_is_not_replaced_and_a_number_avoids_it() {
    let harness = Harness::instant().await;
    assert_eq!(generate(&harness, "{slug}.mp4", &[]).code, Some(0));
    let again = generate(&harness, "{slug}.mp4", &[]);
    assert!(again.failed(7).contains("a-lighthouse-in-a-storm.mp4 already exists"), "{again:?}");
    for number in 1..=3 {
        let expected = format!("a-lighthouse-in-a-storm-{number}.mp4\n");
        assert_eq!(generate(&harness, "{slug}-{n}.mp4", &[]).text(), expected);
    }
    assert_eq!(harness.calls(Operation::Generate), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_avoid_the_paths_of_clips_that_are_not_saved_yet() {
    let harness = Harness::instant().await;
    for _ in 0..3 {
        assert_eq!(generate(&harness, "{slug}-{n}.mp4", &["--no-wait"]).code, Some(0));
    }
    let resumed = harness.run(["resume", "-q"]);
    assert_eq!((resumed.code, harness.files().len()), (Some(0), 3), "{resumed:?}");
    assert_eq!(harness.files()[2], "a-lighthouse-in-a-storm-3.mp4");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_is_filled_in_by_whichever_process_saves_the_clip() {
    let harness = Harness::instant().await;
    let id = generate(&harness, "x-{{{slug}}}-{id}.mp4", &["--no-wait"]).text().trim_end().to_owned();
    let expected = format!("x-{{a-lighthouse-in-a-storm}}-{id}.mp4");
    // In another directory: the ledger has the absolute path.
    let mut resume = harness.command(["resume", "-q"]);
    resume.current_dir(harness.state.path());
    assert!(resume.status().expect("it starts").success());
    assert_eq!(harness.files(), std::slice::from_ref(&expected));

    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    assert_eq!(generate(&harness, "lost-{id}.mp4", &[]).code, Some(11));
    harness.sandbox.set_faults([]);
    assert_eq!(harness.run(["resume", "-q"]).code, Some(0));
    assert!(harness.files()[0].starts_with("lost-vj_"), "{:?}", harness.files());
    assert_eq!(harness.sandbox.ledger().double_charges(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_finds_its_clip_although_the_time_has_changed() {
    let harness = Harness::instant().await;
    let key = ["--idempotency-key", "k1"];
    let first = generate(&harness, "{time}-{slug}-{n}.mp4", &key);
    let saved = harness.path(first.text().trim_end());
    // As if it had been saved at another time.
    let earlier = harness.path("000000-a-lighthouse-in-a-storm-1.mp4");
    std::fs::rename(&saved, &earlier).expect("it is there");
    let moved = harness.run(["resume", "-q", "k1", "-o", "000000-a-lighthouse-in-a-storm-1.mp4", "--force"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let calls = harness.sandbox.journal().len();
    let again = generate(&harness, "{time}-{slug}-{n}.mp4", &key);
    assert_eq!(
        (again.code, again.text().trim_end()),
        (Some(0), earlier.to_str().expect("UTF-8")),
        "{again:?}"
    );
    assert_eq!((harness.sandbox.journal().len(), harness.files().len()), (calls, 1), "nothing is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_keeps_the_path_of_its_first_attempt() {
    let harness = Harness::instant().await;
    let key = ["--idempotency-key", "k1"];
    assert_eq!(generate(&harness, "{slug}-{n}.mp4", &["--no-wait", "--idempotency-key", "k1"]).code, Some(0));
    let clip = generate(&harness, "{slug}-{n}.mp4", &key);
    assert_eq!(clip.code, Some(0), "{clip:?}");
    assert_eq!(harness.files(), ["a-lighthouse-in-a-storm-1.mp4"], "not 2: it is the same clip");
    assert_eq!(harness.sandbox.ledger().double_charges(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_creates_no_directory() {
    let harness = Harness::instant().await;
    let run = harness.run(SMALL.iter().chain(&["--dry-run", "-o", "{slug}/a.mp4"]));
    assert_eq!((run.code, harness.files().len()), (Some(0), 0), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_use_what_the_ledger_knows_of_their_jobs() {
    let harness = Harness::instant().await;
    let (one, two) = (harness.job(), harness.job());
    let run = harness.run(["download", "-q", &one, &two, "-o", "{slug}-{n}.mp4"]);
    assert_eq!(run.text(), "a-lighthouse-in-a-storm-1.mp4\na-lighthouse-in-a-storm-2.mp4\n", "{run:?}");
    let run = harness.run(["download", "-q", &one, &two, "-o", "d/{id}.mp4"]);
    assert!(run.failed(7).contains("there is no directory d"), "{run:?}");
    let same = harness.run(["download", "-q", &one, &two, "-o", "{slug}.mp4"]);
    assert!(same.failed(2).contains("a field such as {id}"), "{same:?}");
    let unknown =
        harness.run(["--ledger", "none", "download", "-q", &one, "-o", "{slug}-{duration}-{id}.mp4"]);
    assert_eq!(unknown.text(), format!("clip-auto-{one}.mp4\n"), "{unknown:?}");
    let resumed = harness.run(["resume", "-q", &one, "-o", "again-{slug}-{id}.mp4"]);
    assert!(resumed.text().ends_with(&format!("again-a-lighthouse-in-a-storm-{one}.mp4\n")), "{resumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_cannot_leave_the_directory() {
    let harness = Harness::instant().await;
    for (prompt, expected) in [
        ("../../etc/passwd", "etc-passwd"),
        ("NUL", "_nul"),
        ("\u{202e}a\u{7}b", "a-b"),
        ("東京 \u{1f980}", "東京"),
        ("...", "clip"),
        ("e\u{301}te\u{301}", "été"),
    ] {
        let run = harness.run(["generate", prompt, "--duration=0.5", "-q", "-o", "{slug}.mp4", "--force"]);
        assert_eq!(run.text(), format!("{expected}.mp4\n"), "{prompt:?}: {run:?}");
        assert!(harness.path(format!("{expected}.mp4")).is_file());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_choose_different_numbers() {
    for ledger in [&[][..], &["--ledger=none"]] {
        let harness = Harness::instant().await;
        let start = || {
            let args = ledger.iter().chain(&SMALL).chain(&["-q", "-o", "{slug}-{n}.mp4"]);
            let mut command = harness.command(args);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("the command starts")
        };
        let started: Vec<_> = (0..5).map(|_| start()).collect();
        for process in started {
            let run = crate::common::Run::from(process.wait_with_output().expect("it was started"));
            assert_eq!(run.code, Some(0), "{ledger:?}: {run:?}");
        }
        let expected: Vec<_> = (1..=5).map(|n| format!("a-lighthouse-in-a-storm-{n}.mp4")).collect();
        assert_eq!(harness.files(), expected, "each paid clip is saved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_free_again_if_its_request_is_refused() {
    let harness = Harness::instant().await;
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::status(400))]);
    assert_ne!(generate(&harness, "{slug}-{n}.mp4", &[]).code, Some(0));
    assert!(harness.files().is_empty(), "{:?}", harness.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_too_long_with_its_id_loses_words_or_is_rejected_before_a_charge() {
    let harness = Harness::instant().await;
    let prefix = "p".repeat(200);
    let clip = generate(&harness, &format!("{prefix}-{{slug}}-{{id}}.mp4"), &[]);
    assert_eq!(clip.code, Some(0), "{clip:?}");
    assert!(clip.text().starts_with(&format!("{prefix}-a-vj_")), "{clip:?}");
    let calls = harness.calls(Operation::Generate);
    for output in [format!("{}-{{slug}}-{{id}}.mp4", "p".repeat(230)), format!("{}{{id}}", "é".repeat(115))]
    {
        let run = generate(&harness, &output, &[]);
        assert!(run.failed(7).contains("bytes"), "{run:?}");
    }
    assert_eq!(harness.calls(Operation::Generate), calls, "nothing is charged");
}
