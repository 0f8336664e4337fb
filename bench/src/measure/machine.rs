//! The machine of the measurements.

use std::fs;
use std::process::Command;

/// The machine and the compiler, in a sentence.
pub(crate) fn describe() -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|total| total.split(' ').next()?.parse::<u64>().ok())
        .map_or_else(String::new, |kib| format!(", {} GiB of memory", kib.div_ceil(1024 * 1024)));
    let rust = first_line("rustc", "--version").unwrap_or_else(|| "an unknown rustc".to_owned());
    let node =
        first_line("node", "--version").map_or_else(String::new, |version| format!(", Node.js {version}"));
    format!(
        "Measured on {}, {cores} cores{memory}, {}, {rust}{node}.\n\n",
        processor.trim(),
        std::env::consts::OS
    )
}

/// The first value with this name in a file of `name: value` lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}
