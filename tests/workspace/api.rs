//! The public API of the libraries, as it was reviewed.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use contract_tests::root;
use external_tools::Process;
use external_tools::skip::{Unavailable, available};
use public_api::rustdoc_types::FORMAT_VERSION;

/// The libraries, with all of their features but `aws-lc-rs`, which adds nothing to the API.
const LIBRARIES: [&str; 3] = ["infrai-video-client", "infrai-video", "infrai-video-sandbox"];

/// The compiler of this workspace. The output of others differs, and its format too.
const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

#[test]
#[ignore = "builds documentation: cargo xtask test --only api"]
fn the_public_api_is_what_was_reviewed() {
    let root = root().canonicalize().unwrap();
    if available("api", pinned_rustdoc(&root)).is_none() {
        return;
    }
    document(&root).unwrap();
    for name in LIBRARIES {
        let name = name.replace('-', "_");
        let json = root.join("target/doc").join(&name).with_extension("json");
        check_format(&fs::read_to_string(&json).unwrap()).unwrap();
        let api = public_api::Builder::from_rustdoc_json(json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .build()
            .unwrap();
        insta::assert_snapshot!(name, summary(&api.to_string()));
    }
}

/// A feature that nobody selects would not be in the snapshots.
#[test]
fn every_feature_of_the_libraries_is_selected() {
    let metadata =
        Process::cargo(&root()).args("metadata --format-version 1 --locked --offline").read().unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let selected = metadata["resolve"]["nodes"].as_array().unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        if !LIBRARIES.contains(&package["name"].as_str().unwrap()) {
            continue;
        }
        let node = selected.iter().find(|node| node["id"] == package["id"]).unwrap();
        let selected = node["features"].as_array().unwrap();
        for feature in package["features"].as_object().unwrap().keys() {
            let is_selected = selected.iter().any(|selected| selected == feature);
            assert!(
                is_selected || feature == "aws-lc-rs",
                "{}: select the feature {feature} in tests/Cargo.toml",
                package["name"]
            );
        }
    }
}

/// An error if rustdoc is of another version than the snapshots.
fn pinned_rustdoc(root: &Path) -> anyhow::Result<()> {
    let version = Process::new("rustdoc", root).args("--version").read().unwrap_or_default();
    if version.starts_with(&format!("rustdoc {RUST_VERSION}.")) {
        return Ok(());
    }
    let version = version.trim();
    Err(Unavailable(format!("the snapshots are of rustdoc {RUST_VERSION}, and `{version}` is installed"))
        .into())
}

/// Writes the API of the libraries to `target/doc`, one JSON file for each.
fn document(root: &Path) -> anyhow::Result<()> {
    let rustdoc = root.join("tests/workspace/rustdoc.sh");
    // The package of this test selects all features that add to an API. With another selection, cargo would build the dependencies
    // again.
    let cargo = Process::cargo(root)
        .args("doc --workspace --no-deps --lib --target-dir target --config")
        .arg(format!("build.rustdoc = {:?}", rustdoc.display().to_string()))
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    cargo.run()
}

/// An error if `public-api` was made for another format: it would fail without a reason, or miss a part of the API.
fn check_format(json: &str) -> anyhow::Result<()> {
    let json: serde_json::Value = serde_json::from_str(json)?;
    let written = json["format_version"].as_u64().context("rustdoc wrote no format_version")?;
    anyhow::ensure!(
        written == u64::from(FORMAT_VERSION),
        "rustdoc {RUST_VERSION} writes format {written} of its JSON, and the crate public-api reads {FORMAT_VERSION}; \
         set its version in tests/Cargo.toml to one that depends on rustdoc-types 0.{written}"
    );
    Ok(())
}

/// The API without what follows from the rest: the methods of trait implementations, and a trait that only the compiler
/// implements. Constants and types that an implementation chooses remain.
fn summary(api: &str) -> String {
    let mut implementor = None;
    let mut lines = Vec::new();
    for line in api.lines().filter(|line| !line.contains("core::marker::StructuralPartialEq")) {
        if line.starts_with("impl") {
            implementor =
                line.split_once(" for ").map(|(_, rest)| rest.split(" where ").next().unwrap_or(rest));
        }
        let is_implied = implementor.is_some_and(|implementor| {
            line.split_once("fn ").is_some_and(|(start, rest)| {
                !start.starts_with("impl")
                    && rest.strip_prefix(implementor).is_some_and(|rest| rest.starts_with("::"))
            })
        });
        if !is_implied {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn methods_of_traits_are_left_out_and_own_methods_are_not() {
    let api = "\
pub struct a::Id(_)
impl a::Id
pub fn a::Id::get(&self) -> u32
impl core::clone::Clone for a::Id
pub fn a::Id::clone(&self) -> a::Id
impl core::marker::StructuralPartialEq for a::Id
impl<'a> core::str::traits::FromStr for a::Id where Self: Sized
pub type a::Id::Err = a::Wrong
pub fn a::Id::from_str(&str) -> core::result::Result<Self, a::Wrong>
pub fn a::Idle::new() -> Self
pub fn a::id() -> a::Id";
    let expected = "\
pub struct a::Id(_)
impl a::Id
pub fn a::Id::get(&self) -> u32
impl core::clone::Clone for a::Id
impl<'a> core::str::traits::FromStr for a::Id where Self: Sized
pub type a::Id::Err = a::Wrong
pub fn a::Idle::new() -> Self
pub fn a::id() -> a::Id";
    assert_eq!(summary(api), expected);
}

#[test]
fn another_format_says_what_to_do() {
    let error = check_format(r#"{"format_version": 1}"#).unwrap_err().to_string();
    assert!(error.contains("writes format 1 "), "{error}");
    assert!(error.ends_with("depends on rustdoc-types 0.1"), "{error}");
    assert!(check_format("{}").is_err());
    assert!(check_format(&format!(r#"{{"format_version": {FORMAT_VERSION}}}"#)).is_ok());
}

/// The step `snapshots` leaves this to us, since the tests that it follows do not read these snapshots.
#[test]
fn each_snapshot_is_of_a_library() {
    let directory = fs::read_dir(root().join("tests/workspace/snapshots")).unwrap();
    let mut names: Vec<String> =
        directory.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut expected =
        LIBRARIES.map(|name| format!("workspace__api__{}.snap", name.replace('-', "_"))).to_vec();
    expected.sort();
    assert_eq!(names, expected);
}
