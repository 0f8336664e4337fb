//! Spectral and Redocly report each mistake in `mistakes.toml`. Our own linter relies on them for these rules.

use std::fs;
use std::path::{Path, PathBuf};

use contract_tests::root;
use external_tools::Process;
use external_tools::skip::{available, summarize};
use serde::Deserialize;

use crate::linters::Linters;

/// The document without mistakes, below the root.
const SMALL: &str = "tools/checks/src/lint/small.yaml";

#[derive(Deserialize)]
struct Mistakes {
    mistake: Vec<Mistake>,
}

/// An edit of the small document, and the rule of either linter that must report it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    name: String,
    find: String,
    replace: String,
    spectral: Option<String>,
    redocly: Option<String>,
}

/// Checks that `linter` reports the rule of each mistake in its copy, and not in the document without mistakes.
fn reports(linter: Process, rule: fn(&Mistake) -> Option<&str>) {
    let mistakes: Mistakes = toml::from_str(include_str!("mistakes.toml")).unwrap();
    let small = fs::read_to_string(root().join(SMALL)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let base = write("base.yaml", &small);
    let copies: Vec<(&Mistake, &str, PathBuf)> = mistakes
        .mistake
        .iter()
        .filter_map(|mistake| Some((mistake, rule(mistake)?)))
        .enumerate()
        .map(|(index, (mistake, rule))| {
            assert!(small.contains(&mistake.find), "{SMALL} has no place for {}", mistake.name);
            let text = small.replacen(&mistake.find, &mistake.replace, 1);
            (mistake, rule, write(&format!("{index:03}.yaml"), &text))
        })
        .collect();
    let files = copies.iter().map(|(.., path)| path).chain([&base]);
    let mut lines = Vec::new();
    files
        .fold(linter, |linter, file| linter.arg(file))
        .stream(&mut |line| {
            lines.push(line);
            Ok(())
        })
        .unwrap();
    // Both linters print a line for each finding, with the path of the file and the rule as a word.
    let has = |file: &Path, rule: &str| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut found = lines.iter().filter(|line| line.contains(&format!("/{name}")));
        found.any(|line| line.split([' ', ',', '=']).any(|word| word == rule))
    };
    let missed: Vec<&str> = copies
        .iter()
        .filter(|(_, rule, copy)| !has(copy, rule) || has(&base, rule))
        .map(|(mistake, ..)| mistake.name.as_str())
        .collect();
    assert!(missed.is_empty(), "not reported: {missed:#?}\n{}", lines.join("\n"));
    summarize(&format!("{} mistakes reported", copies.len()));
}

#[test]
#[ignore = "needs Spectral: cargo xtask test --only external-linters"]
fn spectral_reports_each_mistake() {
    if let Some(linters) = available("spectral", Linters::install()) {
        let spectral = linters.npm("spectral").args("lint --format=text --ruleset openapi/spectral.yaml");
        reports(spectral, |mistake| mistake.spectral.as_deref());
    }
}

#[test]
#[ignore = "needs Redocly: cargo xtask test --only external-linters"]
fn redocly_reports_each_mistake() {
    if let Some(linters) = available("redocly", Linters::install()) {
        let redocly = linters
            .redocly()
            .args("lint --format=github-actions --max-problems=10000 --config openapi/redocly.yaml");
        reports(redocly, |mistake| mistake.redocly.as_deref());
    }
}

#[test]
fn each_mistake_has_one_rule_and_a_place_in_the_small_document() {
    let mistakes: Mistakes = toml::from_str(include_str!("mistakes.toml")).unwrap();
    let small = fs::read_to_string(root().join(SMALL)).unwrap();
    for Mistake { name, find, spectral, redocly, .. } in mistakes.mistake {
        assert!(spectral.is_some() != redocly.is_some(), "{name}");
        assert!(small.contains(&find), "{SMALL} has no place for {name}");
    }
}
