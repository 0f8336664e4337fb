//! The code samples of the document: excerpts of programs that tests run, from the files in [`FILES`].
//!
//! An excerpt starts after a comment `sample: NAME` and ends at a comment `end`. The name is an `operationId`, or `client` for
//! the start of every sample of the language. Lines between `skip` and `unskip` are left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::document::DOCUMENT;

/// The languages in the order of the samples, each with the file of its excerpts. Samples for curl are written in the document.
pub const FILES: [(&str, &str); 4] = [
    ("Rust", "tests/contract/rust_samples.rs"),
    ("Python", "tests/cross_language/python/samples.py"),
    ("TypeScript", "tests/cross_language/typescript/src/samples.ts"),
    ("Go", "tests/cross_language/go/samples.go"),
];

const CLIENT: &str = "client";
const BLOCK: &str = "      x-codeSamples:";

/// The excerpts of one language.
struct Excerpts {
    language: &'static str,
    /// The file that they are in.
    path: &'static str,
    by_name: BTreeMap<String, String>,
}

/// The whole document of the workspace at `root` with the current samples. Each operation has the samples of the languages with an
/// excerpt for it; [`missing`] names the others.
///
/// # Errors
/// If a file cannot be read.
pub fn document(root: &Path) -> Result<String> {
    let files = files(root)?;
    Ok(splice(&read(root, DOCUMENT)?, |operation| {
        let items = files.iter().filter_map(|Excerpts { language, by_name, .. }| {
            let source = format!("{}\n{}", by_name.get(CLIENT)?, by_name.get(operation)?);
            Some(item(language, &source))
        });
        items.collect()
    }))
}

/// A line for each excerpt that a file does not have for one of these operations.
///
/// # Errors
/// If a file cannot be read.
pub fn missing<'a>(root: &Path, operations: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>> {
    let files = files(root)?;
    let names: Vec<&str> = std::iter::once(CLIENT).chain(operations).collect();
    let missing = files.iter().flat_map(|Excerpts { path, by_name, .. }| {
        let absent = names.iter().filter(|name| !by_name.contains_key(**name));
        absent.map(move |name| format!("{path} has no `sample: {name}`"))
    });
    Ok(missing.collect())
}

fn files(root: &Path) -> Result<Vec<Excerpts>> {
    let load = |(language, path)| Ok(Excerpts { language, path, by_name: excerpts(&read(root, path)?) });
    FILES.into_iter().map(load).collect()
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| path.to_owned())
}

/// The excerpts of a file by name, without their common indentation.
fn excerpts(text: &str) -> BTreeMap<String, String> {
    let mut excerpts: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    let mut skipping = false;
    for line in text.lines() {
        let comment = line.trim_start().trim_start_matches(['/', '#']).trim_start();
        let is_comment = comment.len() < line.trim_start().len();
        match (is_comment.then_some(comment), &mut open) {
            (Some("skip"), Some(_)) => skipping = true,
            (Some("unskip"), Some(_)) => skipping = false,
            (Some("end"), Some((name, lines))) => {
                excerpts.entry(std::mem::take(name)).or_default().push_str(&dedent(lines));
                open = None;
            }
            (Some(comment), None) => {
                open = comment.strip_prefix("sample: ").map(|name| (name.to_owned(), Vec::new()));
            }
            (_, Some((_, lines))) if !skipping => lines.push(line),
            _ => {}
        }
    }
    excerpts
}

/// The lines without their common indentation, each with a line break.
fn dedent(lines: &[&str]) -> String {
    let indent = |line: &&&str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min();
    lines.iter().map(|line| format!("{}\n", line.get(shared.unwrap_or(0)..).unwrap_or_default())).collect()
}

/// A sample as an entry of the list in the document.
fn item(language: &str, source: &str) -> String {
    let mut item = format!("        - lang: {language}\n          label: {language}\n          source: |-\n");
    for line in source.trim_end().lines() {
        let line = if line.is_empty() {
            String::new()
        } else {
            format!("            {}", line.replace('\t', "    "))
        };
        writeln!(item, "{line}").expect("writing to a string cannot fail");
    }
    item
}

/// The document with `items(operation)` as the samples of each operation after the first one, which is the sample for curl.
fn splice(document: &str, items: impl Fn(&str) -> String) -> String {
    let mut spliced = String::with_capacity(document.len());
    let mut operation = "";
    // The number of entries so far of the current list.
    let mut entries = None;
    for line in document.split_inclusive('\n') {
        if let Some(name) = line.trim_start().strip_prefix("operationId: ") {
            operation = name.trim_end();
        }
        let inside = line.trim().is_empty() || line.starts_with("        ");
        if line.starts_with("        - ") {
            entries = entries.map(|count: u32| count + 1);
        }
        if entries.is_some() && !inside {
            end_list(&mut spliced, &items(operation));
            entries = None;
        }
        if line.trim_end() == BLOCK {
            entries = Some(0);
        }
        if entries.is_none_or(|count| count <= 1) {
            spliced.push_str(line);
        }
    }
    if entries.is_some() {
        end_list(&mut spliced, &items(operation));
    }
    spliced
}

/// Adds the items after the last line that is not empty, and an empty line.
fn end_list(text: &mut String, items: &str) {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text.push_str(items);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "paths:\n  /a:\n    get:\n      operationId: a\n      x-codeSamples:\n        - lang: Shell\n          \
        source: |-\n            curl a\n\n  /b:\n    get:\n      operationId: b\n      x-codeSamples:\n        - lang: Shell\n          \
        source: |-\n            curl b\n\ncomponents: {}\n";

    #[test]
    fn an_excerpt_is_between_its_comments_without_skipped_lines() {
        let text = "    # sample: a\n    one\n    # a comment\n    # skip\n    two\n    # unskip\n      three\n    # end\n    four\n";
        assert_eq!(excerpts(text)["a"], "one\n# a comment\n  three\n");
    }

    #[test]
    fn excerpts_with_the_same_name_are_joined() {
        let text = "// sample: client\nimport x\n// end\nfn {\n  // sample: client\n  let y\n  // end\n}\n";
        assert_eq!(excerpts(text)["client"], "import x\nlet y\n");
    }

    #[test]
    fn samples_follow_the_sample_for_curl() {
        let spliced = splice(DOCUMENT, |name| item("Go", &format!("call {name}\n")));
        let wanted = "            curl a\n        - lang: Go\n          label: Go\n          source: |-\n            call a\n\n  /b:";
        assert!(spliced.contains(wanted), "{spliced}");
        assert!(spliced.ends_with("            call b\n\ncomponents: {}\n"), "{spliced}");
    }

    #[test]
    fn splicing_again_replaces_the_samples() {
        let once = splice(DOCUMENT, |_| item("Go", "one\n\ntwo\n"));
        let again = splice(&once, |_| item("Go", "one\n\ntwo\n"));
        assert_eq!(again, once);
        let other = splice(&once, |_| item("Go", "three\n"));
        assert_eq!(other, splice(DOCUMENT, |_| item("Go", "three\n")));
    }

    #[test]
    fn an_operation_without_an_excerpt_keeps_curl_and_is_named() {
        let spliced = splice(DOCUMENT, |name| if name == "b" { String::new() } else { item("Go", "one\n") });
        assert!(spliced.ends_with("            curl b\n\ncomponents: {}\n"), "{spliced}");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(missing(&root, ["video_list"]).unwrap().is_empty());
        let missing = missing(&root, ["video_extend"]).unwrap();
        assert_eq!(missing.len(), FILES.len());
        assert_eq!(missing[0], "tests/contract/rust_samples.rs has no `sample: video_extend`");
    }
}
