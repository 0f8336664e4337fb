//! Schemathesis asks a running sandbox whatever the contract allows, and much that it does not, and judges every answer.

use std::fs;
use std::io;

use serde::Deserialize;

use super::{Child, Context, Outcome};
use crate::contract::DOCUMENT;
use crate::live::{Build, LiveSandbox};
use crate::tools::python;

/// Where its settings are.
const SETTINGS: &str = "tests/schemathesis";

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let settings = context.root.join(SETTINGS);
    let requirements = settings.join("requirements.txt");
    let python = match python::environment(context.root, "schemathesis", &requirements) {
        Ok(python) => python,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    // It keeps files of its own where it runs.
    let place = context.root.join("target/schemathesis");
    fs::create_dir_all(&place)?;
    for name in ["hooks.py", "schemathesis.toml", "users.yaml"] {
        fs::copy(settings.join(name), place.join(name))?;
    }
    let sandbox =
        LiveSandbox::start(context.root, Build::Dev, &["--balance", "1000000000", "--clock", "x60"])?;
    let report = place.join("report.json");
    let outcome = Child::new(python.join("bin/st"), &place)
        .named("schemathesis")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arguments("run")
        .argument(fs::canonicalize(context.root.join(DOCUMENT))?)
        .arguments("--checks all --max-examples 30 --no-color --report json --report-json-path")
        .argument(&report)
        .arguments("--url")
        .argument(sandbox.base_url())
        .run(context)?;
    if outcome == Outcome::Passed {
        writeln!(context.out, "schemathesis: {}", summary(&fs::read(report)?)?)?;
    }
    Ok(outcome)
}

/// What the report counts.
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

fn summary(report: &[u8]) -> io::Result<String> {
    let Report { operations, test_cases: cases } = serde_json::from_slice(report)?;
    Ok(format!(
        "{} of {} operations, {} requests judged by every check, {} failures, {} errors",
        operations.tested,
        operations.total,
        cases.generated.saturating_sub(cases.without_checks),
        cases.with_failures,
        cases.errored
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_only_what_was_judged() {
        let report = br#"{"operations": {"tested": 9, "total": 10},
            "test_cases": {"generated": 120, "with_failures": 1, "without_checks": 20, "errored": 2}, "seed": 1}"#;
        let summary = summary(report).unwrap();
        assert_eq!(summary, "9 of 10 operations, 100 requests judged by every check, 1 failures, 2 errors");
    }
}
