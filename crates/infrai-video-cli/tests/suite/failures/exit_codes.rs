//! The table of exit codes in the README equals that of the source, and a test produces each code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::Harness;

const README: &str = include_str!("../../../README.md");
const EXIT: &str = include_str!("../../../src/exit_code.rs");

/// Exit codes and the names of their tests.
fn rows() -> BTreeMap<u8, String> {
    let (_, table) = README.split_once("## Exit codes").expect("the README has the table");
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [code, _, test] = cells[..] else { return None };
        Some((code.parse().ok()?, test.trim_matches('`').to_owned()))
    });
    rows.collect()
}

/// The codes of the enum in the source.
fn codes() -> Vec<u8> {
    let (_, body) = EXIT.split_once("pub(crate) enum Exit {").expect("the enum is there");
    let (body, _) = body.split_once("\n}").expect("the enum ends");
    let code = |line: &str| line.trim().trim_end_matches(',').split_once(" = ")?.1.parse().ok();
    body.lines().filter_map(code).collect()
}

/// The sources of all tests of this crate.
fn sources() -> String {
    fn read(directory: &Path, text: &mut String) {
        for entry in directory.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut text);
    text
}

#[test]
fn every_exit_code_has_a_row_and_every_row_a_code() {
    let codes = codes();
    assert!(codes.len() > 10, "{codes:?}");
    assert_eq!(rows().into_keys().collect::<Vec<_>>(), codes);
}

#[test]
fn every_exit_code_is_produced_by_the_test_of_its_row() {
    let sources = sources();
    for (code, test) in rows() {
        let (before, body) = sources
            .split_once(&format!("fn {test}() {{"))
            .unwrap_or_else(|| panic!("{code}: there is no test {test}"));
        let head = before.rsplit("\n\n").next().unwrap_or_default();
        assert!(head.contains("test"), "{test} is no test");
        let (body, _) = body.split_once("\n}\n").expect("a function ends");
        let digits = |c: char| c.is_ascii_digit();
        let named = body
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word.chars().all(digits) && word.parse() == Ok(code));
        assert!(named, "{test} does not speak of {code}");
    }
}

#[test]
fn the_help_lists_every_exit_code() {
    let mut help = infrai_video_cli::command().render_long_help().to_string();
    let (_, list) = help.split_once("Exit codes:").expect("the help has a list");
    help = format!(" {}", list.replace('\n', " "));
    for code in codes() {
        assert!(help.contains(&format!(" {code}  ")), "{code} is not in the help");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_cannot_be_cancelled_and_that_is_1() {
    let harness = Harness::instant().await;
    let id = harness.job();
    harness.run(["wait", &id]);
    let run = harness.run(["cancel", &id]);
    assert!(run.failed(1).contains(&format!("infrai-video status {id}")), "{}", run.stderr);
}
