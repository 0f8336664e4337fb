//! The code samples of the document: pieces of programs that really run, from the files in [`FILES`].
//!
//! A piece stands between a comment `sample: NAME` and a comment `end`, where the name is an `operationId`, or `client` for
//! what comes before every sample of the language. Lines between `skip` and `unskip` are left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::contract::DOCUMENT;

/// The languages in their order, each with the file that the pieces are in. Samples for curl are written in the document.
pub const FILES: [(&str, &str); 4] = [
    ("Rust", "tests/contract/rust_samples.rs"),
    ("Python", "tests/cross_language/python/samples.py"),
    ("TypeScript", "tests/cross_language/typescript/src/samples.ts"),
    ("Go", "tests/cross_language/go/samples.go"),
];

const CLIENT: &str = "client";
const BLOCK: &str = "      x-codeSamples:";

/// A language, the file that its pieces are in, and the pieces by name.
type Pieces = (&'static str, &'static str, BTreeMap<String, String>);

/// The whole document of the workspace at `root`, with the samples that the files have now. An operation has those of the
/// languages that have one for it; [`missing`] names the others.
///
/// # Errors
/// If a file cannot be read: in words.
pub fn document(root: &Path) -> Result<String, String> {
    let files = files(root)?;
    Ok(splice(&read(root, DOCUMENT)?, |operation| {
        let items = files.iter().filter_map(|(language, _, pieces)| {
            let source = format!("{}\n{}", pieces.get(CLIENT)?, pieces.get(operation)?);
            Some(item(language, &source))
        });
        items.collect()
    }))
}

/// The samples that the files do not have, of these operations: a line for each, with the file.
///
/// # Errors
/// If a file cannot be read: in words.
pub fn missing<'a>(
    root: &Path,
    operations: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, String> {
    let files = files(root)?;
    let names: Vec<&str> = std::iter::once(CLIENT).chain(operations).collect();
    let missing = files.iter().flat_map(|(_, path, pieces)| {
        let absent = names.iter().filter(|name| !pieces.contains_key(**name));
        absent.map(move |name| format!("{path} has no `sample: {name}`"))
    });
    Ok(missing.collect())
}

fn files(root: &Path) -> Result<Vec<Pieces>, String> {
    FILES.iter().map(|(language, path)| Ok((*language, *path, pieces(&read(root, path)?)))).collect()
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
}

/// The pieces of a file, by name, without the indentation that they share.
fn pieces(text: &str) -> BTreeMap<String, String> {
    let mut pieces: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    let mut skipping = false;
    for line in text.lines() {
        let comment = line.trim_start().trim_start_matches(['/', '#']).trim_start();
        let is_comment = comment.len() < line.trim_start().len();
        match (is_comment.then_some(comment), &mut open) {
            (Some("skip"), Some(_)) => skipping = true,
            (Some("unskip"), Some(_)) => skipping = false,
            (Some("end"), Some((name, lines))) => {
                pieces.entry(std::mem::take(name)).or_default().push_str(&dedent(lines));
                open = None;
            }
            (Some(comment), None) => {
                open = comment.strip_prefix("sample: ").map(|name| (name.to_owned(), Vec::new()));
            }
            (_, Some((_, lines))) if !skipping => lines.push(line),
            _ => {}
        }
    }
    pieces
}

/// The lines without the indentation that they share, each with its end.
fn dedent(lines: &[&str]) -> String {
    let indent = |line: &&&str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min();
    lines.iter().map(|line| format!("{}\n", line.get(shared.unwrap_or(0)..).unwrap_or_default())).collect()
}

/// One entry of the list in the document.
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

/// The document with what `items` gives for each operation after the first sample, which is curl's, in place of what was there.
fn splice(document: &str, items: impl Fn(&str) -> String) -> String {
    let mut spliced = String::with_capacity(document.len());
    let mut operation = "";
    // How many entries of the current list have begun.
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

/// Adds the items right after the last line that is not empty, and an empty line.
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
    fn a_piece_has_what_is_between_its_comments_without_what_is_skipped() {
        let text = "    # sample: a\n    one\n    # a comment\n    # skip\n    two\n    # unskip\n      three\n    # end\n    four\n";
        assert_eq!(pieces(text)["a"], "one\n# a comment\n  three\n");
    }

    #[test]
    fn pieces_of_one_name_follow_each_other() {
        let text = "// sample: client\nimport x\n// end\nfn {\n  // sample: client\n  let y\n  // end\n}\n";
        assert_eq!(pieces(text)["client"], "import x\nlet y\n");
    }

    #[test]
    fn samples_come_after_the_one_for_curl() {
        let spliced = splice(DOCUMENT, |name| item("Go", &format!("call {name}\n")));
        let wanted = "            curl a\n        - lang: Go\n          label: Go\n          source: |-\n            call a\n\n  /b:";
        assert!(spliced.contains(wanted), "{spliced}");
        assert!(spliced.ends_with("            call b\n\ncomponents: {}\n"), "{spliced}");
    }

    #[test]
    fn splicing_again_replaces_what_was_spliced() {
        let once = splice(DOCUMENT, |_| item("Go", "one\n\ntwo\n"));
        let again = splice(&once, |_| item("Go", "one\n\ntwo\n"));
        assert_eq!(again, once);
        let other = splice(&once, |_| item("Go", "three\n"));
        assert_eq!(other, splice(DOCUMENT, |_| item("Go", "three\n")));
    }

    #[test]
    fn an_operation_without_a_sample_is_left_with_curl_and_named() {
        let spliced = splice(DOCUMENT, |name| if name == "b" { String::new() } else { item("Go", "one\n") });
        assert!(spliced.ends_with("            curl b\n\ncomponents: {}\n"), "{spliced}");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(missing(&root, ["video_list"]), Ok(vec![]));
        let missing = missing(&root, ["video_extend"]).unwrap();
        assert_eq!(missing.len(), FILES.len());
        assert_eq!(missing[0], "tests/contract/rust_samples.rs has no `sample: video_extend`");
    }
}
