//! The names of the files beside a target: `NAME.part` and those that begin with it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::hex;

/// The longest name that common file systems take: in UTF-16 units on Windows, in bytes elsewhere.
const LONGEST: usize = 255;

/// The longest addition to a name: that of a sidecar which is about to replace the one before.
const ADDITION: &str = ".part.json.new";

/// How many bytes of a long name begin its short form.
const BEGINNING: usize = 32;

/// How many bytes of a SHA-256 tell the short forms of long names apart.
const DIGEST: usize = 8;

/// The file in which the clip for `target` is collected: `NAME.part`, or a short name of its own where that would be too long.
/// A part that is there already under the long name keeps it.
pub(super) fn part(target: &Path) -> PathBuf {
    let part = target.with_added_extension("part");
    match target.file_name() {
        Some(name) if length(name) + ADDITION.len() > LONGEST && part.symlink_metadata().is_err() => {
            target.with_file_name(short(name)).with_added_extension("part")
        }
        _ => part,
    }
}

/// The sidecar of a part.
pub(super) fn note(part: &Path) -> PathBuf {
    part.with_added_extension("json")
}

/// The next version of a sidecar, until it takes the place of the one before.
pub(super) fn fresh(note: &Path) -> PathBuf {
    note.with_added_extension("new")
}

fn length(name: &OsStr) -> usize {
    match cfg!(windows) {
        true => name.to_string_lossy().encode_utf16().count(),
        false => name.len(),
    }
}

/// Its beginning and its hash: the same in every run, and another one for every name.
fn short(name: &OsStr) -> String {
    let digest = Sha256::digest(name.as_encoded_bytes());
    let text = name.to_string_lossy();
    let beginning = &text[..text.floor_char_boundary(BEGINNING)];
    format!("{beginning}-{}", hex(&digest[..DIGEST]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(target: &Path) -> Vec<usize> {
        let part = part(target);
        let note = note(&part);
        let fresh = fresh(&note);
        [part, note, fresh].iter().map(|path| length(path.file_name().unwrap())).collect()
    }

    #[test]
    fn a_part_is_called_after_its_clip_unless_that_is_too_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(part(&path("a.mp4")), path("a.mp4.part"));
        let longest = "a".repeat(LONGEST - ADDITION.len());
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
    fn a_part_under_a_long_name_keeps_it() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("a".repeat(245));
        let part = target.with_added_extension("part");
        assert_ne!(super::part(&target), part);
        std::fs::write(&part, "").unwrap();
        assert_eq!(super::part(&target), part);
    }
}
