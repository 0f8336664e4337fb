//! What processes take, read from `/proc` while they run: time, memory, and bytes that are written.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How often running processes are looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// The ticks of a second in `/proc`, on Linux.
const TICKS: f64 = 100.0;

/// What some processes took together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Taken {
    /// From the start of the first to the exit of the last.
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    /// The peak of the largest.
    pub(crate) peak_kib: f64,
    /// Bytes that were caused to be written to a disk.
    pub(crate) written: f64,
    /// The share of all processors of the machine that were busy, with whatever.
    pub(crate) busy: f64,
}

/// Runs processes at the same time until all have exited. All must succeed. `look` is called in between.
pub(crate) fn run(commands: &mut [Command], mut look: impl FnMut()) -> anyhow::Result<Taken> {
    let (started, before) = (Instant::now(), processors()?);
    let spawned = commands.iter_mut().map(|command| {
        let program = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Running::new).with_context(|| format!("{program} cannot be started"))
    });
    let mut running: Vec<Running> = spawned.collect::<anyhow::Result<_>>()?;
    while running.iter().any(|one| !one.has_exited) {
        sleep(INTERVAL);
        look();
        running.iter_mut().for_each(Running::look);
    }
    let wall_s = started.elapsed().as_secs_f64();
    let after = processors()?;
    let mut taken = Taken { wall_s, busy: busy(before, after), ..Taken::default() };
    for mut one in running {
        let status = one.child.wait()?;
        if !status.success() {
            bail!("a command failed ({status})");
        }
        taken.cpu_s += one.cpu_s;
        taken.written += one.written;
        taken.peak_kib = taken.peak_kib.max(one.peak_kib);
    }
    Ok(taken)
}

/// A process. It is killed on drop, if it still runs.
struct Running {
    child: Child,
    has_exited: bool,
    cpu_s: f64,
    peak_kib: f64,
    written: f64,
}

impl Running {
    fn new(child: Child) -> Self {
        Self { child, has_exited: false, cpu_s: 0.0, peak_kib: 0.0, written: 0.0 }
    }

    /// An exited process that nobody has waited for still has its times and bytes, but no memory.
    fn look(&mut self) {
        let place = format!("/proc/{}", self.child.id());
        let read = |file: &str| fs::read_to_string(Path::new(&place).join(file)).unwrap_or_default();
        if let Some((has_exited, cpu_s)) = times(&read("stat")) {
            (self.has_exited, self.cpu_s) = (has_exited, cpu_s);
        }
        self.peak_kib = number(&read("status"), "VmHWM:").unwrap_or(self.peak_kib);
        self.written = number(&read("io"), "write_bytes:").unwrap_or(self.written);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has exited, unless the measurement failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process has exited, and its seconds of processor, from its `stat`.
fn times(stat: &str) -> Option<(bool, f64)> {
    // The name of the program may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((*fields.first()? == "Z", (ticks(11)? + ticks(12)?) / TICKS))
}

/// The number after a name.
fn number(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The idle ticks of all processors, and all ticks.
fn processors() -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat cannot be read")?;
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = first.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // The fourth is idle time, the fifth waits for a disk; guests are counted in the first two.
    Ok((ticks.iter().skip(3).take(2).sum(), ticks.iter().take(8).sum()))
}

fn busy(before: (f64, f64), after: (f64, f64)) -> f64 {
    1.0 - (after.0 - before.0) / (after.1 - before.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_process_are_read() {
        let stat = "7 (a) b) Z 1 7 7 0 -1 4 1 0 0 0 150 50 0 0 20 0 1 0 1 0 0";
        assert_eq!(times(stat), Some((true, 2.0)));
        assert_eq!(times(""), None);
        assert_eq!(number("Name:\ta\nVmHWM:\t  12 kB\n", "VmHWM:"), Some(12.0));
        assert_eq!(busy((10.0, 100.0), (20.0, 120.0)), 0.5);
    }

    #[test]
    fn processes_are_measured_until_their_exit() {
        let shell = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            shell
        };
        let taken = run(&mut [shell("sleep 0.1"), shell("exit 0")], || ()).unwrap();
        assert!(taken.wall_s >= 0.1 && taken.peak_kib > 0.0, "{taken:?}");
        assert!(run(&mut [shell("exit 3")], || ()).unwrap_err().to_string().contains("exit status: 3"));
    }
}
