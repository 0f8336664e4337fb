//! Where a program is put together: its own files beside those that its tools generate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Outcome, PROGRAMS, failed};
use crate::contract::DOCUMENT;

/// The directory of one language below `target/consumers`, which is made anew when what goes into it has changed.
pub(super) struct Workshop {
    /// The root of the workspace.
    pub(super) root: PathBuf,
    /// The files that people wrote.
    pub(super) sources: PathBuf,
    /// The document.
    pub(super) document: PathBuf,
    /// Where everything comes together.
    pub(super) place: PathBuf,
    inputs: Vec<u8>,
}

impl Workshop {
    /// `rules` is whatever else decides what comes out.
    pub(super) fn new(root: &Path, language: &str, rules: &[&str]) -> io::Result<Self> {
        let sources = root.join(PROGRAMS).join(language);
        let document = root.join(DOCUMENT);
        let mut inputs = fs::read(&document)?;
        inputs.extend(rules.concat().into_bytes());
        for file in files(&sources)? {
            inputs.extend(file.to_string_lossy().bytes());
            inputs.extend(fs::read(sources.join(file))?);
        }
        Ok(Self {
            root: root.to_owned(),
            place: root.join("target/consumers").join(language),
            sources,
            document,
            inputs,
        })
    }

    /// The file with the cases that the readers read.
    pub(super) fn cases(&self) -> PathBuf {
        self.root.join("target/consumers/cases.json")
    }

    /// Makes what is in the place with `make`, unless that was done before from the same files.
    pub(super) fn once(&self, make: impl FnOnce() -> Result<(), Outcome>) -> Result<(), Outcome> {
        let made = self.place.with_extension("made");
        if fs::read(&made).is_ok_and(|inputs| inputs == self.inputs) {
            return Ok(());
        }
        self.fill().map_err(|error| failed(&error))?;
        make()?;
        fs::write(made, &self.inputs).map_err(|error| failed(&error))
    }

    /// Empties the place and puts the sources there.
    fn fill(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&self.place)?,
        }
        for file in files(&self.sources)? {
            let copy = self.place.join(&file);
            fs::create_dir_all(copy.parent().unwrap_or(&self.place))?;
            fs::copy(self.sources.join(file), copy)?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Whether a workshop that is opened now has to make its things.
    fn makes(root: &Path) -> bool {
        let mut made = false;
        Workshop::new(root, "ada", &[])
            .unwrap()
            .once(|| {
                made = true;
                Ok(())
            })
            .unwrap();
        made
    }

    #[test]
    fn things_are_made_again_only_where_a_file_has_changed() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), DOCUMENT, "openapi: 3.0.3");
        write(root.path(), "tests/consumers/ada/src/main.adb", "begin");
        assert!(makes(root.path()));
        assert!(root.path().join("target/consumers/ada/src/main.adb").is_file());
        assert!(!makes(root.path()));
        write(root.path(), "tests/consumers/ada/src/main.adb", "begin null;");
        assert!(makes(root.path()));
        write(root.path(), DOCUMENT, "openapi: 3.1.0");
        assert!(makes(root.path()));
        assert!(!makes(root.path()));
    }

    #[test]
    fn what_failed_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), DOCUMENT, "openapi: 3.0.3");
        write(root.path(), "tests/consumers/ada/main.adb", "begin");
        let workshop = Workshop::new(root.path(), "ada", &[]).unwrap();
        assert!(workshop.once(|| Err(Outcome::Failed("no Ada".to_owned()))).is_err());
        assert!(makes(root.path()));
    }
}
