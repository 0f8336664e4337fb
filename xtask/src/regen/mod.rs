//! `cargo xtask regen`: makes from the contract the code of `infrai-video-client`, the fixtures, and what the sandbox and the
//! command hold of it. The contract's own code samples come from programs that run.
//!
//! Nothing is built and no program is run. All files are made before the first one is written.

mod by_hand;
mod command;
mod defaults;
mod enums;
mod generate;
mod lowering;
mod options;
mod published;
mod rewrite;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::contract::{Contract, ContractError, DOCUMENT};
use crate::{fixtures, provenance, samples};

const CLIENT_SRC: &str = "crates/infrai-video-client/src";
const SANDBOX_CONTRACT: &str = "crates/infrai-video-sandbox/src/contract";

/// One generated file: its place in the workspace and what belongs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// The path from the root of the workspace.
    pub path: PathBuf,
    /// The whole content.
    pub content: String,
}

/// Why generation failed.
#[derive(Debug)]
pub enum RegenError {
    /// The contract cannot be read.
    Contract(ContractError),
    /// The contract says something that no code can be generated for.
    Lowering(String),
    /// The generator refused the lowered document.
    Generator(String),
    /// The programs with the code samples cannot be read.
    Samples(String),
    /// The page with the table of provenance cannot be made.
    Page(String),
    /// What the command says of its own structures cannot be read.
    Command(String),
    /// A file cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// `--check` found files that are not current.
    Stale(Vec<PathBuf>),
}

impl fmt::Display for RegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(error) => write!(f, "{error}"),
            Self::Lowering(what) => write!(f, "{DOCUMENT}: {what}"),
            Self::Generator(what) => {
                write!(f, "progenitor refused {DOCUMENT}: {what}; run `cargo xtask lint` for the place")
            }
            Self::Page(what) | Self::Command(what) => write!(f, "{what}"),
            Self::Samples(what) => write!(f, "the code samples of {DOCUMENT}: {what}"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Stale(paths) => {
                let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "{} not current; run `cargo xtask regen` and commit the result", names.join(", "))
            }
        }
    }
}

impl std::error::Error for RegenError {}

impl From<ContractError> for RegenError {
    fn from(error: ContractError) -> Self {
        Self::Contract(error)
    }
}

/// The generated files of the client, made from `contract`. Nothing is written.
pub fn generate(contract: &Contract) -> Result<Vec<GeneratedFile>, RegenError> {
    let vocabularies = enums::vocabularies(&contract.value).map_err(RegenError::Lowering)?;
    let mut files = vec![
        GeneratedFile {
            path: Path::new(CLIENT_SRC).join("generated.rs"),
            content: generate::client(&contract.value, &vocabularies)?,
        },
        GeneratedFile {
            path: Path::new(CLIENT_SRC).join("generated_enums.rs"),
            content: enums::source(&vocabularies),
        },
    ];
    files.extend(fixture_files(contract)?);
    Ok(files)
}

fn fixture_files(contract: &Contract) -> Result<impl Iterator<Item = GeneratedFile>, RegenError> {
    let fixtures = fixtures::fixtures(contract).map_err(RegenError::Lowering)?;
    Ok(fixtures.into_iter().map(|fixture| GeneratedFile {
        path: Path::new(fixtures::PLACE).join(format!("{}.json", fixture.operation)),
        content: fixture.to_json(),
    }))
}

/// Everything that belongs into the workspace at `root`.
fn all_files(root: &Path) -> Result<Vec<GeneratedFile>, RegenError> {
    let text = samples::document(root).map_err(RegenError::Samples)?;
    let contract = Contract::parse(&text)?;
    let mut files = generate(&contract)?;
    files.extend(published::files(&text, &contract));
    files.extend(command::files(root, &contract)?);
    let page = provenance::page(root, &contract).map_err(RegenError::Page)?;
    files.push(GeneratedFile { path: provenance::PAGE.into(), content: page });
    files.push(GeneratedFile { path: DOCUMENT.into(), content: text });
    Ok(files)
}

/// Writes the generated files, all or none, or with `check` only compares them and prints what differs.
///
/// One line on standard output for each file: `written`, `unchanged`, or with `check` `current` and `stale`.
///
/// # Errors
/// Says what is wrong with the contract, or which file cannot be read or written. No file is changed then.
#[expect(clippy::print_stdout, reason = "the report is this command's output")]
pub fn run(root: &Path, check: bool) -> Result<(), RegenError> {
    let mut stale = Vec::new();
    let mut lines = Vec::new();
    for file in all_files(root)? {
        let current = read_if_there(&root.join(&file.path))?;
        let word = match (current.as_ref() == Some(&file.content), check) {
            (true, true) => "current",
            (true, false) => "unchanged",
            (false, true) => "stale",
            (false, false) => "written",
        };
        lines.push(format!("{word:9} {}\n", file.path.display()));
        if word == "stale" {
            lines.push(diff(current.as_deref().unwrap_or_default(), &file.content));
        }
        if current.as_ref() != Some(&file.content) {
            stale.push((file, current));
        }
    }
    if !check {
        write::all_or_none(root, &stale)?;
    }
    print!("{}", lines.concat());
    match (check, stale.is_empty()) {
        (true, false) => Err(RegenError::Stale(stale.into_iter().map(|(file, _)| file.path).collect())),
        _ => Ok(()),
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, RegenError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RegenError::Io(path.to_owned(), error)),
    }
}

fn diff(current: &str, wanted: &str) -> String {
    similar::TextDiff::from_lines(current, wanted)
        .unified_diff()
        .context_radius(2)
        .header("committed", "generated from the contract")
        .to_string()
}

/// The first lines of every generated file.
fn marker() -> String {
    format!(
        "// @generated by `cargo xtask regen` from {DOCUMENT}. Do not edit: change the contract and run the command.\n\n"
    )
}
