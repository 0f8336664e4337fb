//! What the contract is compared with.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use semver::Version;
use serde_json::Value;

use crate::contract::{Contract, ContractError, DOCUMENT};

/// Where the released documents are: `VERSION/video.yaml` below this, seen from the root of the workspace.
const RELEASES: &str = "openapi/releases";

/// A document to compare with.
#[derive(Debug, Clone)]
pub struct Base {
    /// Where it is from, for people.
    pub name: String,
    /// The document as plain JSON.
    pub document: Value,
}

impl Base {
    /// The last release.
    ///
    /// # Errors
    /// [`BaseError::NoRelease`] if there is none, else what is wrong with its file.
    pub fn released(root: &Path) -> Result<Self, BaseError> {
        let directory = root.join(RELEASES);
        let entries = std::fs::read_dir(&directory).map_err(|_| BaseError::NoRelease)?;
        let versions = entries.flatten().filter_map(|entry| {
            let version = Version::parse(&entry.file_name().to_string_lossy()).ok()?;
            entry.path().join("video.yaml").is_file().then_some(version)
        });
        let last = versions.max().ok_or(BaseError::NoRelease)?;
        Self::file(root, &format!("{RELEASES}/{last}/video.yaml"))
    }

    /// What `name` is: a file if there is one, else a revision of git in the workspace at `root`.
    ///
    /// # Errors
    /// If it is neither, or no OpenAPI document.
    pub fn named(root: &Path, name: &str) -> Result<Self, BaseError> {
        if Path::new(name).is_file() { Self::file(Path::new(""), name) } else { Self::revision(root, name) }
    }

    /// The contract as it is now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn current(root: &Path) -> Result<Self, BaseError> {
        Self::file(root, DOCUMENT)
    }

    /// The version that the document has by its own account.
    #[must_use]
    pub fn version(&self) -> &str {
        self.document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default()
    }

    fn file(root: &Path, name: &str) -> Result<Self, BaseError> {
        let contract = Contract::load(&root.join(name))
            .map_err(|error| BaseError::Document { name: name.to_owned(), error: Box::new(error) })?;
        Ok(Self { name: name.to_owned(), document: contract.value })
    }

    fn revision(root: &Path, revision: &str) -> Result<Self, BaseError> {
        let name = format!("{revision}:{DOCUMENT}");
        let neither = |why: String| BaseError::Neither { name: revision.to_owned(), why };
        let output = Command::new("git")
            .current_dir(root)
            .args(["show", "--end-of-options", &name])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| neither(format!("git cannot be started: {error}")))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(neither(complaint.lines().next().unwrap_or_default().to_owned()));
        }
        let contract = Contract::parse(&String::from_utf8_lossy(&output.stdout))
            .map_err(|error| BaseError::Document { name: name.clone(), error: Box::new(error) })?;
        Ok(Self { name, document: contract.value })
    }
}

/// There is nothing to compare with.
#[derive(Debug)]
pub enum BaseError {
    /// No document was released yet.
    NoRelease,
    /// What was named is neither a file nor a revision.
    Neither {
        /// What was named.
        name: String,
        /// What git said.
        why: String,
    },
    /// The document cannot be read.
    Document {
        /// Where it is from.
        name: String,
        /// What is wrong with it.
        error: Box<ContractError>,
    },
}

impl fmt::Display for BaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRelease => {
                write!(
                    f,
                    "there is no release in {RELEASES}; copy {DOCUMENT} to {RELEASES}/VERSION/video.yaml"
                )
            }
            Self::Neither { name, why } => {
                write!(f, "{name} is neither a file nor a revision of git ({why}); name one of both")
            }
            Self::Document { name, error } => write!(f, "{name}: {error}"),
        }
    }
}

impl std::error::Error for BaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Document { error, .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(root: &Path, version: &str) {
        let directory = root.join(RELEASES).join(version);
        std::fs::create_dir_all(&directory).unwrap();
        let text = format!("openapi: 3.0.3\ninfo: {{title: T, version: {version}}}\npaths: {{}}\n");
        std::fs::write(directory.join("video.yaml"), text).unwrap();
    }

    #[test]
    fn the_last_release_is_the_highest_version_and_not_the_last_name() {
        let root = tempfile::tempdir().unwrap();
        for version in ["1.9.0", "1.10.0", "1.2.0"] {
            release(root.path(), version);
        }
        std::fs::create_dir(root.path().join(RELEASES).join("2.0.0")).unwrap();
        assert_eq!(Base::released(root.path()).unwrap().version(), "1.10.0");
    }

    #[test]
    fn without_a_release_it_says_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let error = Base::released(root.path()).unwrap_err().to_string();
        assert!(error.starts_with("there is no release") && error.contains("; copy "), "{error}");
    }

    #[test]
    fn what_is_neither_a_file_nor_a_revision_is_refused() {
        let root = tempfile::tempdir().unwrap();
        for name in ["nowhere", "--output=here"] {
            let error = Base::named(root.path(), name).unwrap_err();
            assert!(matches!(error, BaseError::Neither { .. }), "{error}");
        }
    }
}
