//! Times of whole programs, by hyperfine.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Seconds from the start of a program to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    pub(super) median: f64,
    pub(super) least: f64,
}

/// How often a program is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runs {
    pub(super) warm_up: u32,
    pub(super) measured: u32,
}

/// Runs a program without a shell. It must end well each time.
pub(super) fn times(
    program: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
    runs: Runs,
) -> Result<Times, String> {
    let report = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let line = format!("{} {}", program.display(), arguments.join(" "));
    let status = Command::new("hyperfine")
        .args(["-N", "--style", "none", "--warmup", &runs.warm_up.to_string()])
        .args(["--runs", &runs.measured.to_string(), "--export-json"])
        .arg(report.path())
        .arg(&line)
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        // Its advice on noise; a failure is told below.
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("hyperfine cannot be started: {error}; install Debian's hyperfine"))?;
    let text = std::fs::read_to_string(report.path()).map_err(|error| error.to_string())?;
    read(&text).filter(|_| status.success()).ok_or_else(|| format!("hyperfine could not time `{line}`"))
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
