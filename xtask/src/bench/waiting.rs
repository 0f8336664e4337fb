//! Waiting for jobs of unknown length, in virtual time: requests, and how late the end of a job is known.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::table::{Goal, figure, goals, table};
use super::{Length, tell};

/// What a policy cost and gave in one kind of wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    jobs: u32,
    /// Over how many seconds they were submitted.
    over: u32,
    seeds: u32,
    policy: String,
    requests: f64,
    mean: f64,
    p99: f64,
    /// The fewest requests for that mean delay, where it is known.
    least: Option<f64>,
}

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "waiting, in virtual time");
    let rows = play(root, if length == Length::Full { 2000 } else { 200 })?;
    let mut text = String::from(
        "## Waiting\n\nIn virtual time, so that the figures are the same on any machine. A job's length is drawn from a log-normal distribution\n\
         with a median of 2 minutes and a spread of 1: the mean is 198 s, and 1.1 % take over 20 minutes. Each answer takes 50 ms,\n\
         and a page shows at most 100 jobs. Ours is `job.wait()` for one job and `wait_all` for many; the others ask `status` for\n\
         each job by itself, after the first pause. Requests are those of a whole wait, and the delay is that from the end of a\n\
         job to the client knowing it. The least is about what a program would send for the same mean delay that knows how the\n\
         lengths are distributed.\n\n",
    );
    for group in rows.chunk_by(|a, b| (a.jobs, a.over) == (b.jobs, b.over)) {
        let first = &group[0];
        let jobs = if first.jobs == 1 {
            "job".to_owned()
        } else {
            format!("{} jobs", figure(f64::from(first.jobs)))
        };
        let when = match first.over {
            0 if first.jobs == 1 => String::new(),
            0 => ", submitted together".to_owned(),
            seconds => format!(", submitted over {} minutes", seconds / 60),
        };
        let count = if first.jobs == 1 { "One " } else { "" };
        text.push_str(&format!("### {count}{jobs}{when}\n\nThe mean of {} waits.\n\n", first.seeds));
        let ours = ours(group)?;
        let cells: Vec<_> = group
            .iter()
            .map(|row| {
                [
                    row.policy.clone(),
                    figure(row.requests),
                    figure(row.requests / ours.requests),
                    figure(row.mean),
                    figure(row.p99),
                    row.least.map_or_else(|| "-".to_owned(), figure),
                ]
            })
            .collect();
        let head = ["policy", "requests", "to ours", "mean delay, s", "p99 delay, s", "least requests"];
        text.push_str(&table(head, &cells));
    }
    let of = |jobs: u32| {
        let group: Vec<Row> = rows.iter().filter(|row| (row.jobs, row.over) == (jobs, 0)).cloned().collect();
        let fixed = group.iter().find(|row| row.policy == "every 5 s").cloned();
        Ok::<_, String>((ours(&group)?.clone(), fixed.ok_or("no wait polled every 5 s")?))
    };
    let (one, one_fixed) = of(1)?;
    let (many, many_fixed) = of(1000)?;
    text.push_str(&goals(
        "waiting",
        &[
            Goal::less("one job: requests, to those of every 5 s", one.requests, one_fixed.requests, 1.0),
            Goal::less("one job: mean delay in seconds, to that of every 5 s", one.mean, one_fixed.mean, 1.0),
            Goal::less(
                "1,000 jobs: requests, to those of every 5 s",
                many.requests,
                many_fixed.requests,
                0.05,
            ),
            Goal::less(
                "1,000 jobs: mean delay in seconds, to that of every 5 s",
                many.mean,
                many_fixed.mean,
                1.0,
            ),
        ],
    ));
    Ok(text)
}

fn ours(group: &[Row]) -> Result<&Row, String> {
    group.iter().find(|row| row.policy == "ours").ok_or_else(|| "no wait was ours".to_owned())
}

fn play(root: &Path, seeds: u32) -> Result<Vec<Row>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["run", "--quiet", "-p", "contract-tests", "--bin", "waiting", "--", "--seeds"])
        .arg(seeds.to_string())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err("the waits could not be played".to_owned());
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

fn read(lines: &str) -> Result<Vec<Row>, String> {
    let rows: Result<Vec<Row>, _> = lines.lines().map(serde_json::from_str).collect();
    rows.map_err(|error| format!("a wait is not told as expected: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let line =
            r#"{"jobs":1,"over":0,"seeds":2,"policy":"ours","requests":3.5,"mean":1,"p99":2,"least":null}"#;
        let rows = read(&format!("{line}\n{line}\n")).unwrap();
        assert_eq!((rows.len(), rows[0].requests, rows[1].least), (2, 3.5, None));
        assert!(read("{}").is_err());
    }
}
