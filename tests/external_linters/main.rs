//! Redocly, Spectral and two validators find nothing wrong with the documents, and actionlint nothing with the workflows.
//! The settings and exceptions of Redocly and Spectral are in `openapi/redocly.yaml` and `openapi/spectral.yaml`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod linters;
mod mistakes;
mod workflows;

use std::path::PathBuf;

use contract_tests::root;
use external_tools::Process;
use external_tools::skip::available;
use linters::Linters;
use openapi_tools::walk::{Kind, visit_mut};
use openapi_tools::{DOCUMENT, Document, SANDBOX_DOCUMENT};

/// The workflows, written by hand.
const WORKFLOWS: &str = "openapi/workflows.arazzo.yaml";

fn accepts(name: &str, linter: impl Fn(&Linters) -> Process) {
    if let Some(linters) = available(name, Linters::install()) {
        linter(&linters).run().unwrap();
    }
}

#[test]
#[ignore = "needs Redocly: cargo xtask test --only external-linters"]
fn redocly_accepts_the_documents_and_the_workflows() {
    accepts("redocly", |linters| {
        let redocly = linters.redocly().args("lint --format=stylish --config openapi/redocly.yaml");
        redocly.arg(DOCUMENT).arg(SANDBOX_DOCUMENT).arg(WORKFLOWS)
    });
}

#[test]
#[ignore = "needs Spectral: cargo xtask test --only external-linters"]
fn spectral_accepts_the_documents() {
    accepts("spectral", |linters| {
        let spectral =
            linters.npm("spectral").args("lint --ruleset openapi/spectral.yaml --fail-severity=hint");
        spectral.arg(DOCUMENT).arg(SANDBOX_DOCUMENT)
    });
}

#[test]
#[ignore = "needs openapi-examples-validator: cargo xtask test --only external-linters"]
fn the_examples_are_valid_by_their_schemas() {
    accepts("openapi-examples-validator", |linters| {
        linters.npm("openapi-examples-validator").arg(root().join(DOCUMENT))
    });
    accepts("openapi-examples-validator", |linters| {
        linters.npm("openapi-examples-validator").arg(without_discriminators(SANDBOX_DOCUMENT))
    });
}

/// A copy of a document for this validator, which does not support the mapping of a discriminator. A discriminator does not
/// change what is valid.
fn without_discriminators(document: &str) -> PathBuf {
    let mut value = Document::load(&root().join(document)).unwrap().value;
    visit_mut(Kind::Document, &mut value, &mut |_, object| {
        object.remove("discriminator");
    });
    let copy = root().join("target/without-discriminators.json");
    std::fs::write(&copy, value.to_string()).unwrap();
    copy
}

#[test]
#[ignore = "needs openapi-spec-validator: cargo xtask test --only external-linters"]
fn the_documents_are_valid_openapi() {
    for document in [DOCUMENT, SANDBOX_DOCUMENT] {
        accepts("openapi-spec-validator", |linters| linters.openapi_spec_validator(&root().join(document)));
    }
}
