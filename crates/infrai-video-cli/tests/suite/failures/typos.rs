//! Mistyped commands and options.

use infrai_video_sandbox::Operation;

use crate::common::Harness;

/// Runs an invalid command line. Returns its stderr.
#[track_caller]
fn refused(harness: &Harness, args: &[&str]) -> String {
    let run = harness.run(args);
    assert_eq!((run.code, run.text()), (Some(2), ""), "{args:?}: {}", run.stderr);
    run.stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typo_is_reported_with_the_most_similar_word() {
    let harness = Harness::instant().await;
    for (args, meant) in [
        (&["genrate", "a city"][..], "generate"),
        (&["dowload", "vj_1"], "download"),
        (&["set-retension", "vj_1"], "set-retention"),
        (&["generate", "a city", "--durations", "5"], "--duration"),
        (&["generate", "a city", "--aspect", "16:9"], "--aspect-ratio"),
        (&["generate", "a city", "--prefer", "cheap"], "cheapest"),
        (&["generate", "a city", "--on-interrupt", "cancle"], "cancel"),
        (&["list", "--sate", "failed"], "--state"),
        (&["list", "--state", "faild"], "failed"),
        (&["list", "--state", "Suceeded"], "succeeded"),
        (&["sandbox", "--quirk", "integer_id"], "integer_ids"),
        (&["--jason", "list"], "--json"),
        (&["list", "--color", "allways"], "always"),
    ] {
        let said = refused(&harness, args);
        let line = said.lines().next().unwrap_or_default();
        assert!(line.starts_with("error      unknown "), "{args:?}: {said}");
        assert!(line.ends_with(&format!("; did you mean {meant}?")), "{args:?}: {said}");
    }
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usage_error_has_two_lines_with_the_mistake_and_the_help() {
    let harness = Harness::instant().await;
    for (args, names, help) in [
        (&["generate"][..], "PROMPT or --prompt-file FILE is missing", "generate"),
        (&["generate", "a city", "--duration"], "--duration needs a value", "generate"),
        (
            &["generate", "a city", "--duration", "five"],
            "invalid value \"five\" for --duration: use a number of seconds such as 5 or 7.5",
            "generate",
        ),
        (&["generate", "a city", "--duration", ""], "--duration", "generate"),
        (
            &["generate", "a city", "--timeout", "soon"],
            "\"soon\" for --timeout: use a time such as 90s, 15m or 1h30m, or none",
            "generate",
        ),
        (
            &["generate", "a city", "--aspect-ratio", "4:3"],
            "unknown value \"4:3\" for --aspect-ratio; use 16:9, 9:16 or 1:1",
            "generate",
        ),
        (
            &["generate", "a city", "--no-wait", "--timeout", "3s"],
            "--no-wait cannot be used with --timeout",
            "generate",
        ),
        (
            &["generate", "a city", "--prefer", "best"],
            "unknown value \"best\" for --prefer; use balanced, cheapest or smartest",
            "generate",
        ),
        (
            &["list", "--state", "x"],
            "unknown state \"x\"; use queued, running, succeeded, failed or cancelled",
            "list",
        ),
        (&["list", "--state", ""], "--state needs a value: queued, running, succeeded, ", "list"),
        (&["wait"], "ID is missing", "wait"),
        (&["status"], "ID is missing", "status"),
        (&["cancel"], "ID is missing", "cancel"),
        (&["batch", "run"], "PLAN is missing", "batch run"),
        (&["batch", "retry"], "--failed, --cancelled or --missing is missing", "batch retry"),
        (&["set-retention", "vj_1"], "--days N is missing", "set-retention"),
        (&["set-retention", "vj_1", "--days", "seven"], "use a whole number such as 7", "set-retention"),
        (&["list", "--limit", "ten"], "use a whole number such as 7", "list"),
        (&["list", "--quiet", "--verbose"], "--quiet cannot be used with --verbose", "list"),
        (
            &["completions", "nu"],
            "unknown shell \"nu\"; use bash, elvish, fish, powershell or zsh",
            "completions",
        ),
        (
            &["sandbox", "--clock", "fast"],
            "invalid value \"fast\" for --clock: use real, x60 or manual",
            "sandbox",
        ),
        (&["sandbox", "--port", "http"], "for --port: use a whole number from 0 to 65535", "sandbox"),
    ] {
        let said = refused(&harness, args);
        let lines: Vec<&str> = said.lines().collect();
        let [error, next] = lines[..] else { panic!("{args:?}: {said}") };
        assert!(error.starts_with("error      ") && error.contains(names), "{args:?}: {said}");
        assert_eq!(next, format!("next       infrai-video {help} --help"), "{args:?}");
    }
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_size_is_reported_with_the_most_similar_one() {
    let harness = Harness::instant().await;
    for (size, meant) in
        [("hd", "720p"), ("fullhd", "1080p"), ("1080i", "1080p"), ("UHD", "4k"), ("8K", "4k")]
    {
        let hint = format!("did you mean {meant}? choose one of 720p, 1080p, 4k");
        let run = harness.run(["generate", "a city", "--resolution", size]);
        assert!(run.failed(7).contains(&hint), "{size}: {}", run.stderr);
        let plan = format!("{{\"prompt\":\"a\"}}\n{{\"prompt\":\"a\",\"resolution\":\"{size}\"}}\n");
        std::fs::write(harness.path("plan.jsonl"), plan).unwrap();
        let run = harness.run(["batch", "run", "plan.jsonl"]);
        let stderr = run.failed(7);
        assert!(stderr.contains("invalid    line 2: ") && stderr.contains(&hint), "{size}: {stderr}");
    }
    assert!(harness.sandbox.jobs().is_empty());
    assert_eq!(harness.calls(Operation::Generate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_is_sent_as_the_contract_spells_it() {
    let harness = Harness::instant().await;
    for (size, sent) in [("1080", "1080p"), ("1080P", "1080p"), ("4K", "4k"), ("720", "720p")] {
        let run = harness.run(["generate", "a city", "--duration=0.5", "--no-wait", "--resolution", size]);
        assert_eq!(run.code, Some(0), "{size}: {}", run.stderr);
        assert!(run.stderr.contains(&format!(" {sent} clips of 0.5 s\n")), "{size}: {}", run.stderr);
        let journal = harness.sandbox.journal();
        let mut sends = journal.iter().filter(|seen| seen.operation == Some(Operation::Generate));
        let body: serde_json::Value =
            serde_json::from_str(sends.next_back().unwrap().body.as_deref().unwrap()).unwrap();
        assert_eq!(body["resolution"], sent);
    }
    let run = harness.run(["generate", "a city", "--duration=0.5", "--no-wait", "--prefer", "CHEAPEST"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_arguments_the_commands_are_shown() {
    let harness = Harness::instant().await;
    let said = refused(&harness, &[]);
    assert!(said.contains("Usage: infrai-video") && said.contains("Clips:\n  generate "), "{said}");
}
