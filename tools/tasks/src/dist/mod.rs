//! `cargo xtask dist`: the command as packages for people without Rust. Two runs on one commit give the same bytes.

mod archive;
mod binary;
mod debian;
mod dependencies;
mod documents;
mod licences;
mod npm;
mod sbom;
mod target;
mod wheel;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use external_tools::Process;
use flate2::Compression;
use serde_json::Value;

use crate::checksum::sha256;
use archive::Entry;
use binary::Binary;
use dependencies::Dependencies;
use documents::Documents;
use target::Target;

/// The package with the command.
const PACKAGE: &str = "infrai-video-cli";
/// The features of the packaged command.
const FEATURES: &str = "postgres";
/// The name of the command, and of most packages.
const NAME: &str = "infrai-video";

/// What to pack.
#[derive(Debug)]
pub struct Options {
    /// The directory to write into.
    pub out: PathBuf,
    /// How the command is built.
    pub profile: Profile,
    /// A command that was built before; it is packed instead.
    pub binary: Option<PathBuf>,
    /// For which platforms. If there are none: for this machine.
    pub targets: Vec<String>,
    /// For every installed target of Linux, with an old glibc.
    pub portable: bool,
}

/// A profile of cargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Small and fast; takes minutes.
    Dist,
    /// Quick to build, for tests of the packages.
    Dev,
}

/// A file in `out`.
struct File {
    name: String,
    content: Vec<u8>,
}

/// What the packages of one target contain.
struct Contents<'a> {
    root: &'a Path,
    version: &'a str,
    /// The repository of the project, if it is known.
    homepage: &'a str,
    target: &'a Target,
    binary: &'a Binary,
    documents: &'a Documents,
    licences: &'a str,
    sbom: &'a str,
    /// Of all files: the time of the commit, in seconds.
    time: u64,
    /// Whether the packages should be small rather than made quickly.
    small: bool,
}

/// Writes all packages into the directory. Prints the size and the name of each file on `report`.
///
/// # Errors
/// If a tool is missing or fails, or a file cannot be read or written.
pub fn run(root: &Path, options: &Options, report: &mut dyn Write) -> Result<()> {
    let root = &std::path::absolute(root)?;
    let targets = target::chosen(root, &options.targets, options.portable)?;
    let time = source_date_epoch(root)?;
    let mut files = Vec::new();
    for target in &targets {
        let metadata = dependencies::metadata(root, &target.triple)?;
        let dependencies = Dependencies::of(root, &target.triple, &metadata)?;
        let binary = binary::make(root, target, options, &metadata)?;
        let manifest = dependencies.root();
        let contents = Contents {
            root,
            version: &manifest.version,
            homepage: manifest.repository.as_deref().unwrap_or_default(),
            target,
            binary: &binary,
            documents: &Documents::of(root, target, &binary)?,
            licences: &licences::text(&dependencies)?,
            sbom: &sbom::json(&dependencies, &binary.content),
            time,
            small: options.profile == Profile::Dist,
        };
        files.extend(contents.files()?);
        if Some(target) == targets.iter().find(|target| !target.is_static) {
            files.push(npm::main_package(&contents)?);
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let sums: String =
        files.iter().map(|file| format!("{}  {}\n", sha256(&file.content), file.name)).collect();
    files.push(File { name: "SHA256SUMS".to_owned(), content: sums.into_bytes() });
    fs::create_dir_all(&options.out).with_context(|| options.out.display().to_string())?;
    for File { name, content } in &files {
        let path = options.out.join(name);
        fs::write(&path, content).with_context(|| path.display().to_string())?;
        writeln!(report, "{:>12}  {name}", content.len()).context("standard output")?;
    }
    Ok(())
}

impl Contents<'_> {
    fn files(&self) -> Result<Vec<File>> {
        let base = format!("{NAME}-{}-{}", self.version, self.target.name());
        let archive = archive::tar_gz(&base, self.entries()?, self.time, self.compression())?;
        let mut files = vec![
            File { name: format!("{base}.tar.gz"), content: archive },
            File { name: format!("{base}.cdx.json"), content: self.sbom.as_bytes().to_vec() },
        ];
        // A static command is for images. Where there is a package manager, there is a glibc.
        if !self.target.is_static {
            files.extend([npm::platform_package(self)?, wheel::wheel(self)?]);
            files.extend(debian::package(self)?);
        }
        Ok(files)
    }

    fn compression(&self) -> Compression {
        if self.small { Compression::best() } else { Compression::fast() }
    }

    /// The files of the archive.
    fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = vec![self.program()];
        entries.extend(self.texts(&self.root.join("crates").join(PACKAGE))?);
        let documents = self.documents;
        entries.extend(documents.completions.iter().map(|file| file.entry("completions")));
        entries.extend(documents.manual.iter().map(|file| file.entry("man")));
        Ok(entries)
    }

    fn program(&self) -> Entry {
        Entry::program(&self.target.program(), self.binary.content.clone())
    }

    /// The licences, and the README in `directory`.
    fn texts(&self, directory: &Path) -> Result<Vec<Entry>> {
        let mut entries = vec![Entry::file("LICENCES.txt", self.licences.as_bytes().to_vec())];
        for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
            entries.push(Entry::file(name, read(&self.root.join(name))?));
        }
        entries.push(Entry::file("README.md", read(&directory.join("README.md"))?));
        Ok(entries)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// Seconds since 1970: `SOURCE_DATE_EPOCH`, or the time of the last commit.
fn source_date_epoch(root: &Path) -> Result<u64> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds,
        Err(_) => Process::new("git", root)
            .args("log -1 --format=%ct")
            .read()
            .context("without a history, SOURCE_DATE_EPOCH must be set")?,
    };
    seconds.trim().parse().context("SOURCE_DATE_EPOCH is not a number of seconds")
}

/// A text of a JSON object.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
