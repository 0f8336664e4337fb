//! The content of each package: its licences, its page, and every file that its sources include.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, ensure};
use contract_tests::root;
use external_tools::Process;
use external_tools::skip::summarize;
use serde_json::{Value, json};

/// In every package, with the same content as at the root.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Fields that the registry requires, and that its page of a crate shows.
const FACTS: [&str; 4] = ["description", "license", "readme", "rust_version"];

/// A field that stays empty until the first publication.
const REPOSITORY: &str = "repository";

/// How a source includes another file, up to its name.
const INCLUDES: [&str; 3] = ["include_str!(\"", "include_bytes!(\"", "#[path = \""];

#[test]
#[ignore = "takes seconds: cargo xtask test --only package"]
fn each_package_contains_its_licences_its_page_and_every_included_file() {
    let packages = packages(&root()).unwrap();
    let mut problems = Vec::new();
    for package in &packages {
        let list = Process::cargo(&root()).args("package --list --allow-dirty --quiet -p").arg(&package.name);
        problems.extend(package.problems(&root(), &list.read().unwrap()).unwrap());
    }
    assert!(problems.is_empty(), "missing or wrong in the packages:\n{}", problems.join("\n"));
    if packages.iter().any(|package| !package.has(REPOSITORY)) {
        summarize(
            "Cargo.toml has no repository: fill it in before the first publication, see CONTRIBUTING.md",
        );
    }
}

/// A crate that is published.
#[derive(Debug)]
struct Package {
    name: String,
    directory: PathBuf,
    metadata: Value,
}

/// The crates of the workspace that may be published.
fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let text = Process::cargo(root).args("metadata --format-version 1 --no-deps --offline").read()?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
    let all = metadata["packages"].as_array().into_iter().flatten();
    let packages: Vec<Package> = all
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str()?);
            let (name, directory) = (package["name"].as_str()?.to_owned(), manifest.parent()?.to_owned());
            Some(Package { name, directory, metadata: package.clone() })
        })
        .collect();
    ensure!(!packages.is_empty(), "no crate is published");
    Ok(packages)
}

impl Package {
    /// Whether a field of the manifest has a value.
    fn has(&self, field: &str) -> bool {
        self.metadata[field].as_str().is_some_and(|value| !value.is_empty())
    }

    /// The problems of the package, with the list of its files.
    fn problems(&self, root: &Path, list: &str) -> io::Result<Vec<String>> {
        let files: BTreeSet<&str> = list.lines().collect();
        let mut problems = Vec::new();
        let missing = FACTS.iter().filter(|fact| !self.has(fact));
        problems.extend(missing.map(|fact| format!("Cargo.toml has no {fact}")));
        for licence in LICENCES {
            let same = fs::read(self.directory.join(licence)).ok() == fs::read(root.join(licence)).ok();
            if !same || !files.contains(licence) {
                problems.push(format!("{licence} is not that of the workspace; copy it there"));
            }
        }
        let readme = self.metadata["readme"].as_str().unwrap_or_default();
        if !readme.is_empty() && !files.contains(readme) {
            problems.push(format!("{readme} is not packed"));
        }
        for file in files.iter().filter(|file| file.ends_with(".rs")) {
            let text = fs::read_to_string(self.directory.join(file))?;
            let lost = included(&text).filter(|name| !files.contains(&*beside(file, name)));
            problems.extend(lost.map(|name| format!("{file} includes {name:?}, which is not packed")));
        }
        Ok(problems.into_iter().map(|problem| format!("{}: {problem}", self.name)).collect())
    }
}

/// The names of the files that a source includes.
fn included(text: &str) -> impl Iterator<Item = &str> {
    INCLUDES
        .iter()
        .flat_map(|include| text.split(include).skip(1))
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name))
}

/// The path of `name`, relative to the directory of `file`. `..` beyond the root remains, and so is in no list.
fn beside(file: &str, name: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in Path::new(name).components() {
        match part {
            Component::ParentDir if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            Component::CurDir => {}
            part => parts.push(part.as_os_str().to_str().unwrap_or_default()),
        }
    }
    parts.join("/")
}

fn package(directory: &Path, metadata: Value) -> Package {
    Package { name: "a".to_owned(), directory: directory.to_owned(), metadata }
}

#[test]
fn a_complete_package_has_no_problems_and_each_missing_part_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (root, own) = (directory.path(), directory.path().join("a"));
    fs::create_dir_all(own.join("src")).unwrap();
    for licence in LICENCES {
        fs::write(root.join(licence), licence).unwrap();
        fs::write(own.join(licence), licence).unwrap();
    }
    fs::write(own.join("src/lib.rs"), "const A: &str = include_str!(\"../README.md\");").unwrap();
    let facts = json!({
        "description": "d", "license": "MIT", "readme": "README.md", "rust_version": "1.95",
    });
    let whole = "LICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n";
    assert_eq!(package(&own, facts.clone()).problems(root, whole).unwrap(), Vec::<String>::new());

    let without_page = whole.replace("README.md\n", "");
    assert_eq!(
        package(&own, facts.clone()).problems(root, &without_page).unwrap(),
        ["a: README.md is not packed", "a: src/lib.rs includes \"../README.md\", which is not packed"]
    );
    fs::write(own.join("LICENSE-MIT"), "another").unwrap();
    let mut poor = facts;
    poor["description"] = Value::Null;
    assert_eq!(
        package(&own, poor).problems(root, whole).unwrap(),
        ["a: Cargo.toml has no description", "a: LICENSE-MIT is not that of the workspace; copy it there"]
    );
}

#[test]
fn a_name_is_relative_to_its_file() {
    assert_eq!(beside("src/a/b.rs", "c.json"), "src/a/c.json");
    assert_eq!(beside("src/lib.rs", "../README.md"), "README.md");
    assert_eq!(beside("src/lib.rs", "../../docs/x.md"), "../docs/x.md");
}
