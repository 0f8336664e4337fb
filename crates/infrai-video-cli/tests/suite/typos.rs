//! What somebody reads who types something wrong.

use infrai_video_sandbox::Operation;

use crate::common::Bench;

/// Runs a command line that is no good, and answers what it says.
#[track_caller]
fn refused(bench: &Bench, args: &[&str]) -> String {
    let run = bench.run(args);
    assert_eq!((run.code, run.text()), (Some(2), ""), "{args:?}: {}", run.stderr);
    run.stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typo_is_answered_with_what_was_meant() {
    let bench = Bench::instant().await;
    for (args, meant) in [
        (&["genrate", "a city"][..], "'generate'"),
        (&["dowload", "vj_1"], "'download'"),
        (&["set-retension", "vj_1"], "'set-retention'"),
        (&["generate", "a city", "--durations", "5"], "'--duration'"),
        (&["generate", "a city", "--aspect", "16:9"], "'--aspect-ratio'"),
        (&["generate", "a city", "--prefer", "cheap"], "'cheapest'"),
        (&["generate", "a city", "--on-interrupt", "cancle"], "'cancel'"),
        (&["list", "--sate", "failed"], "'--state'"),
        (&["list", "--state", "faild"], "'failed'"),
        (&["list", "--state", "Suceeded"], "'succeeded'"),
        (&["--jason", "list"], "'--json'"),
        (&["list", "--color", "allways"], "'always'"),
    ] {
        let said = refused(&bench, args);
        let tip =
            said.lines().find(|line| line.contains("tip: ")).unwrap_or_else(|| panic!("{args:?}: {said}"));
        assert!(tip.contains(meant), "{args:?}: {tip}");
    }
    assert!(bench.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usage_error_says_what_is_wrong_and_ends_with_what_to_do() {
    let bench = Bench::instant().await;
    for (args, names) in [
        (&["generate"][..], "<PROMPT|--prompt-file <FILE>>"),
        (&["generate", "a city", "--duration"], "a value is required for '--duration <SECONDS>'"),
        (&["generate", "a city", "--duration", "five"], "use a number of seconds such as 5"),
        (&["generate", "a city", "--duration", ""], "--duration"),
        (&["generate", "a city", "at dusk"], "unexpected argument 'at dusk'"),
        (&["generate", "a city", "--timeout", "soon"], "use something like 90s, 15m, 1h30m or none"),
        (&["generate", "a city", "--aspect-ratio", "4:3"], "[possible values: 16:9, 9:16, 1:1]"),
        (&["generate", "a city", "--no-wait", "--timeout", "3s"], "cannot be used with"),
        (&["generate", "a city", "--prefer", "best"], "[possible values: balanced, cheapest, smartest]"),
        (&["list", "--state", "x"], "[possible values: queued, running, succeeded, failed, cancelled]"),
        (&["list", "--state", ""], "[possible values: queued, running, succeeded, failed, cancelled]"),
        (&["wait"], "<ID>..."),
        (&["status"], "<ID>"),
        (&["cancel"], "<ID>..."),
        (&["set-retention", "vj_1"], "--days <N>"),
        (&["set-retention", "vj_1", "--days", "seven"], "use a whole number such as 7"),
        (&["list", "--limit", "ten"], "use a whole number such as 7"),
        (&["list", "--quiet", "--verbose"], "cannot be used with"),
        (&["completions", "tcsh"], "[possible values: bash, elvish, fish, powershell, zsh]"),
    ] {
        let said = refused(&bench, args);
        assert!(said.contains(names), "{args:?}: {said}");
        let last = said.trim_end().lines().last().unwrap_or_default();
        assert_eq!(last, "For more information, try '--help'.", "{args:?}");
    }
    assert!(bench.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_no_vendor_lists_is_answered_with_the_one_that_was_meant() {
    let bench = Bench::instant().await;
    for (size, meant) in
        [("hd", "720p"), ("fullhd", "1080p"), ("1080i", "1080p"), ("UHD", "4k"), ("8K", "4k")]
    {
        let hint = format!("did you mean {meant}? choose one of 720p, 1080p, 4k");
        let run = bench.run(["generate", "a city", "--resolution", size]);
        assert!(run.failed(7).contains(&hint), "{size}: {}", run.stderr);
        let plan = format!("{{\"prompt\":\"a\"}}\n{{\"prompt\":\"a\",\"resolution\":\"{size}\"}}\n");
        std::fs::write(bench.path("plan.jsonl"), plan).unwrap();
        let run = bench.run(["batch", "run", "plan.jsonl"]);
        let stderr = run.failed(7);
        assert!(stderr.contains("wrong      line 2: ") && stderr.contains(&hint), "{size}: {stderr}");
    }
    assert!(bench.sandbox.jobs().is_empty());
    assert_eq!(bench.calls(Operation::Generate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_is_sent_as_the_contract_spells_it() {
    let bench = Bench::instant().await;
    for (size, sent) in [("1080", "1080p"), ("1080P", "1080p"), ("4K", "4k"), ("720", "720p")] {
        let run = bench.run(["generate", "a city", "--duration=0.5", "--no-wait", "--resolution", size]);
        assert_eq!(run.code, Some(0), "{size}: {}", run.stderr);
        assert!(run.stderr.contains(&format!(" {sent} clips of 0.5 s\n")), "{size}: {}", run.stderr);
        let journal = bench.sandbox.journal();
        let mut sends = journal.iter().filter(|seen| seen.operation == Some(Operation::Generate));
        let body: serde_json::Value =
            serde_json::from_str(sends.next_back().unwrap().body.as_deref().unwrap()).unwrap();
        assert_eq!(body["resolution"], sent);
    }
    let run = bench.run(["generate", "a city", "--duration=0.5", "--no-wait", "--prefer", "CHEAPEST"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_typed_shows_the_commands() {
    let bench = Bench::instant().await;
    let said = refused(&bench, &[]);
    assert!(said.contains("Usage: infrai-video") && said.contains("Exit codes:"), "{said}");
}
