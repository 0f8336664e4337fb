//! API keys of profiles: on the wire, in the ledger, and never in the output.
#![cfg(unix)]

use infrai_video_sandbox::{Action, Fault, Operation};

use super::{configured, run};
use crate::common::{Harness, KEY, Run, SMALL};

fn with_key_command(harness: &Harness, command: &str, args: &[&str]) -> Run {
    let text = format!("[profile.work]\nkey_command = '''{command}'''\n");
    let mut command = configured(harness, &text, ["--profile=work"].iter().chain(args).copied());
    command.env_remove("INFRAI_API_KEY");
    run(command)
}

fn accounts(harness: &Harness) -> Vec<String> {
    let mut accounts: Vec<String> =
        harness.sandbox.journal().iter().filter_map(|seen| seen.account.clone()).collect();
    accounts.dedup();
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_account_wherever_it_comes_from() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(["list"]).code, Some(0));
    let expected = accounts(&harness);
    assert_eq!(expected.len(), 1);
    assert_eq!(with_key_command(&harness, &format!("echo {KEY}"), &["list"]).code, Some(0));
    let text = "api_key_env = 'WORK_KEY'\n";
    let mut by_name = configured(&harness, text, ["list"]);
    by_name.env_remove("INFRAI_API_KEY").env("WORK_KEY", KEY);
    assert_eq!(run(by_name).code, Some(0));
    assert_eq!(accounts(&harness), expected);
    let mut both = configured(&harness, "key_command = 'echo ifr_pk_proj_other; exit 1'", ["list"]);
    both.env("INFRAI_API_KEY", KEY);
    assert_eq!(run(both).code, Some(0), "the variable comes first");
    assert_eq!(accounts(&harness), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_unknown_outcome_is_sent_again_only_with_the_same_key() {
    let harness = Harness::instant().await;
    let print = format!("printf ' {KEY}\\n'");
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    let lost = with_key_command(&harness, &print, &[&SMALL[..], &["-o", "a.mp4"]].concat());
    let stderr = lost.failed(11);
    assert!(stderr.contains("next       infrai-video --profile work resume "), "{stderr}");
    harness.sandbox.set_faults([]);
    let other = with_key_command(&harness, "echo ifr_pk_proj_other", &["resume"]);
    assert!(other.failed(11).contains("another API key"), "{other:?}");
    // The same key from the environment.
    assert_eq!(harness.run(["resume", "-q"]).code, Some(0));
    assert_eq!(harness.files(), ["a.mp4"]);
    assert_eq!(harness.sandbox.ledger().double_charges(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_command_that_fails_is_4_with_its_reason() {
    let harness = Harness::instant().await;
    for (command, why) in [
        ("echo locked >&2; exit 3", "failed with exit status: 3"),
        ("true", "prints nothing"),
        ("echo; echo", "prints nothing"),
        ("echo alpha; echo two", "must be one line"),
        ("echo alpha two", "must be one line"),
        ("yes", "must be one line"),
        ("no-such-program", "failed with exit status: 127"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let run = with_key_command(&harness, command, &SMALL);
        let stderr = run.failed(4);
        assert!(stderr.contains(why) && stderr.contains("config.toml:2)"), "{command}: {stderr}");
        assert_eq!(stderr.contains("locked"), command.contains("locked"), "its stderr is shown: {stderr}");
        assert!(!stderr.contains("alpha"), "its output is not: {stderr}");
    }
    assert!(harness.sandbox.journal().is_empty());
    let mut unset = configured(&harness, "api_key_env = 'WORK_KEY'", ["list"]);
    unset.env_remove("INFRAI_API_KEY").env("WORK_KEY", " ");
    let unset = run(unset);
    assert!(unset.failed(4).contains("WORK_KEY is not set"), "{unset:?}");
    assert!(unset.stderr.contains("next       export WORK_KEY="), "{unset:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_leaves_stdin_to_the_prompt_and_the_plan() {
    let harness = Harness::instant().await;
    let text = format!("key_command = 'cat >/dev/null; echo {KEY}'\n");
    let write = |name: &str, text: &str| std::fs::write(harness.path(name), text).expect("there is room");
    write("prompt", "a lighthouse from stdin");
    write("plan", "{\"prompt\": \"a plan from stdin\", \"duration_seconds\": 0.5}");
    for (input, args) in [
        ("prompt", &["generate", "-", "--duration=0.5", "--no-wait"][..]),
        ("plan", &["batch", "run", "-", "--name", "b"]),
    ] {
        let mut command = configured(&harness, &text, args.iter().copied());
        command.env_remove("INFRAI_API_KEY");
        command.stdin(std::fs::File::open(harness.path(input)).expect("it was written"));
        let run = run(command);
        assert_eq!(run.code, Some(0), "{input}: {run:?}");
    }
    assert_eq!(harness.calls(Operation::Generate), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_the_command_leaves_behind_is_not_waited_for() {
    let harness = Harness::instant().await;
    let made = std::process::Command::new("mkfifo").arg(harness.path("fifo")).status();
    assert!(made.expect("it starts").success());
    // It has the pipe until somebody opens the other side.
    let print = format!("(read line <fifo) 2>/dev/null & echo {KEY}");
    let run = with_key_command(&harness, &print, &["list"]);
    std::fs::write(harness.path("fifo"), "done\n").expect("a process reads it");
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_never_shown() {
    let harness = Harness::instant().await;
    let print = format!("echo {KEY}");
    for args in [
        &["list", "-vv"][..],
        &["config", "show"],
        &["config", "show", "--json"],
        &["status", "vj_nowhere", "-vv"],
    ] {
        let run = with_key_command(&harness, &print, args);
        assert!(!run.text().contains(KEY) && !run.stderr.contains(KEY), "{run:?}");
    }
    let shown = with_key_command(&harness, "exit 1", &["config", "show"]);
    let line = shown.text().lines().find(|line| line.starts_with("api_key\t")).expect("the key is a setting");
    assert!(
        line.starts_with("api_key\t(not shown)\tkey_command (") && line.ends_with("config.toml:2)"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_key_is_traced_to_its_source() {
    let harness = Harness::instant().await;
    let rejected = with_key_command(&harness, "echo not-a-key", &["list"]);
    assert!(rejected.failed(4).contains("key_command ("), "{rejected:?}");
    let mut by_name = configured(&harness, "api_key_env = 'WORK_KEY'", ["list"]);
    by_name.env_remove("INFRAI_API_KEY").env("WORK_KEY", "not-a-key");
    let by_name = run(by_name);
    assert!(by_name.failed(4).contains("export WORK_KEY="), "{by_name:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_use_no_key_do_not_run_the_command() {
    let harness = Harness::instant().await;
    for args in [&["batch", "status"][..], &["config", "show"], &["schema"]] {
        let run = with_key_command(&harness, "touch ran; exit 1", args);
        assert_eq!(run.code, Some(0), "{args:?}: {run:?}");
    }
    assert!(harness.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_overrides_a_chosen_profile_is_reported() {
    let harness = Harness::instant().await;
    let text = "[profile.work]\nbase_url = 'https://work.invalid'\nkey_command = 'exit 1'\n";
    let run = run(configured(&harness, text, ["--profile=work", "list"]));
    assert_eq!(run.code, Some(0), "{run:?}");
    for what in
        ["INFRAI_API_KEY is set and overrides the API key", "INFRAI_BASE_URL is set and overrides base_url"]
    {
        assert!(run.stderr.contains(what), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_that_overrides_that_of_any_profile_is_reported() {
    let harness = Harness::instant().await;
    let note = "INFRAI_API_KEY is set and overrides the API key";
    let profile = "[profile.work]\nkey_command = 'exit 1'\n";
    let default = format!("default_profile = 'work'\n{profile}");
    let of_default = run(configured(&harness, &default, ["list"]));
    assert!(of_default.code == Some(0) && of_default.stderr.contains(note), "{of_default:?}");
    assert!(!of_default.stderr.contains("INFRAI_BASE_URL"), "{of_default:?}");
    let mut of_variable = configured(&harness, profile, ["list"]);
    of_variable.env("INFRAI_PROFILE", "work");
    assert!(run(of_variable).stderr.contains(note));
    for text in ["default_profile = 'work'\n[profile.work]\napi_key_env = 'INFRAI_API_KEY'\n", profile] {
        let without = run(configured(&harness, text, ["list"]));
        assert!(without.code == Some(0) && !without.stderr.contains(note), "{text}: {without:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_profiles_are_offered() {
    let harness = Harness::instant().await;
    let text = "[profile.work]\napi_key_env = 'A'\n[profile.home]\napi_key_env = 'B'\n";
    let mut command = configured(&harness, text, SMALL);
    command.env_remove("INFRAI_API_KEY");
    let run = run(command);
    let stderr = run.failed(4);
    assert!(stderr.contains("next       choose a profile: --profile home or work\n"), "{stderr}");
    assert_eq!(stderr.matches("set INFRAI_API_KEY").count(), 0, "{stderr}");
    assert!(stderr.contains("export INFRAI_API_KEY="), "{stderr}");
}
