//! Published versions in `openapi/releases/VERSION/`, which never change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use openapi_tools::DOCUMENT;
use serde_json::Value;

use super::{File, Release, manifest};

/// The directory of the releases from the root of the workspace.
const RELEASES: &str = "openapi/releases";

/// The files of a release that are stored. The others can be reproduced, and their checksums are in the manifest.
const STORED: [&str; 4] = ["video.yaml", "video.json", "workflows.arazzo.yaml", manifest::NAME];

/// Whether a release is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing else is stored under its version, and these files are missing.
    Missing(Vec<&'static str>),
    /// All of it is stored, byte for byte.
    Stored,
}

/// The directory of the release of this version.
pub(super) fn directory(root: &Path, version: &str) -> PathBuf {
    root.join(RELEASES).join(version)
}

/// Compares a release with what is stored under its version.
///
/// # Errors
/// If other content is stored under it, or a file cannot be read.
pub(super) fn state(root: &Path, release: &Release) -> Result<State> {
    let directory = directory(root, &release.version);
    let (mut missing, mut changed) = (Vec::new(), Vec::new());
    for file in stored(release) {
        match fs::read(directory.join(file.name)) {
            Ok(bytes) if bytes == file.content.as_bytes() => {}
            // The manifest is the last file, and differs if any other file differs.
            Ok(bytes) if file.name == manifest::NAME => {
                changed.extend(different_and_not_stored(&file.content, &bytes));
                if changed.is_empty() {
                    changed.push(file.name.to_owned());
                }
            }
            Ok(_) => changed.push(file.name.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(file.name),
            Err(error) => return Err(error).context(directory.join(file.name).display().to_string()),
        }
    }
    if !changed.is_empty() {
        bail!(
            "{} was published with another {}; raise info.version in {DOCUMENT}, or restore the old content",
            release.version,
            changed.join(", ")
        );
    }
    Ok(if missing.is_empty() { State::Stored } else { State::Missing(missing) })
}

/// Stores the missing files of a release.
///
/// # Errors
/// Those of [`state`].
pub(super) fn store(root: &Path, release: &Release) -> Result<()> {
    let State::Missing(missing) = state(root, release)? else {
        return Ok(());
    };
    let directory = directory(root, &release.version);
    super::write(&directory, stored(release).filter(|file| missing.contains(&file.name)))
}

fn stored(release: &Release) -> impl Iterator<Item = &File> {
    release.files.iter().filter(|file| STORED.contains(&file.name))
}

/// The files whose checksums differ between two manifests, without the stored files, which are compared byte for byte.
fn different_and_not_stored(now: &str, before: &[u8]) -> Vec<String> {
    let (now, before) = (checksums(now.as_bytes()), checksums(before));
    let differing = now.iter().filter(|(name, checksum)| before.get(*name) != Some(*checksum));
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    let names = differing.chain(gone).map(|(name, _)| name);
    names.filter(|name| !STORED.contains(&name.as_str())).cloned().collect()
}

/// The checksums in a manifest by file name; empty if it is not a manifest.
fn checksums(manifest: &[u8]) -> BTreeMap<String, String> {
    let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
    let files = manifest.get("files").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |file: &Value, key: &str| file.get(key).and_then(Value::as_str).map(str::to_owned);
    files.iter().filter_map(|file| Some((text(file, "name")?, text(file, "sha256")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, yaml: &str, page: &str) -> Release {
        let file = |name, content: &str| File {
            name,
            description: "",
            media_type: "text/plain",
            content: content.to_owned(),
        };
        let mut files = vec![file("video.yaml", yaml), file("reference.html", page)];
        files.push(file(manifest::NAME, &manifest::manifest(&Value::Null, version, &files)));
        Release { version: version.to_owned(), files }
    }

    /// The message of the error, up to its remedy.
    #[track_caller]
    fn error(root: &Path, release: &Release) -> String {
        let error = store(root, release).unwrap_err().to_string();
        error.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_release_is_stored_once_and_may_be_published_again_unchanged() {
        let root = tempfile::tempdir().unwrap();
        let release = release("1.0.0", "a", "p");
        assert_eq!(state(root.path(), &release).unwrap(), State::Missing(vec!["video.yaml", manifest::NAME]));
        store(root.path(), &release).unwrap();
        assert_eq!(state(root.path(), &release).unwrap(), State::Stored);
        store(root.path(), &release).unwrap();
        let stored = directory(root.path(), "1.0.0");
        assert!(!stored.join("reference.html").exists(), "the checksum of the page is enough");
        assert_eq!(fs::read_to_string(stored.join("video.yaml")).unwrap(), "a");
    }

    #[test]
    fn other_content_under_the_same_version_is_an_error_and_the_old_content_stays() {
        let root = tempfile::tempdir().unwrap();
        store(root.path(), &release("1.0.0", "a", "p")).unwrap();
        let text = error(root.path(), &release("1.0.0", "b", "p"));
        assert_eq!(text, "1.0.0 was published with another video.yaml");
        let stored = directory(root.path(), "1.0.0");
        assert_eq!(fs::read_to_string(stored.join("video.yaml")).unwrap(), "a");
        store(root.path(), &release("1.0.1", "b", "p")).unwrap();
    }

    #[test]
    fn a_file_that_is_not_stored_is_compared_by_its_checksum() {
        let root = tempfile::tempdir().unwrap();
        store(root.path(), &release("1.0.0", "a", "p")).unwrap();
        let text = error(root.path(), &release("1.0.0", "a", "q"));
        assert_eq!(text, "1.0.0 was published with another reference.html");
    }

    #[test]
    fn a_manifest_that_was_edited_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let release = release("1.0.0", "a", "p");
        store(root.path(), &release).unwrap();
        fs::write(directory(root.path(), "1.0.0").join(manifest::NAME), "{}").unwrap();
        assert_eq!(error(root.path(), &release), "1.0.0 was published with another reference.html");
        let described = release.files[2].content.replace("1.0.0", "1.0.1");
        fs::write(directory(root.path(), "1.0.0").join(manifest::NAME), described).unwrap();
        assert_eq!(error(root.path(), &release), "1.0.0 was published with another manifest.json");
    }

    #[test]
    fn a_partly_stored_release_is_completed() {
        let root = tempfile::tempdir().unwrap();
        let release = release("1.0.0", "a", "p");
        let directory = directory(root.path(), "1.0.0");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("video.yaml"), "a").unwrap();
        assert_eq!(state(root.path(), &release).unwrap(), State::Missing(vec![manifest::NAME]));
        store(root.path(), &release).unwrap();
        assert_eq!(state(root.path(), &release).unwrap(), State::Stored);
    }
}
