//! Completions and manual pages, which the command writes itself.

use std::fs;
use std::path::Path;

use anyhow::Result;
use external_tools::{Process, cargo};

use super::archive::Entry;
use super::binary::Binary;
use super::target::{self, Target};
use super::{FEATURES, NAME, PACKAGE, read};

pub(super) struct Documents {
    /// `infrai-video.bash`, `_infrai-video` and `infrai-video.fish`.
    pub(super) completions: Vec<Document>,
    /// Pages of section 1.
    pub(super) manual: Vec<Document>,
}

pub(super) struct Document {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

impl Documents {
    /// Runs the command, or one for this machine if that is of another kind.
    pub(super) fn of(root: &Path, target: &Target, binary: &Binary) -> Result<Self> {
        let (host, kind) = (target::host(root)?, |triple: &str| triple.replace("-musl", "-gnu"));
        let program = if kind(&host) == kind(&target.triple) {
            binary.path.clone()
        } else {
            let build = format!("build --locked --package {PACKAGE} --features {FEATURES}");
            cargo::named(&cargo::programs(root, &build)?, NAME)?
        };
        let run = || Process::new(&program, root).named(NAME);
        let mut completions = Vec::new();
        for (shell, name) in
            [("bash", "infrai-video.bash"), ("zsh", "_infrai-video"), ("fish", "infrai-video.fish")]
        {
            let content = run().args("completions").arg(shell).read()?.into_bytes();
            completions.push(Document { name: name.to_owned(), content });
        }
        let pages = tempfile::tempdir()?;
        run().args("man --output").arg(pages.path()).run()?;
        let mut manual = Vec::new();
        for page in fs::read_dir(&pages)? {
            let page = page?;
            let name = page.file_name().to_string_lossy().into_owned();
            manual.push(Document { name, content: read(&page.path())? });
        }
        manual.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { completions, manual })
    }
}

impl Document {
    pub(super) fn entry(&self, directory: &str) -> Entry {
        Entry::file(&format!("{directory}/{}", self.name), self.content.clone())
    }
}
