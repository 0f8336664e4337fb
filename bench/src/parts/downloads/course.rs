//! Runs programs that save clips, in turns, and measures them from start to exit.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::measure::fixed_server::{FixedServer, Programs, Responses, Samples};
use crate::measure::report::{median, most};
use crate::page::table::figure;
use crate::parts::tell;

const MIB: u64 = 1024 * 1024;

/// A program as a line of the shell. Its variables: `TARGET`, the path of the clip, or with `-1`, `-2` ... behind it for each of
/// several; `COUNT`, their number; `LINK` to the clip; `COPY`, a copy of it in memory; `CLIENT`, the program with the SDK; `API` and
/// `ID`, its server and job; `MIB`, the size of all clips.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The number of requests for each clip.
    requests: u64,
    line: &'static str,
}

impl Program {
    pub(super) const fn new(name: &'static str, requests: u64, line: &'static str) -> Self {
        Self { name, requests, line }
    }

    /// Whether it saves the clips.
    pub(super) fn saves(&self) -> bool {
        self.line.contains("$TARGET")
    }

    /// Whether it prints the SHA-256 of each clip.
    fn verifies(&self) -> bool {
        self.line.contains("sha256sum") || self.line.contains("$API")
    }
}

/// One program's runs, in the table's units.
#[derive(Debug, Default)]
pub(super) struct Runs {
    mib_a_second: Vec<f64>,
    processor_s: Vec<f64>,
    machine_s: Vec<f64>,
    if_busy: Vec<f64>,
    peak_mib: Vec<f64>,
}

impl Runs {
    pub(super) fn rate(&self) -> f64 {
        median(self.mib_a_second.iter().copied())
    }

    /// Seconds of processor of the program.
    pub(super) fn processor(&self) -> f64 {
        median(self.processor_s.iter().copied())
    }

    /// Seconds of processor of the whole machine.
    pub(super) fn machine(&self) -> f64 {
        median(self.machine_s.iter().copied())
    }

    /// MiB a second if no processor had been idle.
    pub(super) fn rate_if_busy(&self) -> f64 {
        median(self.if_busy.iter().copied())
    }

    pub(super) fn peak(&self) -> f64 {
        most(self.peak_mib.iter().copied())
    }

    #[cfg(test)]
    pub(super) fn of(rate: f64, processor: f64, peak: f64) -> Self {
        let one = |value| vec![value];
        Self {
            mib_a_second: one(rate),
            processor_s: one(processor),
            machine_s: one(processor),
            if_busy: one(rate),
            peak_mib: one(peak),
        }
    }
}

/// Clips on a server, and the directory into which they are saved.
#[derive(Debug)]
pub(super) struct Course<'a> {
    server: FixedServer,
    client: &'a Path,
    id: &'a str,
    place: TempDir,
    mib: u64,
    count: u64,
}

impl<'a> Course<'a> {
    /// `count` clips of `mib` MiB.
    pub(super) fn new(
        root: &Path,
        programs: &'a Programs,
        samples: &'a Samples,
        mib: u64,
        count: u64,
    ) -> anyhow::Result<Self> {
        let responses = Responses { clip_bytes: mib * MIB, ..Responses::default() };
        let server = FixedServer::start(&programs.server, samples, responses)?;
        // On the disk of the workspace: the system's temporary directory may be in memory.
        let place = root.join("target/bench");
        let place = fs::create_dir_all(&place).and_then(|()| tempfile::tempdir_in(&place));
        let place = place.context("there is no place for the clip")?;
        Ok(Self { server, client: &programs.client, id: &samples.id, place, mib, count })
    }

