//! Runs each line of the terminal session in the README, and compares the output.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use infrai_video_sandbox::{Clock, JobTimes, Sandbox};

use crate::common::{BINARY, Harness, KEY};

/// The README of the workspace, which is not part of a package.
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// The commands of the session with their output on both streams.
fn session() -> Vec<(String, Vec<String>)> {
    let readme = std::fs::read_to_string(README).unwrap();
    let (_, block) = readme.split_once("```console\n").expect("the README has a session");
    let (block, _) = block.split_once("\n```").expect("the session ends");
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push((command.to_owned(), Vec::new())),
            None => steps.last_mut().expect("a command comes first").1.push(line.to_owned()),
        }
    }
    steps
}

/// The lines with ids, numbers and times replaced. They are sorted, since the order of lines of a batch varies.
fn plain(lines: &[String], home: &str) -> Vec<String> {
    let word = |word: &str| {
        let core = word.trim_start_matches('(').trim_end_matches([',', ')', ';']);
        let rest = if word.ends_with(')') { ")" } else { "" };
        let is_hex = core.len() == 64 && core.chars().all(|c| c.is_ascii_hexdigit());
        let is_number = core.parse::<f64>().is_ok();
        let is_clock = core.len() == 5 && core.as_bytes()[2] == b':';
        let core = match core {
            core if core.starts_with("vj_") => "JOB",
            _ if is_hex => "SHA256",
            _ if is_clock => "TIME",
            _ if is_number => "N",
            core => core,
        };
        core.to_owned() + rest
    };
    let line = |line: &String| {
        let line = line.replace(home, "/home/me");
        line.split(char::is_whitespace).map(word).collect::<Vec<_>>().join(" ")
    };
    // A machine that is busy with other things waits for the first bytes for so long that the command says so.
    let is_slow = |line: &&String| line.starts_with("waiting    for the first bytes");
    let mut lines: Vec<String> = lines.iter().filter(|line| !is_slow(line)).map(line).collect();
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_in_the_readme_is_the_output_of_the_command() {
    // Queued long enough for the first command to poll that state.
    let times = JobTimes {
        queued: Duration::from_secs(90),
        running: Duration::from_secs(5),
        per_clip_second: Duration::ZERO,
    };
    let harness = Harness::with(Sandbox::builder().clock(Clock::scaled(60.0)).job_times(times)).await;
    let home = harness.directory.path().to_str().unwrap().to_owned();
    let path = format!("{}:/usr/bin:/bin", Path::new(BINARY).parent().unwrap().display());
    let steps = session();
    assert!(steps.len() >= 5, "{steps:?}");
    for (command, printed) in steps {
        let run = Command::new("/bin/bash")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .envs([("PATH", path.as_str()), ("INFRAI_API_KEY", KEY)])
            .env("INFRAI_BASE_URL", harness.sandbox.base_url())
            .env("INFRAI_STATE_DIR", harness.state.path())
            .current_dir(harness.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(run.stdout).unwrap();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(plain(&lines, &home), plain(&printed, &home), "{command}\n{text}");
    }
    assert_eq!(harness.sandbox.ledger().double_charges(), 0);
}
