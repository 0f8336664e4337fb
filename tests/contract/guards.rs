//! Accidental mistakes in the contract, each made in a copy, and the check that reports it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};
use contract_tests::{contract, root};
use openapi_checks::{diff, lint};
use openapi_tools::{DOCUMENT, Document};

use crate::conformance::{documented, unseen};
use crate::left::left;

/// A mistake, and the check that must report it. Others may report it too.
struct Break {
    what: &'static str,
    noticed_by: &'static str,
    make: fn(&str) -> String,
}

const BREAKS: [Break; 7] = [
    Break {
        what: "a property is renamed everywhere",
        noticed_by: "diff",
        make: |text| replace(text, "thumbnail_url", "picture_url"),
    },
    Break {
        what: "a value of a closed enum is dropped",
        noticed_by: "diff",
        make: |text| {
            let text = replace(text, "['16:9', '9:16', '1:1']", "['16:9', '9:16']");
            replace(&text, "[Landscape, Portrait, Square]", "[Landscape, Portrait]")
        },
    },
    Break {
        what: "an optional field becomes required",
        noticed_by: "diff",
        make: |text| replace(text, "      required: [prompt]\n", "      required: [prompt, prefer]\n"),
    },
    Break {
        what: "a keyword is misspelled",
        noticed_by: "lint",
        make: |text| text.replacen("maxLength:", "maxLenght:", 1),
    },
    Break {
        what: "an example is left stale",
        noticed_by: "lint",
        make: |text| text.replacen("days: 30", "days: 300", 1),
    },
    Break {
        what: "an operation is added without a test",
        noticed_by: "conformance",
        make: with_an_operation,
    },
    Break { what: "an operation is added and nothing else", noticed_by: "left", make: with_an_operation },
];

/// The document with an operation that is like `video_capabilities`.
fn with_an_operation(text: &str) -> String {
    let start = text.find("  /v1/video/capabilities:").unwrap();
    let end = text.find("\ncomponents:").unwrap();
    let twin = text[start..end].replace("/v1/video/capabilities", "/v1/video/vendors");
    let twin = replace(&twin, "operationId: video_capabilities", "operationId: video_vendors");
    format!("{}{twin}\n{}", &text[..start], &text[start..])
}

fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in the document any more");
    text.replace(from, to)
}

type Check = fn(&Path, &str) -> Result<()>;

/// The checks by name: the steps `lint` and `diff` of `cargo xtask test`, and two tests of this crate.
const CHECKS: [(&str, Check); 4] = [
    ("lint", lint_it),
    ("diff", |root, _| diff::gate(root)),
    ("conformance", |_, text| unseen(&Document::parse(text)?, &documented(&contract()))),
    ("left", |_, text| left(&Document::parse(text)?)),
];

fn lint_it(_: &Path, text: &str) -> Result<()> {
    let report = lint::check(text);
    let Some(finding) = report.findings().first() else { return Ok(()) };
    let message = finding.to_string();
    // Without the line number, which changes with every edit of the document.
    bail!("{}", message.split_once(": ").map_or(message.as_str(), |(_, rest)| rest))
}

/// The files of the contract in a directory, with `text` as the document.
fn copy(text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let releases = directory.path().join("openapi/releases");
    for release in std::fs::read_dir(root().join("openapi/releases")).unwrap().flatten() {
        let place = releases.join(release.file_name());
        std::fs::create_dir_all(&place).unwrap();
        std::fs::copy(release.path().join("video.yaml"), place.join("video.yaml")).unwrap();
    }
    std::fs::copy(root().join("openapi/CHANGELOG.md"), directory.path().join("openapi/CHANGELOG.md"))
        .unwrap();
    std::fs::write(directory.path().join(DOCUMENT), text).unwrap();
    directory
}

#[test]
fn every_break_is_noticed_by_its_guard() {
    let text = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
    let whole = copy(&text);
    for (name, check) in CHECKS {
        check(whole.path(), &text)
            .unwrap_or_else(|error| panic!("{name} fails for the contract as it is: {error:#}"));
    }
    let mut table = String::new();
    for Break { what, noticed_by, make } in BREAKS {
        let broken = make(&text);
        assert_ne!(broken, text, "{what}: the copy is not broken");
        let directory = copy(&broken);
        let noticed = CHECKS.map(|(name, check)| (name, check(directory.path(), &broken)));
        let by: Vec<&str> =
            noticed.iter().filter(|(_, result)| result.is_err()).map(|(name, _)| *name).collect();
        let message = noticed
            .iter()
            .find(|(name, _)| *name == noticed_by)
            .and_then(|(_, result)| result.as_ref().err());
        let message =
            message.unwrap_or_else(|| panic!("{what}: {noticed_by} notices nothing, only {by:?} do"));
        writeln!(table, "{what}\n  noticed by: {}\n  {noticed_by} says: {message}\n", by.join(", ")).unwrap();
    }
    insta::assert_snapshot!(table);
}
