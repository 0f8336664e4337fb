//! The memory of a plan for each of its lines: at most what was agreed in `tests/counts.toml` of the workspace.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use infrai_video_sandbox::Sandbox;

/// The numbers of lines of two plans, whose difference does not contain what the command takes without a plan. The output of
/// either is larger than a pipe.
const FEW: usize = 5000;
const MANY: usize = 15_000;

/// The peak of resident memory in bytes, read once the command prints the first line. By then it has parsed and checked the plan,
/// and recorded it if it is no dry run.
fn peak(sandbox: &Sandbox, lines: usize, arguments: &[&str]) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let line = |number| {
        format!("{{\"prompt\": \"a lighthouse in a storm, take {number}\", \"duration_seconds\": 0.5}}\n")
    };
    fs::write(directory.path().join("plan.jsonl"), (0..lines).map(line).collect::<String>()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_infrai-video"))
        .args(["batch", "run", "plan.jsonl"])
        .args(arguments)
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .env("INFRAI_API_KEY", "ifr_pk_proj_4f9d2c")
        .env("INFRAI_BASE_URL", sandbox.base_url())
        .env("INFRAI_STATE_DIR", directory.path().join("state"))
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    rows.next().unwrap().unwrap();
    // The rest fills the pipe, so that the command cannot exit before it is read.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert_eq!(rows.count() + 1, lines);
    assert!(child.wait().unwrap().success());
    kib * 1024.0
}

/// Fails if a line takes more than was agreed.
#[track_caller]
fn assert_agreed(name: &str, counted: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/counts.toml");
    let counts: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let agreed = counts["batches"][name].as_float().unwrap();
    assert!(
        counted <= agreed,
        "{name}: {counted:.0}, {agreed:.0} were agreed; correct the cause, or raise the number in tests/counts.toml and say why"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_plan_takes_no_more_memory_than_agreed() {
    let sandbox = Sandbox::builder().instant_jobs().start().await.unwrap();
    for (name, arguments) in [
        ("bytes of memory of a line of a dry run", &["--dry-run"][..]),
        ("bytes of memory of a line of a run", &["--max-jobs", "1"]),
    ] {
        let [small, large] = [FEW, MANY].map(|lines| peak(&sandbox, lines, arguments));
        let line = (large - small) / (MANY - FEW) as f64;
        assert_agreed(name, line);
    }
}
