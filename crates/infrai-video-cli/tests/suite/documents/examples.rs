//! Runs every example of the help in a shell.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use infrai_video_sandbox::Sandbox;

use crate::common::{BINARY, Harness, KEY};

/// The job id in the examples.
const ID: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// The plan in the examples.
const PLAN: &str = "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}";

/// The same plan as CSV.
const TABLE: &str = "prompt,duration_seconds\na city,0.5\n";

/// The examples of a command, with continued lines joined.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let whole = help.replace("\\\n", "");
    // An example is indented by two columns below a line that ends with a colon.
    let (_, below) = whole.split_once(":\n").unwrap_or_default();
    let lines = below.lines().map_while(|line| line.strip_prefix("  "));
    // The name of a shell precedes the command for it; notes have no command.
    lines.filter_map(in_bash).map(str::to_owned).collect()
}

/// The part of a line that bash can run.
fn in_bash(line: &str) -> Option<&str> {
    let (first, rest) = line.split_once(' ')?;
    match first {
        "bash" | "zsh" | "fish" => None,
        "" => rest
            .trim_start()
            .starts_with("source <(infrai-video completions bash")
            .then_some(rest.trim_start()),
        "PowerShell" => None,
        _ => Some(line),
    }
}

/// Runs an example in a shell.
fn run(harness: &Harness, example: &str) -> Output {
    std::fs::write(harness.path("config.toml"), "[profile.work]\n").expect("there is room");
    let directory = Path::new(BINARY).parent().expect("it lies somewhere").to_str().expect("it is text");
    Command::new("/bin/bash")
        .args(["-euo", "pipefail", "-c", example])
        .env_clear()
        .env("INFRAI_CONFIG", harness.path("config.toml"))
        .env("EDITOR", "true")
        .env("PATH", format!("{directory}:/usr/local/bin:/usr/bin:/bin"))
        .env("HOME", harness.directory.path())
        .env("INFRAI_API_KEY", KEY)
        .env("INFRAI_BASE_URL", harness.sandbox.base_url())
        .env("INFRAI_STATE_DIR", harness.state.path())
        .current_dir(harness.directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell")
}

/// A harness with what the examples need: a prompt in a file, directories, and a finished job. Returns the id of the job too.
async fn ready() -> (Harness, String) {
    let harness = Harness::with(Sandbox::builder().instant_jobs()).await;
    std::fs::write(harness.path("prompt.txt"), "a lighthouse in a storm").expect("there is room");
    std::fs::write(harness.path("clips.jsonl"), PLAN).expect("there is room");
    std::fs::write(harness.path("clips.csv"), TABLE).expect("there is room");
    let places = [".zfunc", ".local/share/bash-completion/completions", ".config/fish/completions"];
    for directory in ["clips"].into_iter().chain(places) {
        std::fs::create_dir_all(harness.path(directory)).expect("there is room");
    }
    let id = harness.job();
    (harness, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_help_succeeds() {
    let mut count = 0;
    let command = infrai_video_cli::command();
    let parts = command.find_subcommand("batch").expect("it is a command").get_subcommands();
    for command in std::iter::once(&command).chain(command.get_subcommands()).chain(parts) {
        // A sandbox runs until it is stopped, and has a separate test.
        if ["sandbox", "help"].contains(&command.get_name()) {
            continue;
        }
        let examples = examples(command);
        assert!(!examples.is_empty(), "{} has no example", command.get_name());
        // A watch runs until it is interrupted, and has separate tests.
        for example in examples.into_iter().filter(|example| !example.contains("--watch")) {
            count += 1;
            let (harness, id) = ready().await;
            // A finished job cannot be cancelled.
            let waits = command.get_name() == "cancel";
            let harness = if waits { Harness::still().await } else { harness };
            let id = if waits { harness.job() } else { id };
            if example.contains("batch status") || example.contains("batch retry") {
                assert_eq!(harness.run(["batch", "run", "clips.jsonl", "-q"]).code, Some(0));
            }
            let run = run(&harness, &example.replace(ID, &id));
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{example}: {said}");
            assert!(!said.contains("error"), "{example}: {said}");
        }
    }
    assert!(count >= 24, "only {count} examples were found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_sandbox_succeed() {
    let command = infrai_video_cli::command();
    let sandbox = command.find_subcommand("sandbox").expect("it is a command");
    let examples = examples(sandbox);
    let starts: Vec<_> = examples.iter().filter(|line| line.starts_with("infrai-video sandbox ")).collect();
    assert!(starts.len() >= 2, "{examples:?}");
    let harness = Harness::instant().await;
    for start in starts {
        // On a free port, and stopped once it listens.
        let run = run(
            &harness,
            &format!(
                "exec 3< <({start} --port 0 -q & echo $!; wait || true); read pid <&3; read url <&3; kill $pid; echo $url"
            ),
        );
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.starts_with("http://127.0.0.1:"), "{start}: {run:?}");
    }
    // The other examples are for another terminal.
    assert_eq!(
        examples.last().map(String::as_str),
        Some("infrai-video generate \"a lighthouse in a storm\"")
    );
}
