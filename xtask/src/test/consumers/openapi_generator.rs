//! openapi-generator, a program in Java that comes in a Python package.

use std::path::{Path, PathBuf};

use super::super::tools;
use super::{Child, Context, Outcome, Workshop, carry_out, failed};

/// Only code: no documentation and no tests.
const CODE: &str =
    "apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false";

/// This file, which decides what comes out.
pub(super) const RULES: &str = include_str!("openapi_generator.rs");

/// The version of the generator, which does so too.
pub(super) const VERSION: &str = include_str!("../../../../tests/consumers/openapi-generator.txt");

/// Where the generator's jar is, with a JDK that runs it.
pub(super) fn jar(context: &mut Context<'_>, workshop: &Workshop) -> Result<PathBuf, Outcome> {
    match tools::install(context, &[("javac", "-version", "default-jdk-headless")]) {
        Ok(Outcome::Passed) => {}
        Ok(outcome) => return Err(outcome),
        Err(error) => return Err(failed(&error)),
    }
    crate::tools::openapi_generator::jar(&workshop.root).map_err(Outcome::Skipped)
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
        .argument(CODE)
        .argument("--input-spec")
        .argument(&workshop.document)
        .arguments(arguments)
        .named("openapi-generator");
    carry_out(context, generator)
}
