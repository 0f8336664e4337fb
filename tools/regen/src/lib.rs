//! `cargo xtask regen`: generates the code of `infrai-video-client`, the fixtures, and the sandbox's and the command's parts of the
//! contract, and what the READMEs say of its sources. The code samples in the contract come from programs that tests run.
//!
//! Nothing is built and no program is run. All files are generated before the first one is written.

mod command;
#[cfg(test)]
mod drift;
mod published;
mod write;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use openapi_tools::{DOCUMENT, Document, fixtures, provenance, samples};

const CLIENT_SRC: &str = "crates/infrai-video-client/src";
const SANDBOX_CONTRACT: &str = "crates/infrai-video-sandbox/src/contract";

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GeneratedFile {
    /// The path from the root of the workspace.
    path: PathBuf,
    /// The whole content.
    content: String,
}

/// The files that are generated from the document alone.
pub(crate) fn generate(document: &Document) -> Result<Vec<GeneratedFile>> {
    let sources = client_generator::generate(&document.value)?;
    let mut files: Vec<GeneratedFile> =
        [("generated.rs", sources.client), ("generated_enums.rs", sources.enums)]
            .map(|(name, content)| GeneratedFile { path: Path::new(CLIENT_SRC).join(name), content })
            .into();
    files.extend(fixtures::fixtures(document).context(DOCUMENT)?.into_iter().map(|fixture| GeneratedFile {
        path: Path::new(fixtures::PLACE).join(format!("{}.json", fixture.operation)),
        content: fixture.to_json(),
    }));
    Ok(files)
}

/// All generated files of the workspace at `root`.
fn all_files(root: &Path) -> Result<Vec<GeneratedFile>> {
    let text = samples::document(root).with_context(|| format!("the code samples of {DOCUMENT}"))?;
    let document = Document::parse(&text)?;
    let mut files = generate(&document)?;
    files.extend(published::files("video", &text, &document));
    files.extend(published::admin_files(root)?);
    files.extend(command::files(root, &document)?);
    let pages = provenance::pages(root, &document)?;
    files.extend(pages.map(|(path, content)| GeneratedFile { path: path.into(), content }));
    files.push(GeneratedFile { path: DOCUMENT.into(), content: text });
    Ok(files)
}

/// Writes the generated files, all or none, or with `check` only compares them and prints the differences.
///
/// Prints a line for each file: `written`, `unchanged`, or with `check` `current` and `stale`.
///
/// # Errors
/// If the document is not suitable, a file cannot be read or written, or with `check` a file is stale. No file is changed then.
#[expect(clippy::print_stdout, reason = "the report is this command's output")]
pub fn run(root: &Path, check: bool) -> Result<()> {
    let mut stale = Vec::new();
    let mut lines = String::new();
    for file in all_files(root)? {
        let current = match std::fs::read_to_string(root.join(&file.path)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).context(file.path.display().to_string()),
        };
        let is_current = current.as_ref() == Some(&file.content);
        let word = match (is_current, check) {
            (true, true) => "current",
            (true, false) => "unchanged",
            (false, true) => "stale",
            (false, false) => "written",
        };
        lines += &format!("{word:9} {}\n", file.path.display());
        if !is_current && check {
            lines += &diff(current.as_deref().unwrap_or_default(), &file.content);
        }
        if !is_current {
            stale.push((file, current));
        }
    }
    if !check {
        write::all_or_none(root, &stale)?;
    }
    print!("{lines}");
    if check && !stale.is_empty() {
        let names: Vec<_> = stale.iter().map(|(file, _)| file.path.display().to_string()).collect();
        bail!("{} not current; run `cargo xtask regen` and commit the result", names.join(", "));
    }
    Ok(())
}

/// The root of the workspace: above this package and its folder if cargo started the program, else where the user is.
#[must_use]
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(|package| package.ancestors().nth(2)).unwrap_or(Path::new(".")).to_owned()
}

fn diff(current: &str, wanted: &str) -> String {
    diffy::DiffOptions::new()
        .set_context_len(2)
        .set_original_filename("committed")
        .set_modified_filename("generated from the contract")
        .create_patch(current, wanted)
        .to_string()
}
