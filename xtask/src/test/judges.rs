//! Judges from outside: programs of others that know OpenAPI, and find nothing to say about the contract.

use std::io;
use std::path::{Path, PathBuf};

use super::{Child, Context, Outcome};
use crate::contract::DOCUMENT;
use crate::publish::WORKFLOWS;
use crate::tools::{node, python};

/// Where their versions are pinned.
const PACKAGES: &str = "tests/judges";

/// The judges, installed below `target`.
pub(super) struct Judges {
    node: PathBuf,
    python: PathBuf,
}

impl Judges {
    /// Installs them once, and again where a version changed.
    pub(super) fn install(root: &Path) -> Result<Self, String> {
        let packages = root.join(PACKAGES);
        let node = node::packages(root, "judges", &packages)?;
        let python = python::environment(root, "judges", &packages.join("requirements.txt"))?;
        Ok(Self { node, python })
    }

    /// Redocly's program, which tells nobody that it runs.
    pub(super) fn redocly(&self, context: &Context<'_>) -> Child {
        self.npm(context, "redocly")
            .env("REDOCLY_TELEMETRY", "off")
            .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
    }

    /// Is the file a valid document of the version of OpenAPI that it names?
    pub(super) fn openapi_spec_validator(
        &self,
        context: &mut Context<'_>,
        file: &Path,
    ) -> io::Result<Outcome> {
        let program = self.python.join("bin/openapi-spec-validator");
        Child::new(program, context.root).named("openapi-spec-validator").argument(file).run(context)
    }

    fn npm(&self, context: &Context<'_>, program: &str) -> Child {
        Child::new(self.node.join("node_modules/.bin").join(program), context.root).named(program)
    }
}

/// Asks each of them, to the end. Settings and exceptions are in `openapi/redocly.yaml` and `openapi/spectral.yaml`.
pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let judges = match Judges::install(context.root) {
        Ok(judges) => judges,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let document = context.root.join(DOCUMENT);
    let redocly = judges
        .redocly(context)
        .arguments("lint --format=stylish --config openapi/redocly.yaml")
        .arguments(DOCUMENT)
        .arguments(WORKFLOWS)
        .run(context)?;
    let spectral = judges
        .npm(context, "spectral")
        .arguments("lint --ruleset openapi/spectral.yaml --fail-severity=hint")
        .arguments(DOCUMENT)
        .run(context)?;
    let examples = judges.npm(context, "openapi-examples-validator").argument(&document).run(context)?;
    let specification = judges.openapi_spec_validator(context, &document)?;
    let complaints: Vec<String> = [redocly, spectral, examples, specification]
        .into_iter()
        .filter_map(|outcome| match outcome {
            Outcome::Failed(why) => Some(why),
            Outcome::Passed | Outcome::Skipped(_) => None,
        })
        .collect();
    Ok(if complaints.is_empty() { Outcome::Passed } else { Outcome::Failed(complaints.join("; ")) })
}
