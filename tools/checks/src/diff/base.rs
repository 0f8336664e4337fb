//! The documents that are compared.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use semver::Version;
use serde_json::Value;

use openapi_tools::document::{DOCUMENT, Document};

/// The directory of the released documents from the root of the workspace. Each is at `VERSION/video.yaml`.
const RELEASES: &str = "openapi/releases";

/// A document that takes part in a comparison.
#[derive(Debug, Clone)]
pub struct Base {
    /// Its origin, for people.
    pub name: String,
    /// The document as plain JSON.
    pub document: Value,
}

impl Base {
    /// The last release.
    ///
    /// # Errors
    /// If there is none, or its document cannot be read.
    pub fn released(root: &Path) -> Result<Self> {
        let none =
            || format!("there is no release in {RELEASES}; copy {DOCUMENT} to {RELEASES}/VERSION/video.yaml");
        let directory = std::fs::read_dir(root.join(RELEASES)).ok().with_context(none)?;
        let versions = directory.flatten().filter_map(|entry| {
            let version = Version::parse(&entry.file_name().to_string_lossy()).ok()?;
            entry.path().join("video.yaml").is_file().then_some(version)
        });
        let last = versions.max().with_context(none)?;
        Self::file(root, &format!("{RELEASES}/{last}/video.yaml"))
    }

    /// The file `name` if there is one, else that revision of git in the workspace at `root`.
    ///
    /// # Errors
    /// If it is neither, or not an OpenAPI document.
    pub fn named(root: &Path, name: &str) -> Result<Self> {
        if Path::new(name).is_file() { Self::file(Path::new(""), name) } else { Self::revision(root, name) }
    }

    /// The current document.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn current(root: &Path) -> Result<Self> {
        Self::file(root, DOCUMENT)
    }

    /// The version in the document.
    #[must_use]
    pub fn version(&self) -> &str {
        self.document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default()
    }

    fn file(root: &Path, name: &str) -> Result<Self> {
        let document = Document::load(&root.join(name)).with_context(|| name.to_owned())?;
        Ok(Self { name: name.to_owned(), document: document.value })
    }

    fn revision(root: &Path, revision: &str) -> Result<Self> {
        let name = format!("{revision}:{DOCUMENT}");
        let output = Command::new("git")
            .current_dir(root)
            .args(["show", "--end-of-options", &name])
            .stdin(Stdio::null())
            .output()
            .context("git cannot be started")?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let reason = stderr.lines().next().unwrap_or_default();
            bail!("{revision} is neither a file nor a revision of git ({reason}); pass one of them");
        }
        let document = Document::parse(&String::from_utf8_lossy(&output.stdout)).context(name.clone())?;
        Ok(Self { name, document: document.value })
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
    fn without_a_release_the_error_says_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let error = Base::released(root.path()).unwrap_err().to_string();
        assert!(error.starts_with("there is no release") && error.contains("; copy "), "{error}");
    }

    #[test]
    fn a_base_is_a_file_or_a_revision() {
        let root = tempfile::tempdir().unwrap();
        for name in ["nowhere", "--output=here"] {
            let error = Base::named(root.path(), name).unwrap_err().to_string();
            assert!(error.contains("is neither a file nor a revision of git"), "{error}");
        }
    }
}
