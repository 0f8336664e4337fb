//! openapi-generator, a program in Java that comes in a Python package.

use std::path::{Path, PathBuf};

use super::{Child, Context, Outcome, Workshop, carry_out, installed};
use crate::tools::openapi_generator;

/// This file, which decides what comes out.
pub(super) const RULES: &str = include_str!("openapi_generator.rs");

/// The version of the generator, which does so too.
pub(super) const VERSION: &str = include_str!("../../../../tests/consumers/openapi-generator.txt");

/// Where the generator's jar is, with a JDK that runs it.
pub(super) fn jar(context: &mut Context<'_>, workshop: &Workshop) -> Result<PathBuf, Outcome> {
    installed(context, &[("javac", "-version", "default-jdk-headless")])?;
    openapi_generator::jar(&workshop.root).map_err(Outcome::Skipped)
}

/// Makes a client below the place of a workshop.
pub(super) fn generate(
    context: &mut Context<'_>,
    workshop: &Workshop,
    jar: &Path,
    arguments: &str,
) -> Result<(), Outcome> {
    let generator = Child::new("java", &workshop.place)
        .argument("-jar")
        .argument(jar)
        .arguments("generate --global-property")
        .argument(openapi_generator::CODE)
        .argument("--input-spec")
        .argument(&workshop.document)
        .arguments(arguments)
        .named("openapi-generator");
    carry_out(context, generator)
}
