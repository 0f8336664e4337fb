//! Writes several files, all or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{GeneratedFile, RegenError};

/// Writes each file below `root`. With it comes what the file holds now, if it is there.
///
/// Each is written beside its place first, where a full disk or a missing permission shows, and then renamed. If that fails in
/// the middle, the files that were renamed get their content back.
///
/// # Errors
/// The file that could not be written; all files are as they were then.
pub(super) fn all_or_none(root: &Path, files: &[(GeneratedFile, Option<String>)]) -> Result<(), RegenError> {
    let staged = |file: &GeneratedFile| beside(&root.join(&file.path));
    for (file, _) in files {
        let path = staged(file);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &file.content));
        if let Err(error) = written {
            discard(files.iter().map(|(file, _)| staged(file)));
            return Err(RegenError::Io(root.join(&file.path), error));
        }
    }
    for (index, (file, _)) in files.iter().enumerate() {
        if let Err(error) = fs::rename(staged(file), root.join(&file.path)) {
            for (file, before) in &files[..index] {
                // Nothing better is left to do where this fails too: the error that is reported names the cause.
                let _ = restore(&root.join(&file.path), before.as_deref());
            }
            discard(files[index..].iter().map(|(file, _)| staged(file)));
            return Err(RegenError::Io(root.join(&file.path), error));
        }
    }
    Ok(())
}

/// Where a file is written before it gets its place: in the same folder, so that a rename is enough.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.regen"))
}

fn restore(path: &Path, before: Option<&str>) -> io::Result<()> {
    match before {
        Some(content) => fs::write(beside(path), content).and_then(|()| fs::rename(beside(path), path)),
        None => fs::remove_file(path),
    }
}

fn discard(paths: impl Iterator<Item = PathBuf>) {
    for path in paths {
        // Those that were not written yet are not there.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, before: Option<&str>) -> (GeneratedFile, Option<String>) {
        (GeneratedFile { path: path.into(), content: "new".to_owned() }, before.map(str::to_owned))
    }

    /// The files below a directory with their contents, by path.
    fn tree(root: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(root).unwrap().display().to_string();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push((name, fs::read_to_string(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn every_file_is_written_and_nothing_else_is_left() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        all_or_none(root.path(), &[file("a", Some("old")), file("folder/b", None)]).unwrap();
        let written = |name: &str| (name.to_owned(), "new".to_owned());
        assert_eq!(tree(root.path()), [written("a"), written("folder/b")]);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_all_others_as_they_were() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        fs::write(root.path().join("b"), "old").unwrap();
        let before = tree(root.path());
        // `b` is no folder.
        let error = all_or_none(root.path(), &[file("a", Some("old")), file("c", None), file("b/d", None)])
            .unwrap_err();
        assert!(error.to_string().contains("b/d: "), "{error}");
        assert_eq!(tree(root.path()), before);
    }

    #[test]
    fn a_file_that_cannot_get_its_place_gives_the_others_their_content_back() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        fs::create_dir_all(root.path().join("place")).unwrap();
        fs::write(root.path().join("place/taken"), "by a folder").unwrap();
        let before = tree(root.path());
        let files = [file("a", Some("old")), file("c", None), file("place", None)];
        let error = all_or_none(root.path(), &files).unwrap_err();
        assert!(error.to_string().contains("place: "), "{error}");
        assert_eq!(tree(root.path()), before);
    }
}
