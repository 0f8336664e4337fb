//! `cargo xtask regen`: makes from the contract the code of `infrai-video-client`, the fixtures, and what the sandbox and the
//! command hold of it. The contract's own code samples come from programs that run.

mod by_hand;
mod command;
mod enums;
mod generate;
mod lowering;
mod published;
mod rewrite;

use std::fmt;
use std::fs;
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
    /// A code sample is missing.
    Samples(String),
    /// The page with the table of provenance cannot be made.
    Page(String),
    /// The command cannot be run to say what it prints.
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
    let (document, by_hand) = by_hand::refer(&contract.value);
    let lowered = lowering::lower(&document, &by_hand).map_err(RegenError::Lowering)?;
    let mut files = vec![
        GeneratedFile {
            path: Path::new(CLIENT_SRC).join("generated.rs"),
            content: generate::client(&lowered, &vocabularies, &by_hand)?,
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

/// Everything that belongs into the workspace for the document with this text.
fn all_files(text: &str) -> Result<Vec<GeneratedFile>, RegenError> {
    let contract = Contract::parse(text)?;
    let mut files = generate(&contract)?;
    files.extend(published::files(text, &contract)?);
    files.push(command::contract(&contract)?);
    Ok(files)
}

/// Writes the generated files, or with `check` only compares them and prints what differs.
///
/// One line on standard output for each file: `written`, `unchanged`, or with `check` `current` and `stale`.
pub fn run(root: &Path, check: bool) -> Result<(), RegenError> {
    let mut stale = Vec::new();
    let mut settle = |file| -> Result<(), RegenError> {
        if !write_or_compare(root, &file, check)? {
            stale.push(file.path);
        }
        Ok(())
    };
    let text = samples::document(root).map_err(RegenError::Samples)?;
    let mut files = all_files(&text)?;
    let page = provenance::page(root, &Contract::parse(&text)?).map_err(RegenError::Page)?;
    files.push(GeneratedFile { path: provenance::PAGE.into(), content: page });
    files.push(GeneratedFile { path: DOCUMENT.into(), content: text });
    files.into_iter().try_for_each(&mut settle)?;
    // Last, since the command is built from what was written before.
    settle(command::schema(root)?)?;
    if stale.is_empty() { Ok(()) } else { Err(RegenError::Stale(stale)) }
}

/// Writes the file where it is not there with this content, or with `check` only prints what differs. Says whether all is well
/// now.
#[expect(clippy::print_stdout, reason = "the report is this command's output")]
fn write_or_compare(root: &Path, file: &GeneratedFile, check: bool) -> Result<bool, RegenError> {
    let path = root.join(&file.path);
    let current = read_if_there(&path)?;
    let same = current == file.content;
    let word = match (same, check) {
        (true, true) => "current",
        (true, false) => "unchanged",
        (false, true) => "stale",
        (false, false) => "written",
    };
    println!("{word:9} {}", file.path.display());
    if !same && check {
        print!("{}", diff(&current, &file.content));
    } else if !same {
        write(&path, &file.content).map_err(|error| RegenError::Io(path, error))?;
    }
    Ok(same || !check)
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

fn read_if_there(path: &Path) -> Result<String, RegenError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
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
