//! actionlint finds nothing wrong with the workflows in `.github`, and reports each of a few mistakes.

use std::fs;

use contract_tests::root;
use external_tools::skip::available;

use crate::linters::Linters;

const WORKFLOWS: &str = ".github/workflows";

/// Edits of ci.yml: the first occurrence of a text, its replacement, and a part of actionlint's message.
const MISTAKES: [(&str, &str, &str); 5] = [
    ("${{ matrix.steps }}", "${{ matrix.step }}", "property \"step\" is not defined"),
    ("runs-on:", "run-on:", "unexpected key \"run-on\""),
    ("runs-on: ubuntu-latest", "runs-on: ubuntu-newest", "label \"ubuntu-newest\" is unknown"),
    ("pull_request:", "pull_requests:", "unknown Webhook event \"pull_requests\""),
    ("contents: read", "contents: reed", "\"reed\" is invalid for permission"),
];

#[test]
#[ignore = "needs actionlint: cargo xtask test --only external-linters"]
fn actionlint_accepts_the_workflows() {
    if let Some(linters) = available("actionlint", Linters::install()) {
        let output = linters.actionlint(&root().join(WORKFLOWS)).output().unwrap();
        let count = fs::read_dir(root().join(WORKFLOWS)).unwrap().count();
        // Without a file actionlint succeeds too.
        assert!(output.contains(&format!("Checking {count} workflow file(s)")), "{output}");
    }
}

#[test]
#[ignore = "needs actionlint: cargo xtask test --only external-linters"]
fn actionlint_reports_each_mistake() {
    if let Some(linters) = available("actionlint", Linters::install()) {
        let ci = fs::read_to_string(root().join(WORKFLOWS).join("ci.yml")).unwrap();
        for (find, replace, message) in MISTAKES {
            assert!(ci.contains(find), "ci.yml has no place for {replace}");
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("ci.yml"), ci.replacen(find, replace, 1)).unwrap();
            let error = linters.actionlint(directory.path()).run().expect_err(replace);
            assert!(format!("{error:#}").contains(message), "{replace}: {error:#}");
        }
    }
}
