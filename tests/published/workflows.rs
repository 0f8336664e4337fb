//! The published workflows, run against a sandbox by Redocly's respect.

use std::collections::BTreeMap;
use std::fs;

use contract_tests::root;
use external_tools::server::Server;
use external_tools::skip::{available, summarize};
use serde::Deserialize;

use crate::linters::Linters;
use crate::published;

/// Faults of the sandbox that make each workflow repeat its calls.
const FAULTS: &str = "tests/published/faults.toml";

#[test]
#[ignore = "needs Redocly: cargo xtask test --only publish"]
fn the_workflows_run_against_a_sandbox_with_faults() {
    let (Some(published), Some(linters)) = (published(), available("respect", Linters::install())) else {
        return;
    };
    // A job takes a second then: too long to finish before it is cancelled, and short enough to wait for.
    let arguments = ["--balance", "1000", "--clock", "x5", "--faults", FAULTS];
    let sandbox = Server::test_sandbox(&root(), &arguments).unwrap();
    let report = root().canonicalize().unwrap().join("target/published/respect.json");
    linters
        .redocly()
        .args("respect")
        .arg(published.join("workflows.arazzo.yaml"))
        .args("--input key=ifr_pk_respect --input intent=run --server")
        .arg(format!("video={}", sandbox.base_url()))
        .args("--json-output")
        .arg(&report)
        .run()
        .unwrap();
    summarize(&format!("respect: {}", summary(&fs::read(report).unwrap()).unwrap()));
}

/// The report of respect.
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

/// One line of counts. A run of nothing is an error: it would look like one without problems.
fn summary(report: &[u8]) -> Result<String, String> {
    let report: Report = serde_json::from_slice(report).map_err(|error| error.to_string())?;
    let workflows: usize = report.files.values().map(|file| file.executed_workflows.len()).sum();
    let requests: u32 = report.files.values().map(|file| file.total_requests).sum();
    if workflows == 0 || requests == 0 || report.status != "success" {
        return Err(format!(
            "respect reports {} after {workflows} workflows, {requests} requests",
            report.status
        ));
    }
    Ok(format!("{workflows} workflows, {requests} requests, every check passed"))
}

#[test]
fn the_summary_counts_workflows_and_requests() {
    let report = br#"{"status": "success", "totalTime": 3, "files":
        {"a.yaml": {"totalRequests": 7, "executedWorkflows": [{}, {}], "totalTimeMs": 3}}}"#;
    assert_eq!(summary(report).unwrap(), "2 workflows, 7 requests, every check passed");
}

#[test]
fn a_run_of_nothing_is_no_success() {
    assert!(summary(br#"{"status": "success", "files": {}}"#).is_err());
    let failed = br#"{"status": "error", "files": {"a": {"totalRequests": 7, "executedWorkflows": [{}]}}}"#;
    assert_eq!(summary(failed).unwrap_err(), "respect reports error after 1 workflows, 7 requests");
}
