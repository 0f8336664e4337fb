//! The names of the part file and its sidecar.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::download::hex::hex;

/// The maximum length of a name on common file systems: in UTF-16 units on Windows, in bytes elsewhere.
const MAX_NAME: usize = 255;

/// The longest suffix: that of a new sidecar before it replaces the old one.
const LONGEST_SUFFIX: &str = ".part.json.new";

/// The number of bytes of a long name that its short form keeps.
const PREFIX: usize = 32;

/// The number of bytes of a SHA-256 that make a short form unique.
const DIGEST: usize = 8;

/// The part file for `target`: `NAME.part`, or a short name if that is too long. An existing part file with the long name keeps
/// it.
pub(in crate::download) fn part(target: &Path) -> PathBuf {
    let part = add_extension(target, "part");
    match target.file_name() {
        Some(name) if length(name) + LONGEST_SUFFIX.len() > MAX_NAME && part.symlink_metadata().is_err() => {
            add_extension(&target.with_file_name(short(name)), "part")
        }
        _ => part,
    }
}

/// The sidecar of a part file.
pub(super) fn sidecar(part: &Path) -> PathBuf {
    add_extension(part, "json")
}

/// A new sidecar before it replaces the old one.
pub(super) fn new_sidecar(sidecar: &Path) -> PathBuf {
    add_extension(sidecar, "new")
}

fn add_extension(path: &Path, extension: &str) -> PathBuf {
    let Some(name) = path.file_name() else { return path.to_owned() };
    let mut name = name.to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

fn length(name: &OsStr) -> usize {
    match cfg!(windows) {
        true => name.to_string_lossy().encode_utf16().count(),
        false => name.len(),
    }
}

/// The beginning and the hash of a name.
fn short(name: &OsStr) -> String {
    let digest = Sha256::digest(name.as_encoded_bytes());
    let text = name.to_string_lossy();
    let prefix = (0..=PREFIX).rfind(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}-{}", &text[..prefix], hex(&digest[..DIGEST]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(target: &Path) -> Vec<usize> {
        let part = part(target);
        let sidecar = sidecar(&part);
        let new = new_sidecar(&sidecar);
        [part, sidecar, new].iter().map(|path| length(path.file_name().unwrap())).collect()
    }

    #[test]
    fn a_part_file_has_the_name_of_its_clip_unless_that_is_too_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(part(&path("a.mp4")), path("a.mp4.part"));
        let longest = "a".repeat(MAX_NAME - LONGEST_SUFFIX.len());
        assert_eq!(part(&path(&longest)), path(&format!("{longest}.part")));
        for name in [&"a".repeat(242), &"a".repeat(255), &"é".repeat(127), &"東".repeat(85), &"🌆".repeat(63)]
        {
            assert!(names(&path(name)).iter().all(|length| *length < 80), "{name}");
        }
        let (one, other) = (path(&format!("{longest}1")), path(&format!("{longest}2")));
        assert_ne!(part(&one), part(&other));
        assert_eq!(part(&one), part(&one));
    }

    #[test]
    fn an_existing_part_file_with_a_long_name_keeps_it() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a".repeat(245));
        let part = directory.path().join("a".repeat(245) + ".part");
        assert_ne!(super::part(&target), part);
        std::fs::write(&part, "").unwrap();
        assert_eq!(super::part(&target), part);
    }
}
