//! Redocly, Spectral and two validators find nothing wrong with the document, and actionlint nothing with the workflows.
//! The settings and exceptions of Redocly and Spectral are in `openapi/redocly.yaml` and `openapi/spectral.yaml`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod linters;
mod mistakes;
mod workflows;

use contract_tests::root;
use external_tools::Process;
use external_tools::skip::available;
use linters::Linters;
use openapi_tools::DOCUMENT;

/// The workflows, written by hand.
const WORKFLOWS: &str = "openapi/workflows.arazzo.yaml";

fn accepts(name: &str, linter: impl Fn(&Linters) -> Process) {
    if let Some(linters) = available(name, Linters::install()) {
        linter(&linters).run().unwrap();
    }
}

#[test]
#[ignore = "needs Redocly: cargo xtask test --only external-linters"]
fn redocly_accepts_the_document_and_the_workflows() {
    accepts("redocly", |linters| {
        let redocly = linters.redocly().args("lint --format=stylish --config openapi/redocly.yaml");
        redocly.arg(DOCUMENT).arg(WORKFLOWS)
    });
}

#[test]
#[ignore = "needs Spectral: cargo xtask test --only external-linters"]
fn spectral_accepts_the_document() {
    accepts("spectral", |linters| {
        let spectral =
            linters.npm("spectral").args("lint --ruleset openapi/spectral.yaml --fail-severity=hint");
        spectral.arg(DOCUMENT)
    });
}

#[test]
#[ignore = "needs openapi-examples-validator: cargo xtask test --only external-linters"]
fn the_examples_are_valid_by_their_schemas() {
    accepts("openapi-examples-validator", |linters| {
        linters.npm("openapi-examples-validator").arg(root().join(DOCUMENT))
    });
}

#[test]
#[ignore = "needs openapi-spec-validator: cargo xtask test --only external-linters"]
fn the_document_is_valid_openapi() {
    accepts("openapi-spec-validator", |linters| linters.openapi_spec_validator(&root().join(DOCUMENT)));
}
