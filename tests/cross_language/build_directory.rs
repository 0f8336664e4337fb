//! The directory in which a program is built: its own files beside those that its tools generate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use external_tools::{Process, openapi_generator};
use openapi_tools::DOCUMENT;

/// Our programs, each in a directory with the name of its language.
pub(crate) const PROGRAMS: &str = "tests/cross_language";

/// What decides how the programs are built, beside their own files and the document: the commands, and the versions of tools that
/// several programs share.
const RULES: [&str; 5] = [
    include_str!("clients.rs"),
    include_str!("readers.rs"),
    include_str!("openapi-generator.txt"),
    include_str!("python/requirements.txt"),
    include_str!("typescript/package-lock.json"),
];

/// The directory of one program below `target/cross-language`. It is built again after a change of its inputs.
pub(crate) struct BuildDirectory {
    /// The root of the workspace.
    pub(crate) root: PathBuf,
    /// Our files.
    pub(crate) sources: PathBuf,
    /// The OpenAPI document.
    pub(crate) document: PathBuf,
    /// The directory itself.
    pub(crate) path: PathBuf,
    inputs: Vec<u8>,
}

impl BuildDirectory {
    pub(crate) fn new(root: &Path, language: &str) -> io::Result<Self> {
        let sources = root.join(PROGRAMS).join(language);
        let document = root.join(DOCUMENT);
        let mut inputs = fs::read(&document)?;
        inputs.extend(RULES.concat().into_bytes());
        for file in files(&sources)? {
            inputs.extend(file.to_string_lossy().bytes());
            inputs.extend(fs::read(sources.join(file))?);
        }
        let path = root.join("target/cross-language").join(language);
        Ok(Self { root: root.to_owned(), sources, document, path, inputs })
    }

    /// Fills the directory and runs `build` in it, unless that succeeded before with the same inputs.
    pub(crate) fn once(&self, build: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let built = self.path.with_extension("built-from");
        if fs::read(&built).is_ok_and(|inputs| inputs == self.inputs) {
            return Ok(());
        }
        self.fill().with_context(|| self.path.display().to_string())?;
        build()?;
        fs::write(built, &self.inputs)?;
        Ok(())
    }

    /// Empties the directory and copies our files into it.
    fn fill(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&self.path)?,
        }
        for file in files(&self.sources)? {
            let copy = self.path.join(&file);
            fs::create_dir_all(copy.parent().unwrap_or(&self.path))?;
            fs::copy(self.sources.join(file), copy)?;
        }
        Ok(())
    }

    /// A program that runs in the directory.
    pub(crate) fn run(&self, program: impl AsRef<Path>) -> Process {
        let program = program.as_ref();
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Process::new(program, &self.path).named(&name)
    }

    /// Generates a client with openapi-generator.
    pub(crate) fn generate(&self, options: &str) -> anyhow::Result<()> {
        openapi_generator::generate(&self.root, &self.document, &self.path)?.args(options).run()
    }

    /// Copies the document into the directory, for tools whose settings name it.
    pub(crate) fn copy_document(&self) -> io::Result<()> {
        fs::copy(&self.document, self.path.join("video.yaml")).map(drop)
    }

    /// Node.js looks for packages beside a program and above it.
    pub(crate) fn link_node_modules(&self, packages: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(packages.join("node_modules"), self.path.join("node_modules"))
    }
}

/// All files below `directory`, by their paths from there, in order.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(directory.join(&next))? {
            let entry = entry?;
            let path = next.join(entry.file_name());
            if entry.file_type()?.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Whether a program is built now.
fn is_built(root: &Path) -> bool {
    let mut is_built = false;
    let build = || {
        is_built = true;
        Ok(())
    };
    BuildDirectory::new(root, "ada").unwrap().once(build).unwrap();
    is_built
}

#[test]
fn a_program_is_built_again_only_after_a_change_of_a_file() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, DOCUMENT, "openapi: 3.0.3");
    write(root, "tests/cross_language/ada/src/main.adb", "begin");
    assert!(is_built(root));
    assert!(root.join("target/cross-language/ada/src/main.adb").is_file());
    assert!(!is_built(root));
    write(root, "tests/cross_language/ada/src/main.adb", "begin null;");
    assert!(is_built(root));
    write(root, DOCUMENT, "openapi: 3.1.0");
    assert!(is_built(root));
    assert!(!is_built(root));
}

#[test]
fn a_program_is_built_again_after_a_failure() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), DOCUMENT, "openapi: 3.0.3");
    write(root.path(), "tests/cross_language/ada/main.adb", "begin");
    let directory = BuildDirectory::new(root.path(), "ada").unwrap();
    assert!(directory.once(|| anyhow::bail!("no Ada")).is_err());
    assert!(is_built(root.path()));
}
