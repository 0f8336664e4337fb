//! Times of programs, by hyperfine.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

/// Seconds from the start of a program to its exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) least: f64,
}

/// The number of runs of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    pub(crate) warm_up: u32,
    pub(crate) measured: u32,
}

/// Times a program without a shell. It must succeed each time.
pub(crate) fn times(
    program: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
    runs: Runs,
) -> anyhow::Result<Times> {
    let report = tempfile::NamedTempFile::new()?;
    let line = format!("{} {}", program.display(), arguments.join(" "));
    let status = Command::new("hyperfine")
        .args(["-N", "--style", "none", "--warmup", &runs.warm_up.to_string()])
        .args(["--runs", &runs.measured.to_string(), "--export-json"])
        .arg(report.path())
        .arg(&line)
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        // Advice on noise; a failure is reported below.
        .stderr(Stdio::null())
        .status()
        .context("hyperfine cannot be started")?;
    let text = std::fs::read_to_string(report.path())?;
    read(&text).filter(|_| status.success()).with_context(|| format!("hyperfine could not time `{line}`"))
}

fn read(report: &str) -> Option<Times> {
    let report: Value = serde_json::from_str(report).ok()?;
    let result = report.pointer("/results/0")?;
    Some(Times { median: result["median"].as_f64()?, least: result["min"].as_f64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_hyperfine_is_read() {
        let report = r#"{"results": [{"command": "a", "median": 0.002, "min": 0.001, "times": []}]}"#;
        assert_eq!(read(report), Some(Times { median: 0.002, least: 0.001 }));
        assert_eq!(read("{}"), None);
    }
}
