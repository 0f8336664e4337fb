//! Writes several files, all or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::GeneratedFile;

/// Writes each file below `root`. The second part of a pair is the current content, if the file exists.
///
/// Each file is first written under a temporary name, which fails if the disk is full or a permission is missing, and then renamed.
/// If a rename fails, the files that were renamed before get their content back.
///
/// # Errors
/// Names the file that could not be written. All files are unchanged then.
pub(crate) fn all_or_none(root: &Path, files: &[(GeneratedFile, Option<String>)]) -> Result<()> {
    let staged = |file: &GeneratedFile| beside(&root.join(&file.path));
    for (file, _) in files {
        let path = staged(file);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &file.content));
        if let Err(error) = written {
            discard(files.iter().map(|(file, _)| staged(file)));
            return Err(error).context(file.path.display().to_string());
        }
    }
    for (index, (file, _)) in files.iter().enumerate() {
        if let Err(error) = fs::rename(staged(file), root.join(&file.path)) {
            for (file, before) in &files[..index] {
                // If this fails too, the first error is still the one to report.
                let _ = restore(&root.join(&file.path), before.as_deref());
            }
            discard(files[index..].iter().map(|(file, _)| staged(file)));
            return Err(error).context(file.path.display().to_string());
        }
    }
    Ok(())
}

/// The temporary name of a file, in the same directory.
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
        // Files that were not written yet do not exist.
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
    fn all_files_are_written_and_no_others_remain() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        all_or_none(root.path(), &[file("a", Some("old")), file("folder/b", None)]).unwrap();
        let written = |name: &str| (name.to_owned(), "new".to_owned());
        assert_eq!(tree(root.path()), [written("a"), written("folder/b")]);
    }

    #[test]
    fn a_failed_write_leaves_all_files_unchanged() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        fs::write(root.path().join("b"), "old").unwrap();
        let before = tree(root.path());
        // `b` is a file.
        let error = all_or_none(root.path(), &[file("a", Some("old")), file("c", None), file("b/d", None)])
            .unwrap_err();
        assert_eq!(error.to_string(), "b/d");
        assert_eq!(tree(root.path()), before);
    }

    #[test]
    fn a_failed_rename_restores_the_other_files() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "old").unwrap();
        fs::create_dir_all(root.path().join("place")).unwrap();
        fs::write(root.path().join("place/taken"), "by a folder").unwrap();
        let before = tree(root.path());
        let files = [file("a", Some("old")), file("c", None), file("place", None)];
        let error = all_or_none(root.path(), &files).unwrap_err();
        assert_eq!(error.to_string(), "place");
        assert_eq!(tree(root.path()), before);
    }
}
