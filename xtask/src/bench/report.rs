//! What a contestant says of itself in its last line, and the figures of several runs.

use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// One run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Report {
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_kib: Option<f64>,
    /// How many blocks were allocated, where it was counted.
    pub(super) blocks: Option<f64>,
    /// How many bytes they have.
    pub(super) bytes: Option<f64>,
    /// What was read, in the end.
    pub(super) answer: Value,
}

/// Runs a contestant to its end.
pub(super) fn run(command: &mut Command) -> Result<Report, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program} cannot be started: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    let report = told.lines().last().and_then(|line| serde_json::from_str(line).ok());
    report.filter(|_| output.status.success()).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("{program} failed: {}", complaint.trim().lines().last().unwrap_or_default())
    })
}

/// The one in the middle.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The largest.
pub(super) fn most(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NAN, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_of_an_odd_number() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert!(median([]).is_nan());
        assert_eq!(most([1.0, 3.0, 2.0]), 3.0);
    }

    #[test]
    fn a_program_that_fails_is_no_measurement() {
        let report = r#"echo '{"wall_s":1,"cpu_s":2,"answer":{"a":1}}'"#;
        assert_eq!(run(Command::new("sh").args(["-c", report])).unwrap().cpu_s, 2.0);
        let error = run(Command::new("sh").args(["-c", &format!("{report}; echo no >&2; exit 1")]));
        assert_eq!(error.unwrap_err(), "sh failed: no");
        assert!(run(Command::new("sh").args(["-c", "echo nothing"])).is_err());
    }
}