    /// Runs every program in every round, each round beginning with another one.
    pub(super) fn rounds(
        &self,
        rounds: usize,
        programs: &[Program],
        out: &mut dyn Write,
    ) -> anyhow::Result<Vec<Runs>> {
        let sha256 = self.reference()?;
        let mut measured: Vec<_> = programs.iter().map(|_| Runs::default()).collect();
        // The first use of the machine's memory is slower.
        self.run(&programs[0], &sha256, &mut Runs::default())?;
        for round in 0..rounds {
            for at in 0..programs.len() {
                let at = (round + at) % programs.len();
                self.run(&programs[at], &sha256, &mut measured[at])?;
            }
        }
        for (program, runs) in programs.iter().zip(&measured) {
            let rates: Vec<_> = runs.mib_a_second.iter().copied().map(figure).collect();
            tell(out, &format!("{}: {} MiB/s", program.name, rates.join(" ")));
        }
        Ok(measured)
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

    /// Runs a program, checks what it wrote and printed, and removes its files.
    fn run(&self, program: &Program, sha256: &str, runs: &mut Runs) -> anyhow::Result<()> {
        let name = program.name;
        if program.line.contains("$COPY") {
            // Into memory, if the kernel has dropped it meanwhile.
            io::copy(&mut File::open(self.copy())?, &mut io::sink())?;
        }
        let (busy, started) = (busy_s()?, Instant::now());
        let output = self.command(program).output();
        let (wall, busy) = (started.elapsed().as_secs_f64(), busy_s()? - busy);
        let output = output.context("time cannot be started (install Debian's time)")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let used = complaint.lines().last().and_then(used);
        let (Some([user, system, peak_kib]), true) = (used, output.status.success()) else {
            anyhow::bail!("{name} failed: {}", complaint.trim());
        };
        self.server.expect_seen((program.requests * self.count) as usize, name)?;
        let printed = String::from_utf8_lossy(&output.stdout).matches(sha256).count() as u64;
        if program.verifies() && printed != self.count {
            anyhow::bail!("{name} did not print the SHA-256 {sha256} for each clip");
        }
        if program.saves() {
            self.remove_saved().with_context(|| format!("{name} did not save the clips"))?;
        }
        let mib = (self.mib * self.count) as f64;
        runs.mib_a_second.push(mib / wall);
        runs.processor_s.push(user + system);
        runs.machine_s.push(busy);
        runs.if_busy.push(mib * processors() as f64 / busy);
        runs.peak_mib.push(peak_kib / 1024.0);
        Ok(())
    }

    fn command(&self, program: &Program) -> Command {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%U %S %M", "sh", "-c", program.line]).stdin(Stdio::null());
        command.env("TARGET", self.target()).env("LINK", self.link()).env("COPY", self.copy());
        command.env("CLIENT", self.client).env("API", self.server.base_url()).env("ID", self.id);
        command.env("COUNT", self.count.to_string()).env("MIB", (self.mib * self.count).to_string());
        command
    }

    /// Removes the saved clips. Fails if one is missing or has another length.
    fn remove_saved(&self) -> anyhow::Result<()> {
        let target = self.target();
        let numbered = |number| PathBuf::from(format!("{}-{number}", target.display()));
        let paths = if self.count == 1 { vec![target] } else { (1..=self.count).map(numbered).collect() };
        for path in paths {
            let bytes = fs::metadata(&path)?.len();
            if bytes != self.mib * MIB {
                anyhow::bail!("{} has {bytes} bytes", path.display());
            }
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    fn link(&self) -> String {
        format!("{}/clip.mp4", self.server.base_url())
    }

    fn target(&self) -> PathBuf {
        self.place.path().join("clip.mp4")
    }

    fn copy(&self) -> PathBuf {
        self.place.path().join("copy.mp4")
    }
}

/// The number of processors.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The seconds that all processors together were busy since the machine started.
fn busy_s() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/stat").context("/proc/stat cannot be read")?;
    stat.lines().next().and_then(busy).context("/proc/stat does not start with the processors")
}

/// The first line of `/proc/stat`, in hundredths of a second: user, nice, system, idle, waiting, interrupts, soft interrupts.
fn busy(line: &str) -> Option<f64> {
    let ticks: Vec<f64> =
        line.strip_prefix("cpu ")?.split_whitespace().map_while(|ticks| ticks.parse().ok()).collect();
    let [user, nice, system, _, _, interrupts, soft, ..] = ticks[..] else { return None };
    Some((user + nice + system + interrupts + soft) / 100.0)
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
    fn idle_and_waiting_processors_are_not_busy() {
        assert_eq!(busy("cpu  100 20 300 4000 5000 10 70 8 0 0"), Some(5.0));
        assert_eq!(busy("cpu0 100 20 300 4000 5000 10 70 8 0 0"), None);
    }
}
