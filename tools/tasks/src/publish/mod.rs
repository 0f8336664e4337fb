//! `cargo xtask publish`: writes the contract for teams of other languages, and stores each version.

mod html;
mod manifest;
mod releases;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use openapi_tools::document::parse_yaml;
use openapi_tools::value::pretty;
use openapi_tools::{DOCUMENT, Document, convert, dereference};
use serde_json::Value;

use releases::State;

use crate::checksum::sha256;

/// The hand-written workflows, from the root of the workspace.
pub const WORKFLOWS: &str = "openapi/workflows.arazzo.yaml";

/// The changelog of the contract, from the root of the workspace.
const CHANGELOG: &str = "openapi/CHANGELOG.md";

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    name: &'static str,
    description: &'static str,
    media_type: &'static str,
    content: String,
}

/// All files that are published under one version, the manifest last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Release {
    version: String,
    files: Vec<File>,
}

/// The purpose of written files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be published. The version is stored, and other content under it is an error from then on.
    Release,
    /// To be reviewed. The version may still change.
    Preview,
}

/// Writes the release of the contract into `out`. For [`Purpose::Release`] it is also stored in `openapi/releases`.
///
/// The same input gives the same bytes. Prints the SHA-256 and the name of each file on `report`.
///
/// # Errors
/// If other content was published under this version, or a file cannot be read or written. Nothing is written in the first case.
pub fn run(root: &Path, out: &Path, purpose: Purpose, report: &mut dyn Write) -> Result<()> {
    let release = release(root)?;
    match purpose {
        Purpose::Release => releases::store(root, &release)?,
        Purpose::Preview => drop(releases::state(root, &release)?),
    }
    write(out, release.files.iter())?;
    for file in &release.files {
        writeln!(report, "{}  {}", sha256(&file.content), file.name).context("standard output")?;
    }
    Ok(())
}

/// Installs the npm packages that publishing needs, once.
///
/// # Errors
/// If that fails.
pub fn install(root: &Path) -> Result<()> {
    html::Redoc::install(root).map(|_| ())
}

/// Compares the release of the contract with what is stored under its version. Nothing is written.
///
/// # Errors
/// [`NotPublished`] if not all of it is stored, and those of [`run`].
pub fn check(root: &Path) -> Result<()> {
    let release = release(root)?;
    match releases::state(root, &release)? {
        State::Stored => Ok(()),
        State::Missing(_) => Err(NotPublished { version: release.version }.into()),
    }
}

fn release(root: &Path) -> Result<Release> {
    let read = |name: &str| fs::read_to_string(root.join(name)).with_context(|| name.to_owned());
    let redoc = html::Redoc::install(root)?;
    make(&redoc, read(DOCUMENT)?, read(WORKFLOWS)?, read(CHANGELOG)?)
}

fn make(redoc: &html::Redoc, yaml: String, workflows: String, changelog: String) -> Result<Release> {
    let document = Document::parse(&yaml)?.value;
    let version = info_version(&document).to_owned();
    if info_version(&parse_yaml(&workflows).context(WORKFLOWS)?) != version {
        bail!("{WORKFLOWS} is not of version {version}; raise its info.version");
    }
    if !changelog.lines().any(|line| line.trim_end() == format!("## {version}")) {
        bail!("{CHANGELOG} has no section `## {version}`; write one");
    }
    let page = html::page(redoc, &document)?;
    let dereferenced = dereference::dereference(&document)?;
    let edition31 = convert::to_openapi_31(&document)?;
    let json = "application/vnd.oai.openapi+json";
    let file = |name, description, media_type, content| File { name, description, media_type, content };
    let mut files = vec![
        file(
            "video.yaml",
            "The contract, OpenAPI 3.0, as it is written",
            "application/vnd.oai.openapi",
            yaml,
        ),
        file("video.json", "The same as JSON", json, pretty(&document)),
        file("video-3.1.json", "The same as OpenAPI 3.1", json, pretty(&edition31)),
        file(
            "video-dereferenced.json",
            "The same as OpenAPI 3.0 without references",
            json,
            pretty(&dereferenced),
        ),
        file("reference.html", "The same for people, in one file that asks no other host", "text/html", page),
        file(
            "workflows.arazzo.yaml",
            "The main workflows, Arazzo 1.0",
            "application/vnd.oai.workflows+yaml",
            workflows,
        ),
        file("CHANGELOG.md", "What changed from version to version", "text/markdown", changelog),
    ];
    let manifest = manifest::manifest(&document, &version, &files);
    files.push(file(manifest::NAME, "This list", "application/json", manifest));
    Ok(Release { version, files })
}

fn info_version(document: &Value) -> &str {
    document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default()
}

fn write<'a>(directory: &Path, files: impl Iterator<Item = &'a File>) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    for file in files {
        let path = directory.join(file.name);
        fs::write(&path, &file.content).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The version is not published, or only a part of it is in `openapi/releases`.
#[derive(Debug, thiserror::Error)]
#[error(
    "{version} is not published; run `cargo xtask publish --out DIR` and commit openapi/releases/{version}"
)]
pub struct NotPublished {
    version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\n";

    fn small(changelog: &str) -> Result<Release> {
        with_workflows("arazzo: 1.0.1\ninfo: {version: 1.0.0}\n", changelog)
    }

    fn with_workflows(workflows: &str, changelog: &str) -> Result<Release> {
        let redoc = html::Redoc { program: "1".to_owned(), licences: "free".to_owned() };
        make(&redoc, SMALL.to_owned(), workflows.to_owned(), changelog.to_owned())
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(small("## 1.0.0\n").unwrap(), small("## 1.0.0\n").unwrap());
    }

    #[test]
    fn the_manifest_lists_every_other_file() {
        let release = small("## 1.0.0\n").unwrap();
        let (manifest, others) = release.files.split_last().unwrap();
        let manifest: Value = serde_json::from_str(&manifest.content).unwrap();
        let listed: Vec<_> = manifest["files"].as_array().unwrap().iter().map(|file| &file["name"]).collect();
        assert_eq!(listed, others.iter().map(|file| file.name).collect::<Vec<_>>());
        assert_eq!(manifest["version"], "1.0.0");
    }

    #[test]
    fn workflows_of_another_version_are_not_published() {
        let error = with_workflows("info: {version: 0.9.0}\n", "## 1.0.0\n").unwrap_err().to_string();
        assert_eq!(error, format!("{WORKFLOWS} is not of version 1.0.0; raise its info.version"));
        assert!(with_workflows("info: {", "## 1.0.0\n").is_err());
    }

    #[test]
    fn a_version_that_the_changelog_does_not_have_is_not_published() {
        for changelog in ["# Changelog\n", "## 1.0.0, not yet published\n", "## 1.0.01\n"] {
            let error = small(changelog).unwrap_err().to_string();
            assert_eq!(error, "openapi/CHANGELOG.md has no section `## 1.0.0`; write one");
        }
    }
}
