//! The command: how long it takes to start, and how much memory, beside others that people start as often.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::call::{KEY, call, generate};
use super::hyperfine::{Runs, times};
use super::table::{figure, table};
use super::{Length, tell};
use crate::live::{Build, LiveSandbox};

/// Commands that people start as often.
const PEERS: [&str; 2] = ["gh", "git"];

/// How many jobs are stored while the command asks for them.
const JOBS: usize = 100;

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "the command, beside gh and git");
    let ours = binary(root)?;
    let mut rows = Vec::new();
    for asked in ["--version", "--help"] {
        rows.push(row("infrai-video", &ours, &[asked], &[], length, out)?);
        for peer in PEERS {
            rows.push(row(peer, Path::new(peer), &[asked], &[], length, out)?);
        }
    }
    let sandbox = LiveSandbox::start(root, Build::Release, &["--balance", "1000000", "--clock", "manual"])
        .map_err(|error| error.to_string())?;
    generate(sandbox.base_url(), JOBS)?;
    let page = call(&format!("{}/v1/video/list?limit=1", sandbox.base_url()), None)?;
    let id = page["items"][0]["job_id"].as_str().ok_or("the sandbox lists no job")?;
    let reach = [("INFRAI_BASE_URL", sandbox.base_url()), ("INFRAI_API_KEY", KEY)];
    for (shown, arguments) in [("status ID", &["status", id][..]), ("list", &["list"])] {
        let mut cells = row("infrai-video", &ours, arguments, &reach, length, out)?;
        cells[0] = format!("infrai-video {shown}");
        rows.push(cells);
    }
    let versions: Vec<String> = PEERS.iter().filter_map(|peer| version(peer)).collect();
    Ok(format!(
        "## The command\n\nFrom its start to its end, warm, without a shell, timed by hyperfine; the memory is the most that was resident. Built with\n\
         `--release`; the peers are {}. `status` and `list` ask a sandbox in another process.\n\n{}",
        versions.join(" and "),
        table(["command", "median ms", "least ms", "peak MB"], &rows)
    ))
}

/// The command as its users build it.
fn binary(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--release", "-p", "infrai-video-cli", "--message-format", "json"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let path = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    path.filter(|_| output.status.success()).ok_or_else(|| "the command cannot be built".to_owned())
}

fn row(
    name: &str,
    program: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
    length: Length,
    out: &mut dyn Write,
) -> Result<[String; 4], String> {
    let runs = Runs { warm_up: 10, measured: if length == Length::Full { 300 } else { 30 } };
    let times = times(program, arguments, environment, runs)?;
    let mut peak = 0;
    for _ in 0..length.repeats() {
        peak = peak.max(memory(program, arguments, environment)?);
    }
    tell(out, &format!("{name} {}: {times:?}, {peak} KiB", arguments[0]));
    Ok([
        format!("{name} {}", arguments[0]),
        figure(times.median * 1000.0),
        figure(times.least * 1000.0),
        figure(peak as f64 * 1.024 / 1000.0),
    ])
}

/// The most memory that was resident, in KiB.
fn memory(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<u64, String> {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M"])
        .arg(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("time cannot be started: {error}; install Debian's time"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().last().and_then(|line| line.trim().parse().ok());
    last.ok_or_else(|| format!("time did not say how much memory {} took: {told}", program.display()))
}

/// The first line of a program's version.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}
