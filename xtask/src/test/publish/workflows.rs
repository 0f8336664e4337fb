//! The published workflows, run against a sandbox by Redocly's respect.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::live::{Build, LiveSandbox};
use crate::test::judges::Judges;
use crate::test::{Context, Outcome};

/// Where the sandbox misbehaves, so that calls must be made again.
const FAULTS: &str = "tests/judges/faults.toml";

/// Runs the workflows in `published`, and says how many checks there were.
pub(super) fn run(context: &mut Context<'_>, judges: &Judges, published: &Path) -> io::Result<Outcome> {
    // A job takes a second then: too long to be over before it is cancelled, and short enough to wait for.
    let arguments = ["--balance", "1000", "--clock", "x5", "--faults", FAULTS];
    let sandbox = LiveSandbox::start(context.root, Build::Dev, &arguments)?;
    let report = published.join("respect.json");
    let outcome = judges
        .redocly(context)
        .arguments("respect")
        .argument(published.join("workflows.arazzo.yaml"))
        .arguments("--input key=ifr_pk_respect --input intent=run --server")
        .argument(format!("video={}", sandbox.base_url()))
        .arguments("--json-output")
        .argument(&report)
        .run(context)?;
    if outcome != Outcome::Passed {
        return Ok(outcome);
    }
    match summary(&fs::read(&report)?) {
        Ok(summary) => writeln!(context.out, "respect: {summary}")?,
        Err(why) => return Ok(Outcome::Failed(why)),
    }
    Ok(Outcome::Passed)
}

/// What respect says that it did.
#[derive(Deserialize)]
struct Report {
    status: String,
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    total_requests: u32,
    executed_workflows: Vec<serde_json::Value>,
}

/// One line of figures. A run of nothing is an error, since it would look like one in which all is well.
fn summary(report: &[u8]) -> Result<String, String> {
    let report: Report = serde_json::from_slice(report)
        .map_err(|error| format!("respect's report cannot be read: {error}"))?;
    let workflows: usize = report.files.values().map(|file| file.executed_workflows.len()).sum();
    let requests: u32 = report.files.values().map(|file| file.total_requests).sum();
    if workflows == 0 || requests == 0 || report.status != "success" {
        return Err(format!(
            "respect ended with {} after {workflows} workflows, {requests} requests",
            report.status
        ));
    }
    Ok(format!("{workflows} workflows, {requests} requests, every check passed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_workflows_and_requests() {
        let report = br#"{"status": "success", "totalTime": 3, "files":
            {"a.yaml": {"totalRequests": 7, "executedWorkflows": [{}, {}], "totalTimeMs": 3}}}"#;
        assert_eq!(summary(report).unwrap(), "2 workflows, 7 requests, every check passed");
    }

    #[test]
    fn a_run_of_nothing_is_no_success() {
        assert!(summary(br#"{"status": "success", "files": {}}"#).is_err());
        let failed =
            br#"{"status": "error", "files": {"a": {"totalRequests": 7, "executedWorkflows": [{}]}}}"#;
        assert_eq!(summary(failed).unwrap_err(), "respect ended with error after 1 workflows, 7 requests");
    }
}
