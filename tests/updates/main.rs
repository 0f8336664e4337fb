//! Updates of the document that break nobody: each is one run of `cargo xtask regen`, and the workspace compiles after it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod list;

use std::fs;

use contract_tests::root;
use external_tools::{Process, cargo, workspace};
use list::UPDATES;
use openapi_checks::diff::{Breaks, compare};
use openapi_checks::lint;
use openapi_tools::{DOCUMENT, Document};

/// The workspace of the copy, below the root.
const WORKSPACE: &str = "target/updates";

/// The directory of the copy below its workspace. Cargo identifies a package by its path from the root of its workspace: with
/// another path, the copy's packages and ours share a target directory, and so the built dependencies.
const COPY: &str = "copy";

#[test]
#[ignore = "takes minutes: cargo xtask test --only updates"]
fn each_update_is_one_run_of_regen_after_which_the_workspace_compiles() {
    let root = root().canonicalize().unwrap();
    let workspace = root.join(WORKSPACE);
    let copy = workspace.join(COPY);
    workspace::copy(&root, &copy).unwrap();
    let manifest = fs::read_to_string(copy.join("Cargo.toml")).unwrap();
    fs::remove_file(copy.join("Cargo.toml")).unwrap();
    fs::write(workspace.join("Cargo.toml"), moved(&manifest)).unwrap();
    fs::rename(copy.join("Cargo.lock"), workspace.join("Cargo.lock")).unwrap();
    // The copy's own program would be the same. Without cargo and a path, it can neither build nor run anything.
    let tasks = cargo::named(&cargo::programs(&root, "build -p tasks").unwrap(), "tasks").unwrap();
    let regen = |arguments: &str| {
        let regen = Process::new(&tasks, &copy).named("cargo xtask").args(arguments);
        regen.env("CARGO", "").env("PATH", "").output()
    };
    let document = copy.join(DOCUMENT);
    for update in UPDATES {
        let text = fs::read_to_string(&document).unwrap();
        fs::write(&document, update.apply(&text)).unwrap();
        let report =
            regen("regen").unwrap_or_else(|error| panic!("regen after \"{}\": {error}", update.what));
        let is_written = report.lines().any(|line| line.starts_with("written"));
        assert!(is_written, "\"{}\": regen generates nothing", update.what);
    }
    regen("regen --check").expect("a second regen gives the same files");
    let check = Process::cargo(&workspace).env("CARGO_TARGET_DIR", root.join("target"));
    let check = check.args("check --quiet --workspace --all-targets").run();
    check.expect("no update breaks the code that is written by hand");
}

/// The manifest of the workspace, for the directory above it.
fn moved(manifest: &str) -> String {
    let mut manifest: toml::Table = manifest.parse().unwrap();
    let workspace = manifest["workspace"].as_table_mut().unwrap();
    let below = |path: &mut toml::Value| {
        if let toml::Value::String(path) = path {
            path.insert_str(0, &format!("{COPY}/"));
        }
    };
    for list in ["members", "exclude", "default-members"] {
        if let Some(toml::Value::Array(paths)) = workspace.get_mut(list) {
            paths.iter_mut().for_each(below);
        }
    }
    if let Some(toml::Value::Table(dependencies)) = workspace.get_mut("dependencies") {
        dependencies.iter_mut().filter_map(|(_, dependency)| dependency.get_mut("path")).for_each(below);
    }
    toml::to_string(&manifest).unwrap()
}

#[test]
fn only_the_paths_of_a_workspace_are_moved() {
    let manifest = r#"
[workspace]
members = ["crates/*"]

[workspace.dependencies]
ours = { path = "crates/ours", version = "1" }
theirs = "2"

[profile.dev]
debug = "line-tables-only"
"#;
    let expected = manifest.replace("\"crates/", "\"copy/crates/");
    assert_eq!(moved(manifest).parse::<toml::Table>().unwrap(), expected.parse::<toml::Table>().unwrap());
}

#[test]
fn each_update_has_no_mistakes_and_breaks_nobody() {
    let mut text = fs::read_to_string(root().join(DOCUMENT)).unwrap();
    let mut problems = Vec::new();
    for update in UPDATES {
        let what = update.what;
        let new = update.apply(&text);
        let report = lint::check(&new);
        problems.extend(report.findings().iter().map(|finding| format!("{what}: {finding}")));
        let (old, changed) = (Document::parse(&text).unwrap(), Document::parse(&new).unwrap());
        let changes = compare(&old.value, &changed.value);
        if changes.is_empty() {
            problems.push(format!("{what}: nothing changes"));
        }
        let breaking = changes.iter().filter(|change| change.breaks != Breaks::Nobody);
        problems.extend(breaking.map(|change| format!("{what}: {} {}", change.place, change.sentence)));
        text = new;
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
