//! Every example of the help is run, by a shell, as somebody would who copies it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use infrai_video_sandbox::Sandbox;

use crate::common::{BINARY, Bench, KEY};

/// The id that stands in the examples.
const ID: &str = "vj_01kaq3v8zn5w4x7r2m9t6h0c1d";

/// The plan that stands in the examples.
const PLAN: &str = "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}";

/// The same plan as CSV.
const TABLE: &str = "prompt,duration_seconds\na city,0.5\n";

/// The examples of a command, with lines that go on put together.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let whole = help.replace("\\\n", "");
    // An example is set in by two columns, below a line that ends with a colon.
    let (_, below) = whole.split_once(":\n").unwrap_or_default();
    let lines = below.lines().map_while(|line| line.strip_prefix("  "));
    // Behind the name of a shell stands what is typed there; notes about it have no command.
    lines.filter_map(in_bash).map(str::to_owned).collect()
}

/// What of a line can be typed into bash. PowerShell has words of its own.
fn in_bash(line: &str) -> Option<&str> {
    let (first, rest) = line.split_once(' ')?;
    match first {
        "bash" | "zsh" | "fish" => Some(rest.trim_start()),
        "PowerShell" | "" => None,
        _ => Some(line),
    }
}

/// Runs one by a shell.
fn run(bench: &Bench, example: &str) -> Output {
    let directory = Path::new(BINARY).parent().expect("it lies somewhere").to_str().expect("it is text");
    Command::new("/bin/bash")
        .args(["-euo", "pipefail", "-c", example])
        .env_clear()
        .env("PATH", format!("{directory}:/usr/local/bin:/usr/bin:/bin"))
        .env("HOME", bench.directory.path())
        .env("INFRAI_API_KEY", KEY)
        .env("INFRAI_BASE_URL", bench.sandbox.base_url())
        .env("INFRAI_STATE_DIR", bench.state.path())
        .current_dir(bench.directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell")
}

/// A bench as the examples take for granted: a prompt in a file, places to write to, and a finished job. Answers its id too.
async fn ready() -> (Bench, String) {
    let bench = Bench::with(Sandbox::builder().instant_jobs()).await;
    std::fs::write(bench.path("prompt.txt"), "a lighthouse in a storm").expect("there is room");
    std::fs::write(bench.path("clips.jsonl"), PLAN).expect("there is room");
    std::fs::write(bench.path("clips.csv"), TABLE).expect("there is room");
    let places = [".zfunc", ".local/share/bash-completion/completions", ".config/fish/completions"];
    for directory in ["clips"].into_iter().chain(places) {
        std::fs::create_dir_all(bench.path(directory)).expect("there is room");
    }
    let id = bench.job();
    (bench, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_help_does_what_it_says() {
    let mut count = 0;
    let command = infrai_video_cli::command();
    let parts = command.find_subcommand("batch").expect("it is a command").get_subcommands();
    for command in std::iter::once(&command).chain(command.get_subcommands()).chain(parts) {
        // A sandbox of one's own runs until it is stopped, and has a test of its own.
        if ["sandbox", "help"].contains(&command.get_name()) {
            continue;
        }
        let examples = examples(command);
        assert!(!examples.is_empty(), "{} has no example", command.get_name());
        for example in examples {
            count += 1;
            let (bench, id) = ready().await;
            // A job that is over cannot be cancelled.
            let waits = command.get_name() == "cancel";
            let bench = if waits { Bench::still().await } else { bench };
            let id = if waits { bench.job() } else { id };
            if example.contains("batch status") || example.contains("batch retry") {
                assert_eq!(bench.run(["batch", "run", "clips.jsonl", "-q"]).code, Some(0));
            }
            let run = run(&bench, &example.replace(ID, &id));
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{example}: {said}");
            assert!(!said.contains("error"), "{example}: {said}");
        }
    }
    assert!(count >= 24, "only {count} examples were found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_sandbox_can_be_typed() {
    let command = infrai_video_cli::command();
    let sandbox = command.find_subcommand("sandbox").expect("it is a command");
    let examples = examples(sandbox);
    let starts: Vec<_> = examples.iter().filter(|line| line.starts_with("infrai-video sandbox ")).collect();
    assert!(starts.len() >= 2, "{examples:?}");
    let bench = Bench::instant().await;
    for start in starts {
        // On a port of its own, and stopped once it listens.
        let run = run(
            &bench,
            &format!(
                "exec 3< <({start} --port 0 -q & echo $!; wait || true); read pid <&3; read url <&3; kill $pid; echo $url"
            ),
        );
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.starts_with("http://127.0.0.1:"), "{start}: {run:?}");
    }
    // The rest is what somebody types into another terminal.
    assert_eq!(
        examples.last().map(String::as_str),
        Some("infrai-video generate \"a lighthouse in a storm\"")
    );
}
