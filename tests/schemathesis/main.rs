//! schemathesis sends a sandbox requests that its documents allow and many that they do not, and checks every response.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;

use contract_tests::root;
use external_tools::server::Server;
use external_tools::skip::{available, summarize};
use external_tools::{Process, python};
use openapi_tools::{DOCUMENT, SANDBOX_DOCUMENT};
use serde::Deserialize;

#[test]
#[ignore = "needs schemathesis: cargo xtask test --only schemathesis"]
fn schemathesis_finds_no_failure_in_the_sandbox() {
    judge("api", DOCUMENT, &["hooks.py", "schemathesis.toml", "users.yaml"], "");
}

/// The event stream does not end.
#[test]
#[ignore = "needs schemathesis: cargo xtask test --only schemathesis"]
fn schemathesis_finds_no_failure_in_the_admin_api() {
    let settings = ["sandbox/hooks.py", "sandbox/schemathesis.toml"];
    judge("admin", SANDBOX_DOCUMENT, &settings, "--exclude-operation-id sandbox_events");
}

fn judge(name: &str, document: &str, settings: &[&str], options: &str) {
    let root = root();
    let home = root.join("tests/schemathesis");
    let python = python::environment(&root, "schemathesis", &home.join("requirements.txt"));
    let Some(python) = available("schemathesis", python) else { return };
    // It writes files of its own into its directory.
    let directory = root.join("target/schemathesis").join(name);
    fs::create_dir_all(&directory).unwrap();
    for name in settings {
        let path = home.join(name);
        fs::copy(&path, directory.join(path.file_name().unwrap())).unwrap();
    }
    let sandbox = Server::test_sandbox(&root, &["--balance", "1000000000", "--clock", "x60"]).unwrap();
    let report = directory.join("report.json");
    Process::new(python.join("bin/st"), &directory)
        .named("schemathesis")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args("run")
        .arg(root.join(document))
        .args(options)
        .args("--checks all --max-examples 30 --no-color --report json --report-json-path")
        .arg(&report)
        .args("--url")
        .arg(sandbox.base_url())
        .run()
        .unwrap();
    summarize(&format!("schemathesis, {name}: {}", summary(&fs::read(report).unwrap())));
}

/// The counts in the report.
#[derive(Deserialize)]
struct Report {
    operations: Operations,
    test_cases: Cases,
}

#[derive(Deserialize)]
struct Operations {
    tested: u32,
    total: u32,
}

#[derive(Deserialize)]
struct Cases {
    generated: u32,
    with_failures: u32,
    without_checks: u32,
    errored: u32,
}

fn summary(report: &[u8]) -> String {
    let Report { operations, test_cases: cases } = serde_json::from_slice(report).unwrap();
    format!(
        "{} of {} operations, {} requests judged by every check, {} failures, {} errors",
        operations.tested,
        operations.total,
        cases.generated.saturating_sub(cases.without_checks),
        cases.with_failures,
        cases.errored
    )
}

#[test]
fn the_summary_counts_only_checked_requests() {
    let report = br#"{"operations": {"tested": 9, "total": 10},
        "test_cases": {"generated": 120, "with_failures": 1, "without_checks": 20, "errored": 2}, "seed": 1}"#;
    assert_eq!(
        summary(report),
        "9 of 10 operations, 100 requests judged by every check, 1 failures, 2 errors"
    );
}
