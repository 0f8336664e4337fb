//! What was published is kept in `openapi/releases/VERSION/`, and stays what it is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{File, PublishError, Release, manifest};

/// Where the releases are, seen from the root of the workspace.
const RELEASES: &str = "openapi/releases";

/// What is kept of a release. The manifest has the checksums of the rest, which follows from these and from pinned programs.
const KEPT: [&str; 4] = ["video.yaml", "video.json", "workflows.arazzo.yaml", manifest::NAME];

/// How what would be published stands to what is kept under its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing else was published, and these files are still to be kept.
    Missing(Vec<&'static str>),
    /// It is all kept, byte for byte.
    Kept,
}

/// Where the release of this version is kept.
pub(super) fn directory(root: &Path, version: &str) -> PathBuf {
    root.join(RELEASES).join(version)
}

/// Compares a release with what is kept under its version.
///
/// # Errors
/// [`PublishError::Changed`] if other content was published under it, and [`PublishError::Io`].
pub(super) fn standing(root: &Path, release: &Release) -> Result<Standing, PublishError> {
    let directory = directory(root, &release.version);
    let (mut missing, mut changed) = (Vec::new(), Vec::new());
    for file in kept(release) {
        match fs::read(directory.join(file.name)) {
            Ok(bytes) if bytes == file.content.as_bytes() => {}
            // The manifest comes last, and changes with any other file.
            Ok(bytes) if file.name == manifest::NAME => {
                changed.extend(not_kept_and_different(&file.content, &bytes));
                if changed.is_empty() {
                    changed.push(file.name.to_owned());
                }
            }
            Ok(_) => changed.push(file.name.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(file.name),
            Err(error) => return Err(PublishError::Io(directory.join(file.name), error)),
        }
    }
    if !changed.is_empty() {
        return Err(PublishError::Changed { version: release.version.clone(), files: changed });
    }
    Ok(if missing.is_empty() { Standing::Kept } else { Standing::Missing(missing) })
}

/// Keeps a release that is not kept yet. What is there already is not touched.
///
/// # Errors
/// Those of [`standing`].
pub(super) fn keep(root: &Path, release: &Release) -> Result<(), PublishError> {
    let Standing::Missing(missing) = standing(root, release)? else {
        return Ok(());
    };
    let directory = directory(root, &release.version);
    super::write(&directory, kept(release).filter(|file| missing.contains(&file.name)))
}

fn kept(release: &Release) -> impl Iterator<Item = &File> {
    release.files.iter().filter(|file| KEPT.contains(&file.name))
}

/// The files whose checksums differ between two manifests, but for those that are kept and compared themselves.
fn not_kept_and_different(now: &str, before: &[u8]) -> Vec<String> {
    let (now, before) = (checksums(now.as_bytes()), checksums(before));
    let differing = now.iter().filter(|(name, checksum)| before.get(*name) != Some(*checksum));
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    let names = differing.chain(gone).map(|(name, _)| name);
    names.filter(|name| !KEPT.contains(&name.as_str())).cloned().collect()
}

/// The checksums in a manifest by the names of their files; none if it is no manifest.
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

    fn changed(root: &Path, release: &Release) -> Vec<String> {
        match keep(root, release) {
            Err(PublishError::Changed { files, .. }) => files,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_release_is_kept_once_and_may_be_published_again_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let release = release("1.0.0", "a", "p");
        assert_eq!(
            standing(root.path(), &release).unwrap(),
            Standing::Missing(vec!["video.yaml", manifest::NAME])
        );
        keep(root.path(), &release).unwrap();
        assert_eq!(standing(root.path(), &release).unwrap(), Standing::Kept);
        keep(root.path(), &release).unwrap();
        let kept = directory(root.path(), "1.0.0");
        assert!(!kept.join("reference.html").exists(), "the checksum of the page is enough");
        assert_eq!(fs::read_to_string(kept.join("video.yaml")).unwrap(), "a");
    }

    #[test]
    fn other_content_under_one_version_is_refused_and_what_is_kept_stays() {
        let root = tempfile::tempdir().unwrap();
        keep(root.path(), &release("1.0.0", "a", "p")).unwrap();
        assert_eq!(changed(root.path(), &release("1.0.0", "b", "p")), ["video.yaml"]);
        let kept = directory(root.path(), "1.0.0");
        assert_eq!(fs::read_to_string(kept.join("video.yaml")).unwrap(), "a");
        keep(root.path(), &release("1.0.1", "b", "p")).unwrap();
    }

    #[test]
    fn a_file_that_is_not_kept_is_known_by_its_checksum() {
        let root = tempfile::tempdir().unwrap();
        keep(root.path(), &release("1.0.0", "a", "p")).unwrap();
        assert_eq!(changed(root.path(), &release("1.0.0", "a", "q")), ["reference.html"]);
    }

    #[test]
    fn a_manifest_that_was_changed_by_hand_is_known_too() {
        let root = tempfile::tempdir().unwrap();
        let release = release("1.0.0", "a", "p");
        keep(root.path(), &release).unwrap();
        fs::write(directory(root.path(), "1.0.0").join(manifest::NAME), "{}").unwrap();
        assert_eq!(changed(root.path(), &release), ["reference.html"]);
        let described = release.files[2].content.replace("1.0.0", "1.0.1");
        fs::write(directory(root.path(), "1.0.0").join(manifest::NAME), described).unwrap();
        assert_eq!(changed(root.path(), &release), [manifest::NAME]);
    }

    #[test]
    fn a_release_of_which_only_a_part_is_kept_is_completed() {
        let root = tempfile::tempdir().unwrap();
        let release = release("1.0.0", "a", "p");
        let directory = directory(root.path(), "1.0.0");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("video.yaml"), "a").unwrap();
        assert_eq!(standing(root.path(), &release).unwrap(), Standing::Missing(vec![manifest::NAME]));
        keep(root.path(), &release).unwrap();
        assert_eq!(standing(root.path(), &release).unwrap(), Standing::Kept);
    }
}
