//! The start of the command: time and memory, beside others that people start as often.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::measure::build::{executables, named};
use crate::measure::curl::{KEY, call, generate};
use crate::measure::hyperfine::{Runs, Times, times};
use crate::measure::sandbox;
use crate::page::table::{figure, table};
use crate::parts::{Length, tell};

/// Commands that people start as often.
const PEERS: [&str; 2] = ["gh", "git"];

/// The number of stored jobs.
const JOBS: usize = 100;

/// A program that does nothing.
const LIMIT: &str = "true";

/// A line of the table.
struct Timed {
    shown: String,
    times: Times,
    peak_kib: u64,
}

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "the command, beside gh and git");
    let ours = binary(root)?;
    let mut start = Vec::new();
    let mut timed = |shown: String, program: &Path, arguments: &[&str], environment: &[(&str, &str)]| {
        let timed = time(shown, program, arguments, environment, length)?;
        tell(out, &format!("{}: {:?}, {} KiB", timed.shown, timed.times, timed.peak_kib));
        anyhow::Ok(timed)
    };
    for asked in ["--version", "--help"] {
        let mut group = vec![timed(format!("infrai-video {asked}"), &ours, &[asked], &[])?];
        for peer in PEERS {
            group.push(timed(format!("{peer} {asked}"), Path::new(peer), &[asked], &[])?);
        }
        start.push(group);
    }
    let limit = timed(format!("limit: {LIMIT}"), Path::new(LIMIT), &[], &[])?;
    let sandbox = sandbox::start(root, &["--balance", "1000000", "--clock", "manual"])?;
    let base = sandbox.base_url();
    generate(base, JOBS)?;
    let page = call(&format!("{base}/v1/video/list?limit=1"), None)?;
    let id = page["items"][0]["job_id"].as_str().context("the sandbox lists no job")?;
    let reach = [("INFRAI_BASE_URL", base), ("INFRAI_API_KEY", KEY), ("INFRAI_CONFIG", "none")];
    let asked = [
        ("status ID", &["status", id][..], format!("{base}/v1/video/status/{id}")),
        ("list", &["list"], format!("{base}/v1/video/list")),
    ];
    let mut asking = Vec::new();
    for (shown, arguments, url) in asked {
        let curl = ["--silent", "--fail", "--output", "/dev/null", "--oauth2-bearer", KEY, &url];
        asking.push(vec![
            timed(format!("infrai-video {shown}"), &ours, arguments, &reach)?,
            timed(format!("curl, for {shown}"), Path::new("curl"), &curl, &[])?,
        ]);
    }
    let versions: Vec<String> = PEERS.iter().filter_map(|peer| version(peer)).collect();
    Ok(format!(
        "From start to exit, with warm caches, without a shell, timed by hyperfine; memory is the maximum resident size. Built with\n\
         `--release`; the peers are {}.\n\
         The limit is `{LIMIT}`, which does nothing; it is compared with the first row. There are no goals.\n\n\
         ### Its start\n\n{}### Asking a sandbox\n\n\
         A sandbox in another process with {JOBS} jobs, compared with curl, which sends the same request and discards the response. There are no goals.\n\n{}",
        versions.join(" and "),
        lines(&start, &limit),
        lines(&asking, &limit)
    ))
}

/// Groups of programs with the same task, ours first, and the limit for all.
fn lines(groups: &[Vec<Timed>], limit: &Timed) -> String {
    let row = |timed: &Timed, ratio: String| {
        [
            timed.shown.clone(),
            figure(timed.times.median * 1000.0),
            ratio,
            figure(timed.times.least * 1000.0),
            figure(timed.peak_kib as f64 * 1.024 / 1000.0),
        ]
    };
    let mut rows = Vec::new();
    for group in groups {
        let ours = group.first().map_or(f64::NAN, |ours| ours.times.median);
        rows.extend(group.iter().map(|timed| row(timed, figure(ours / timed.times.median))));
    }
    let first = groups.first().and_then(|group| group.first()).map_or(f64::NAN, |ours| ours.times.median);
    rows.push(row(limit, figure(first / limit.times.median)));
    table(["command", "median ms", "ours / it", "least ms", "peak MB"], &rows)
}

/// The command as its users build it.
fn binary(root: &Path) -> anyhow::Result<PathBuf> {
    named(&executables(root, root, "-p infrai-video-cli")?, "infrai-video")
}

fn time(
    shown: String,
    program: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
    length: Length,
) -> anyhow::Result<Timed> {
    let runs = Runs { warm_up: 10, measured: if length == Length::Full { 300 } else { 30 } };
    let times = times(program, arguments, environment, runs)?;
    let mut peak_kib = 0;
    for _ in 0..length.repeats() {
        peak_kib = peak_kib.max(memory(program, arguments, environment)?);
    }
    Ok(Timed { shown, times, peak_kib })
}

/// The peak of resident memory in KiB.
fn memory(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<u64> {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M"])
        .arg(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .output()
        .context("time cannot be started (install Debian's time)")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().and_then(|line| line.trim().parse().ok());
    last.with_context(|| format!("time did not say how much memory {} took: {text}", program.display()))
}

/// The first line of a program's version.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_compared_with_those_who_were_asked_for_the_same() {
        let timed = |shown: &str, median: f64| Timed {
            shown: shown.to_owned(),
            times: Times { median, least: median },
            peak_kib: 1000,
        };
        let groups = [vec![timed("a", 0.002), timed("b", 0.004)], vec![timed("c", 0.006), timed("d", 0.003)]];
        let shown = lines(&groups, &timed("limit", 0.001));
        let ratios: Vec<&str> = shown.lines().skip(2).filter_map(|line| line.split(" | ").nth(2)).collect();
        assert_eq!(ratios, ["1.00", "0.50", "1.00", "2.00", "2.00"]);
    }
}
