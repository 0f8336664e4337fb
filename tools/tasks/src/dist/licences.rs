//! The licences of all packages in the binary, as their own files say, each text once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::dependencies::{Dependencies, Package};

/// How the name of such a file begins, in capitals.
const NAMES: [&str; 7] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "THIRD_PARTY"];

/// How deep a package may keep the licences of sources that it includes.
const DEPTH: usize = 3;

const RULE: &str = "================================================================================";

/// A list of the packages, and the texts.
pub(super) fn text(dependencies: &Dependencies) -> Result<String> {
    let mut texts = BTreeMap::<String, (String, Vec<String>)>::new();
    let mut list = String::new();
    let mut without = String::new();
    for (key, package) in &dependencies.packages {
        writeln!(list, "{key}: {}", package.license)?;
        let mut files = Vec::new();
        find(&package.directory, DEPTH, &mut files)?;
        if files.is_empty() {
            writeln!(without, "{}", notice(key, package))?;
        }
        files.sort();
        for file in files {
            let content = fs::read(&file).with_context(|| file.display().to_string())?;
            let content = String::from_utf8_lossy(&content).replace('\r', "");
            // The same text often differs in its line breaks.
            let words: String = content.split_whitespace().collect::<Vec<_>>().join(" ");
            let (_, users) = texts.entry(words).or_insert_with(|| (content.trim().to_owned(), Vec::new()));
            if users.last() != Some(key) {
                users.push(key.clone());
            }
        }
    }
    let mut texts: Vec<_> = texts.into_values().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    let mut all = format!(
        "The command infrai-video contains the packages below, with their licences, and the standard library of Rust, whose \
         licence is MIT OR Apache-2.0, copyright of the Rust Project contributors.\n\n{list}"
    );
    if !without.is_empty() {
        write!(all, "\nThese packages come without the text of their licence:\n\n{without}")?;
    }
    for (text, users) in texts {
        write!(all, "\n{RULE}\n{}\n{RULE}\n\n{text}\n", users.join(", "))?;
    }
    Ok(all)
}

/// Adds the files with licences in a directory.
fn find(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if depth > 0 && entry.file_name() != "target" {
                find(&entry.path(), depth - 1, found)?;
            }
        } else if is_licence(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// `LICENSE-MIT`, `license.txt` or `UNLICENSE`, but not the code in `license.rs`.
fn is_licence(name: &str) -> bool {
    let is_text = match name.rsplit_once('.') {
        Some((_, extension)) => !["rs", "toml", "json", "html", "py", "c", "h"].contains(&extension),
        None => true,
    };
    let name = name.to_uppercase();
    is_text && NAMES.iter().any(|start| name.starts_with(start))
}

fn notice(key: &str, package: &Package) -> String {
    let mut notice = format!("{key}: {}", package.license);
    if !package.authors.is_empty() {
        let _ = write!(notice, ", by {}", package.authors.join(", "));
    }
    if let Some(repository) = &package.repository {
        let _ = write!(notice, ", {repository}");
    }
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_recognized_by_its_name() {
        for name in ["LICENSE", "LICENSE-MIT", "license.txt", "COPYING", "LICENSE.APACHE2", "THIRD_PARTY.md"]
        {
            assert!(is_licence(name), "{name}");
        }
        for name in ["README.md", "license.rs", "my-license", "notice.c"] {
            assert!(!is_licence(name), "{name}");
        }
    }

    #[test]
    fn a_text_of_two_packages_is_there_once() {
        let root = tempfile::tempdir().unwrap();
        let mut packages = BTreeMap::new();
        for (name, text) in [("a", "Some\r\ntext"), ("b", "Some text\n"), ("c", "")] {
            let directory = root.path().join(name);
            fs::create_dir_all(directory.join("src")).unwrap();
            if !text.is_empty() {
                fs::write(directory.join("src/LICENSE"), text).unwrap();
            }
            let package = Package {
                license: "MIT".to_owned(),
                authors: vec!["Somebody".to_owned()],
                directory,
                ..Package::default()
            };
            packages.insert(format!("{name} 1.0.0"), package);
        }
        let text = text(&Dependencies::test(packages)).unwrap();
        assert!(text.contains(&format!("{RULE}\na 1.0.0, b 1.0.0\n{RULE}\n\nSome\ntext\n")), "{text}");
        assert_eq!(text.matches(RULE).count(), 2, "{text}");
        assert!(text.contains("without the text of their licence:\n\nc 1.0.0: MIT, by Somebody\n"), "{text}");
    }
}
