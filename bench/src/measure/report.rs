//! The report that a client prints as its last line, and statistics of several runs.

use std::process::Command;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// One run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Report {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    pub(crate) peak_kib: Option<f64>,
    /// The number of allocated blocks, if counted.
    pub(crate) blocks: Option<f64>,
    /// The number of allocated bytes, if counted.
    pub(crate) bytes: Option<f64>,
    /// The decoded result of the last call.
    pub(crate) result: Value,
}

/// Runs a client and reads its report.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Report> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} cannot be started"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    report.filter(|_| output.status.success()).with_context(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("{program} failed: {}", complaint.trim().lines().last().unwrap_or_default())
    })
}

/// The median.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let [_, median, _] = quartiles(values);
    median
}

/// The lower quartile, the median and the upper quartile.
pub(crate) fn quartiles(values: impl IntoIterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values.get(values.len() * quarter / 4).copied().unwrap_or(f64::NAN))
}

/// The largest.
pub(crate) fn most(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NAN, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_of_an_odd_number() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert!(median([]).is_nan());
        assert_eq!(quartiles([5.0, 4.0, 3.0, 2.0, 1.0]), [2.0, 3.0, 4.0]);
        assert_eq!(most([1.0, 3.0, 2.0]), 3.0);
    }

    #[test]
    fn a_program_that_fails_is_no_measurement() {
        let report = r#"echo '{"wall_s":1,"cpu_s":2,"result":{"a":1}}'"#;
        assert_eq!(run(Command::new("sh").args(["-c", report])).unwrap().cpu_s, 2.0);
        let error = run(Command::new("sh").args(["-c", &format!("{report}; echo no >&2; exit 1")]));
        assert_eq!(error.unwrap_err().to_string(), "sh failed: no");
        assert!(run(Command::new("sh").args(["-c", "echo nothing"])).is_err());
    }
}
