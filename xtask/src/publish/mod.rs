//! `cargo xtask publish`: writes what teams of other languages take, and keeps it under its version.

mod dereference;
pub(crate) mod edition31;
mod html;
mod manifest;
mod members;
mod releases;

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::contract::{Contract, ContractError, DOCUMENT};
use releases::Standing;

/// The workflows, written by hand, seen from the root of the workspace.
pub const WORKFLOWS: &str = "openapi/workflows.arazzo.yaml";

/// The contract's own changelog, seen from the root of the workspace.
const CHANGELOG: &str = "openapi/CHANGELOG.md";

/// One file that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    name: &'static str,
    description: &'static str,
    media_type: &'static str,
    content: String,
}

/// All that is published under one version, the manifest last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Release {
    version: String,
    files: Vec<File>,
}

/// What files are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be handed on. The version is kept, and other content under it is refused from then on.
    Release,
    /// To be looked at. The version may still change.
    Preview,
}

/// Writes the release of the contract into `out`. For a release it is kept in `openapi/releases` where it was not before.
///
/// The same input gives the same bytes. One line on `report` for each file: its SHA-256 and its name.
///
/// # Errors
/// [`PublishError`], also where other content was published under this version; then nothing is written.
pub fn run(root: &Path, out: &Path, purpose: Purpose, report: &mut dyn Write) -> Result<(), PublishError> {
    let release = release(root)?;
    match purpose {
        Purpose::Release => releases::keep(root, &release)?,
        Purpose::Preview => drop(releases::standing(root, &release)?),
    }
    write(out, release.files.iter())?;
    for file in &release.files {
        let line = writeln!(report, "{}  {}", manifest::sha256(&file.content), file.name);
        line.map_err(|error| PublishError::Io(PathBuf::from("standard output"), error))?;
    }
    Ok(())
}

/// Installs what publishing needs of other ecosystems, once.
///
/// # Errors
/// If that fails, in words.
pub fn install(root: &Path) -> Result<(), String> {
    html::Redoc::install(root).map(|_| ())
}

/// Compares what would be published with what is kept under its version. Nothing is written.
///
/// # Errors
/// [`PublishError`], also where not all of it is kept yet.
pub fn check(root: &Path) -> Result<(), PublishError> {
    let release = release(root)?;
    match releases::standing(root, &release)? {
        Standing::Kept => Ok(()),
        Standing::Missing(_) => Err(PublishError::NotKept { version: release.version }),
    }
}

fn release(root: &Path) -> Result<Release, PublishError> {
    let read = |name: &str| {
        let path = root.join(name);
        fs::read_to_string(&path).map_err(|error| PublishError::Io(path, error))
    };
    let redoc = html::Redoc::install(root).map_err(PublishError::Tool)?;
    make(&redoc, read(DOCUMENT)?, read(WORKFLOWS)?, read(CHANGELOG)?)
}

fn make(
    redoc: &html::Redoc,
    yaml: String,
    workflows: String,
    changelog: String,
) -> Result<Release, PublishError> {
    let document = Contract::parse(&yaml)?.value;
    let version = info_version(&document).to_owned();
    let described = Contract::parse_value(&workflows);
    let described = described.map_err(|error| PublishError::Content(format!("{WORKFLOWS}: {error}")))?;
    if info_version(&described) != version {
        return Err(PublishError::Content(format!(
            "{WORKFLOWS} is not of version {version}; raise its info.version"
        )));
    }
    if !changelog.lines().any(|line| line.trim_end() == format!("## {version}")) {
        return Err(PublishError::Content(format!("{CHANGELOG} has no section `## {version}`; write one")));
    }
    let content = PublishError::Content;
    let page = html::page(redoc, &document).map_err(content)?;
    let dereferenced = dereference::dereference(&document).map_err(content)?;
    let edition31 = edition31::convert(&document).map_err(content)?;
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

/// JSON for people too, as `video.json` is written everywhere.
pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn write<'a>(directory: &Path, files: impl Iterator<Item = &'a File>) -> Result<(), PublishError> {
    fs::create_dir_all(directory).map_err(|error| PublishError::Io(directory.to_owned(), error))?;
    for file in files {
        let path = directory.join(file.name);
        fs::write(&path, &file.content).map_err(|error| PublishError::Io(path, error))?;
    }
    Ok(())
}

/// Why nothing was published.
#[derive(Debug)]
pub enum PublishError {
    /// The contract cannot be read.
    Contract(ContractError),
    /// What is to be published is not fit for it.
    Content(String),
    /// A program of another ecosystem is missing.
    Tool(String),
    /// A file cannot be read or written.
    Io(PathBuf, io::Error),
    /// Other content was published under this version.
    Changed {
        /// The version.
        version: String,
        /// The names of the files that differ; never empty.
        files: Vec<String>,
    },
    /// Nothing was published under this version, or not all of it is kept.
    NotKept {
        /// The version.
        version: String,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(error) => write!(f, "{error}"),
            Self::Content(what) | Self::Tool(what) => f.write_str(what),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Changed { version, files } => write!(
                f,
                "{version} was published with another {}; raise info.version in {DOCUMENT}, or put back what was changed",
                files.join(", ")
            ),
            Self::NotKept { version } => write!(
                f,
                "{version} is not published; run `cargo xtask publish --out DIR` and commit openapi/releases/{version}"
            ),
        }
    }
}

impl std::error::Error for PublishError {}

impl From<ContractError> for PublishError {
    fn from(error: ContractError) -> Self {
        Self::Contract(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\n";

    fn small(changelog: &str) -> Result<Release, PublishError> {
        with_workflows("arazzo: 1.0.1\ninfo: {version: 1.0.0}\n", changelog)
    }

    fn with_workflows(workflows: &str, changelog: &str) -> Result<Release, PublishError> {
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
