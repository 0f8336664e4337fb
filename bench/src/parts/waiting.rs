//! Waiting for jobs of unknown length, in virtual time: the number of requests, and the delay until the client knows a result.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Deserialize;

use crate::measure::build::{executables, named};
use crate::measure::report::most;
use crate::page::goals::{Goal, goals};
use crate::page::table::{count, figure, table};
use crate::parts::{Length, tell};

/// The cost and delay of a policy in one kind of wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    jobs: u32,
    /// The seconds over which the jobs were submitted.
    over: u32,
    seeds: u32,
    policy: String,
    requests: f64,
    /// The standard error of that mean.
    requests_error: f64,
    mean: f64,
    mean_error: f64,
    p99: f64,
    /// About the fewest requests for that mean delay.
    least: f64,
}

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "waiting, in virtual time");
    let rows = play(root, if length == Length::Full { 20_000 } else { 500 })?;
    let mut text = String::from(
        "In virtual time, so the figures are the same on any machine. The durations of jobs are drawn from a log-normal distribution\n\
         with a median of 2 minutes and a sigma of 1: the mean is 198 s, and 1.1 % take over 20 minutes. Each response takes 50 ms,\n\
         and a page contains at most 100 jobs. Ours is `job.wait()` for one job and `wait_all` for many. The other policies poll `status` of\n\
         each job separately, after the first interval. Requests are those of a whole wait. The delay is the time between the end of a\n\
         job and its detection. The limit is approximately the fewest requests with the same mean delay for a program that knows the\n\
         distribution of the durations. There are goals only for one job and for 1,000 jobs submitted together.\n\n",
    );
    for group in rows.chunk_by(|a, b| (a.jobs, a.over) == (b.jobs, b.over)) {
        let first = &group[0];
        let jobs = if first.jobs == 1 { "job".to_owned() } else { format!("{} jobs", count(first.jobs)) };
        let when = match first.over {
            0 if first.jobs == 1 => String::new(),
            0 => ", submitted together".to_owned(),
            seconds => format!(", submitted over {} minutes", seconds / 60),
        };
        let one = if first.jobs == 1 { "One " } else { "" };
        let errors =
            group.iter().map(|row| (row.requests_error / row.requests).max(row.mean_error / row.mean));
        text.push_str(&format!(
            "### {one}{jobs}{when}\n\nThe mean of {} waits; no standard error of a mean is above {:.1} %.\n\n",
            count(first.seeds),
            // Rounded up, so that it holds.
            (most(errors) * 1000.0).ceil() / 10.0
        ));
        let ours = ours(group)?;
        let cells: Vec<_> = group
            .iter()
            .map(|row| {
                [
                    row.policy.clone(),
                    figure(row.requests),
                    figure(ours.requests / row.requests),
                    figure(row.mean),
                    figure(ours.mean / row.mean),
                    figure(row.p99),
                    figure(row.least),
                    figure(row.requests / row.least),
                ]
            })
            .collect();
        let head = [
            "policy",
            "requests",
            "requests, ours / it",
            "mean delay, s",
            "delay, ours / it",
            "p99 delay, s",
            "limit, requests",
            "requests / limit",
        ];
        text.push_str(&table(head, &cells));
    }
    let of = |jobs: u32| {
        let group: Vec<Row> = rows.iter().filter(|row| (row.jobs, row.over) == (jobs, 0)).cloned().collect();
        let fixed = group.iter().find(|row| row.policy == "every 5 s").cloned();
        anyhow::Ok((ours(&group)?.clone(), fixed.context("no wait polled every 5 s")?))
    };
    let (one, one_fixed) = of(1)?;
    let (many, many_fixed) = of(1000)?;
    text.push_str(&goals(&[
        Goal::less("one job: requests, to those of every 5 s", one.requests, one_fixed.requests, 1.0)
            .with_limit(one.least),
        Goal::less("one job: mean delay in seconds, to that of every 5 s", one.mean, one_fixed.mean, 1.0),
        Goal::less("1,000 jobs: requests, to those of every 5 s", many.requests, many_fixed.requests, 0.05)
            .with_limit(many.least),
        Goal::less(
            "1,000 jobs: mean delay in seconds, to that of every 5 s",
            many.mean,
            many_fixed.mean,
            1.0,
        ),
    ]));
    Ok(text)
}

fn ours(group: &[Row]) -> anyhow::Result<&Row> {
    group.iter().find(|row| row.policy == "ours").context("no wait was ours")
}

fn play(root: &Path, seeds: u32) -> anyhow::Result<Vec<Row>> {
    // Without optimization the waits take minutes.
    let built = executables(root, root, "-p infrai-video --example waiting")?;
    let output = Command::new(named(&built, "waiting")?)
        .arg(seeds.to_string())
        .stderr(Stdio::inherit())
        .output()
        .context("the waits cannot be played")?;
    if !output.status.success() {
        anyhow::bail!("the waits could not be played");
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

fn read(lines: &str) -> anyhow::Result<Vec<Row>> {
    let rows: Result<Vec<Row>, _> = lines.lines().map(serde_json::from_str).collect();
    rows.context("a line about a wait has another format")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let line = r#"{"jobs":1,"over":0,"seeds":2,"policy":"ours","requests":3.5,"requests_error":0.1,"mean":1,"mean_error":0,"p99":2,"least":3}"#;
        let rows = read(&format!("{line}\n{line}\n")).unwrap();
        assert_eq!((rows.len(), rows[0].requests, rows[1].least), (2, 3.5, 3.0));
        assert!(read("{}").is_err());
    }
}
