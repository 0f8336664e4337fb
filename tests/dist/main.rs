//! The packages of `cargo xtask dist`, with the command that the tests use: installed, and used without Rust.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod debian;
mod files;
mod npm;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use contract_tests::root;
use external_tools::programs::{DPKG, NPM, PYTHON, require};
use external_tools::skip::available;
use external_tools::{Process, python, server};

/// The packages, and the tools that test them.
struct Packages {
    directory: PathBuf,
    /// pytest, mypy and a validator.
    tools: PathBuf,
}

/// Packs the command into a directory below `target/packages`.
fn pack(name: &str) -> anyhow::Result<PathBuf> {
    let root = root().canonicalize()?;
    let command = server::test_command(&root)?;
    let directory = root.join("target/packages").join(name);
    let _ = fs::remove_dir_all(&directory);
    let pack = Process::cargo(&root).args("xtask dist --profile dev --binary").arg(command).args("--out");
    pack.arg(&directory).run()?;
    Ok(directory)
}

/// The packages, or `None` if they cannot be made on this machine.
fn packages() -> Option<&'static Packages> {
    static PACKAGES: OnceLock<Option<Packages>> = OnceLock::new();
    let make = || {
        require(&[DPKG, NPM, PYTHON])?;
        let tools = python::environment(&root(), "dist-tests", &root().join("tests/dist/requirements.txt"))?;
        Ok(Packages { directory: pack("first")?, tools: tools.canonicalize()? })
    };
    PACKAGES.get_or_init(|| available("dist", make())).as_ref()
}

impl Packages {
    /// The package whose name ends so.
    fn file(&self, end: &str) -> PathBuf {
        let files = names(&self.directory).into_iter().filter(|name| name.ends_with(end));
        let files: Vec<String> = files.collect();
        assert_eq!(files.len(), 1, "{end}: {files:?}");
        self.directory.join(&files[0])
    }

    /// A new directory beside the packages.
    fn work(&self, name: &str) -> PathBuf {
        let directory = self.directory.with_file_name(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        directory
    }
}

/// The code in a language of the README of a package. Its code under test is not there, only how it is imported.
fn example(package: &str, language: &str) -> String {
    let readme = root().join("packaging").join(package).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let code = readme.split_once(&format!("```{language}\n")).unwrap().1;
    code.split_once("```").unwrap().0.to_owned()
}

/// The names of the files in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
