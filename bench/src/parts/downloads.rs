//! A large clip onto the disk: the SDK, which verifies it, beside curl and wget, which do not.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use external_tools::programs::{self, require};

use crate::measure::fixed_server::{FixedServer, Programs, Responses, Samples};
use crate::measure::report::{median, most};
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, table};
use crate::parts::{Length, tell};

const MIB: u64 = 1024 * 1024;
const LEAST_RATE: f64 = 0.95;
const MOST_MEMORY_MIB: f64 = 40.0;

/// The programs that download, as shell commands: `$0` is the output path, `$1` the link, `$2` a copy of the clip.
const PEERS: [(&str, &str); 6] = [
    ("curl", r#"exec curl -sSf -o "$0" "$1""#),
    ("wget", r#"exec wget -q -O "$0" "$1""#),
    ("curl, sha256sum", r#"curl -sSf -o "$0" "$1" && sha256sum "$0""#),
    ("curl, sha256sum, sync", r#"curl -sSf -o "$0" "$1" && sha256sum "$0" && sync "$0""#),
    ("limit: dd with fsync", r#"exec dd if="$2" of="$0" bs=1M conv=fsync status=none"#),
    ("limit: dd", r#"exec dd if="$2" of="$0" bs=1M status=none"#),
];

/// One program's runs, in the table's units.
#[derive(Debug, Default)]
struct Runs {
    mib_a_second: Vec<f64>,
    cpu_s: Vec<f64>,
    peak_mib: Vec<f64>,
}

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "a large clip, beside curl and wget");
    require(&[programs::CURL, programs::TIME, programs::WGET])?;
    let programs = Programs::build(root)?;
    let samples = Samples::take(root)?;
    let mib = if length == Length::Full { 1024 } else { 128 };
    let responses = Responses { clip_bytes: mib * MIB, ..Responses::default() };
    let server = FixedServer::start(&programs.server, &samples, responses)?;
    // On the disk of the workspace: the system's temporary directory may be in memory.
    let place = root.join("target/bench");
    let place = fs::create_dir_all(&place).and_then(|()| tempfile::tempdir_in(&place));
    let place = place.context("there is no place for the clip")?;
    let course = Course { server: &server, place: place.path(), mib };
    let reference = course.reference()?;

    let rounds = if length == Length::Full { 3 } else { 2 };
    let mut ours = Runs::default();
    let mut theirs: [Runs; PEERS.len()] = std::array::from_fn(|_| Runs::default());
    for _ in 0..rounds {
        let mut command = timed(&programs.client);
        command.args(["download", server.base_url(), &samples.id]).arg(course.target());
        let text = course.run("ours", &mut command, &mut ours)?;
        server.expect_seen(2, "the SDK")?;
        let report: serde_json::Value = serde_json::from_str(&text)?;
        if report["result"]["sha256"] != reference.as_str() {
            anyhow::bail!("the SDK saved another clip: {report}");
        }
        for ((name, line), runs) in PEERS.iter().zip(&mut theirs) {
            let mut command = timed(Path::new("sh"));
            command.args(["-c", line]).arg(course.target()).arg(course.link()).arg(course.copy());
            course.run(name, &mut command, runs)?;
            server.expect_seen(usize::from(!name.starts_with("limit")), name)?;
        }
    }
    for (name, runs) in
        [("ours", &ours)].into_iter().chain(PEERS.map(|(name, _)| name).into_iter().zip(&theirs))
    {
        let rates: Vec<_> = runs.mib_a_second.iter().copied().map(figure).collect();
        tell(out, &format!("{name}: {} MiB/s", rates.join(" ")));
    }
    Ok(format!(
        "An MP4 of {mib} MiB from a server on the same machine to the disk, each program from start to exit; the median of\n\
         {rounds} rounds. The SDK computes the SHA-256, verifies the structure of the MP4, and returns after the file was synced.\n\
         curl and wget do none of the three; curl followed by `sha256sum` and `sync` does two. `dd` copies a file that is in\n\
         memory already. Processor time is that of the program alone, memory the maximum resident size.\n\n\
         The SDK fetches a block while it writes, hashes and syncs earlier ones, without copying them. This keeps both cores busy.\n\
         A third of the work is the hash, which curl does not compute, so on two cores curl is faster.\n\n{}",
        results(&ours, &theirs)
    ))
}

fn results(ours: &Runs, theirs: &[Runs; PEERS.len()]) -> String {
    let rate = |runs: &Runs| median(runs.mib_a_second.iter().copied());
    let peak = |runs: &Runs| most(runs.peak_mib.iter().copied());
    let row = |name: &str, runs: &Runs| {
        [
            name.to_owned(),
            figure(rate(runs)),
            figure(rate(ours) / rate(runs)),
            figure(median(runs.cpu_s.iter().copied())),
            figure(peak(runs)),
        ]
    };
    let mut rows = vec![row("ours", ours)];
    rows.extend(PEERS.iter().zip(theirs).map(|((name, _), runs)| row(name, runs)));
    let head = ["program", "MiB a second", "ours / it", "processor, s", "peak MiB"];
    let wanted = [
        Goal::more("MiB a second, to curl", rate(ours), rate(&theirs[0]), LEAST_RATE),
        Goal::at_most("peak MiB", peak(ours), MOST_MEMORY_MIB),
    ];
    format!("{}{}", table(head, &rows), goals(&wanted))
}

/// The clip and its output path.
#[derive(Debug)]
struct Course<'a> {
    server: &'a FixedServer,
    place: &'a Path,
    mib: u64,
}

impl Course<'_> {
    fn link(&self) -> String {
        format!("{}/clip.mp4", self.server.base_url())
    }

    fn target(&self) -> PathBuf {
        self.place.join("clip.mp4")
    }

    fn copy(&self) -> PathBuf {
        self.place.join("copy.mp4")
    }

    /// Downloads the copy and returns its SHA-256.
    fn reference(&self) -> anyhow::Result<String> {
        crate::measure::curl::save(&self.link(), &self.copy())?;
        self.server.expect_seen(1, "curl")?;
        let output = Command::new("sha256sum").arg(self.copy()).output();
        let output = output.context("sha256sum cannot be started")?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.split(' ').next().filter(|sum| sum.len() == 64).map(str::to_owned).context("sha256sum failed")
    }

    /// Runs a program, checks the file that it wrote and removes it. Returns the program's output.
    fn run(&self, name: &str, command: &mut Command, runs: &mut Runs) -> anyhow::Result<String> {
        let started = Instant::now();
        let output = command.stdin(Stdio::null()).output();
        let wall = started.elapsed().as_secs_f64();
        let output = output.context("time cannot be started (install Debian's time)")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let used = complaint.lines().last().and_then(used);
        let (Some([user, system, peak_kib]), true) = (used, output.status.success()) else {
            anyhow::bail!("{name} failed: {}", complaint.trim());
        };
        let saved = fs::metadata(self.target()).map(|saved| saved.len());
        if !matches!(saved, Ok(length) if length == self.mib * MIB) {
            anyhow::bail!("{name} saved another length: {saved:?}");
        }
        fs::remove_file(self.target())?;
        runs.mib_a_second.push(self.mib as f64 / wall);
        runs.cpu_s.push(user + system);
        runs.peak_mib.push(peak_kib / 1024.0);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn timed(program: &Path) -> Command {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%U %S %M"]).arg(program);
    command
}

/// User seconds, system seconds, and the peak of resident memory in KiB.
fn used(line: &str) -> Option<[f64; 3]> {
    let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    figures.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_says_is_read() {
        assert_eq!(used("0.10 1.20 3456"), Some([0.1, 1.2, 3456.0]));
        assert_eq!(used("curl: (7) Failed to connect"), None);
    }

    #[test]
    fn a_slower_or_larger_program_misses_its_goal() {
        let runs =
            |rate: f64, peak: f64| Runs { mib_a_second: vec![rate], cpu_s: vec![1.0], peak_mib: vec![peak] };
        let theirs = std::array::from_fn(|_| runs(100.0, 10.0));
        assert_eq!(results(&runs(96.0, 39.0), &theirs).matches("| yes |").count(), 2);
        assert_eq!(results(&runs(94.0, 41.0), &theirs).matches("| **no** |").count(), 2);
    }
}
