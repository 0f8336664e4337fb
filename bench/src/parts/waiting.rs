//! Waiting for jobs of unknown length, in virtual time: the number of requests, and the delay until the client knows a result.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Deserialize;

use crate::measure::build::{executables, named};
use crate::measure::report::most;
use crate::page::goals::{Goal, goals};
use crate::page::table::{count, figure, some, table};
use crate::parts::{Length, tell};

/// The cost and delay of a policy in one kind of wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    jobs: u32,
    /// The seconds over which the jobs were submitted.
    over: u32,
    /// The requests that the service admits in a second, if it limits them.
    admitted: Option<u32>,
    seeds: u32,
    policy: String,
    requests: f64,
    /// The standard error of that mean.
    requests_error: f64,
    /// The requests to which the response was 429.
    refused: f64,
    mean: f64,
    mean_error: f64,
    p99: f64,
    /// The mean delay of the slowest tenth of the jobs.
    slowest_tenth: f64,
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
         job and its detection. The slowest tenth is the mean delay of the tenth of the jobs with the longest delays: divided by the mean,\n\
         it shows how evenly a policy treats the jobs. The limit is approximately the fewest requests with the same mean delay for a\n\
         program that knows the distribution of the durations, if no rate is limited.\n\n\
         Where the service admits only some requests in a second, it has a token bucket for those of one second, and responds with 429 and\n\
         `Retry-After: 1` to the others. They count as requests. \"Every 5 s\" then tries again after its interval, which varies\n\
         by 10 %. \"In a queue\" knows the rate and sends no poll before the service admits it, so none is refused.\n\n\
         Without a rate limit no policy can send 50 times fewer requests than a poll for each job every 5 s at the same delay: as the\n\
         column \"requests / limit\" says, about 25 times fewer are possible. But such a poll of 10,000 jobs takes 2,000 requests a second,\n\
         which few services admit. A round of `wait_all` reads one page after another, at most 20 in a second here, and continues after a\n\
         429 where it was. It returns the results of a page before it reads the next one. The interval grows with the duration of a\n\
         round.\n\n",
    );
    for group in rows.chunk_by(|a, b| (a.jobs, a.over, a.admitted) == (b.jobs, b.over, b.admitted)) {
        let first = &group[0];
        let jobs = if first.jobs == 1 { "job".to_owned() } else { format!("{} jobs", count(first.jobs)) };
        let when = match first.over {
            0 if first.jobs == 1 => String::new(),
            0 => ", submitted together".to_owned(),
            seconds => format!(", submitted over {} minutes", seconds / 60),
        };
        let admitted =
            first.admitted.map_or_else(String::new, |rate| format!(", {rate} requests admitted in a second"));
        let one = if first.jobs == 1 { "One " } else { "" };
        let errors =
            group.iter().map(|row| (row.requests_error / row.requests).max(row.mean_error / row.mean));
        text.push_str(&format!(
            "### {one}{jobs}{when}{admitted}\n\nThe mean of {} waits; no standard error of a mean is above {:.1} %.\n\n",
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
                    ratio(ours.requests / row.requests),
                    some(row.admitted.map(|_| row.refused)),
                    figure(row.mean),
                    figure(ours.mean / row.mean),
                    figure(row.p99),
                    figure(row.slowest_tenth / row.mean),
                    figure(row.least),
                    figure(row.requests / row.least),
                ]
            })
            .collect();
        let head = [
            "policy",
            "requests",
            "requests, ours / it",
            "refused",
            "mean delay, s",
            "delay, ours / it",
            "p99 delay, s",
            "slowest tenth / mean",
            "limit, requests",
            "requests / limit",
        ];
        text.push_str(&table(head, &cells));
    }
    let mut all = Vec::new();
    for (jobs, admitted, most) in
        [(1, None, 1.0), (1000, None, 0.05), (10_000, Some(100), 0.02), (100_000, Some(100), 0.02)]
    {
        let group = rows.iter().filter(|row| (row.jobs, row.over, row.admitted) == (jobs, 0, admitted));
        let group: Vec<Row> = group.cloned().collect();
        let (ours, fixed) = (ours(&group)?, named_policy(&group, "every 5 s")?);
        let jobs = if jobs == 1 { "one job".to_owned() } else { format!("{} jobs", count(jobs)) };
        let jobs =
            admitted.map_or(jobs.clone(), |rate| format!("{jobs}, {rate} requests admitted in a second"));
        all.push(
            Goal::less(
                format!("{jobs}: requests, to those of every 5 s"),
                ours.requests,
                fixed.requests,
                most,
            )
            .with_limit(ours.least),
        );
        let delay = |what: &str, ours, theirs| {
            Goal::less(format!("{jobs}: {what} in seconds, to that of every 5 s"), ours, theirs, 1.0)
        };
        all.push(delay("mean delay", ours.mean, fixed.mean));
        if admitted.is_some() {
            all.push(delay("delay of the slowest tenth", ours.slowest_tenth, fixed.slowest_tenth));
        }
    }
    text.push_str(&goals(&all));
    Ok(text)
}

/// With enough places for 1 in 1,000.
fn ratio(value: f64) -> String {
    if value < 0.095 { format!("{value:.4}") } else { figure(value) }
}

fn ours(group: &[Row]) -> anyhow::Result<&Row> {
    named_policy(group, "ours")
}

fn named_policy<'a>(group: &'a [Row], policy: &str) -> anyhow::Result<&'a Row> {
    group.iter().find(|row| row.policy == policy).with_context(|| format!("no wait was {policy}"))
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
        let line = r#"{"jobs":1,"over":0,"admitted":null,"seeds":2,"policy":"ours","requests":3.5,"requests_error":0.1,"refused":0,"mean":1,"mean_error":0,"p99":2,"slowest_tenth":2,"least":3}"#;
        let rows = read(&format!("{line}\n{line}\n")).unwrap();
        assert_eq!((rows.len(), rows[0].requests, rows[1].least), (2, 3.5, 3.0));
        assert!(read("{}").is_err());
    }
}
