//! openapi-generator, a program in Java that comes in a Python package.

use std::path::{Path, PathBuf};

use super::super::tools;
use super::{Child, Context, Outcome, PROGRAMS, Workshop, carry_out, failed};
use crate::tools::python;

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
    let requirements = workshop.root.join(PROGRAMS).join("openapi-generator.txt");
    let home =
        python::environment(&workshop.root, "openapi-generator", &requirements).map_err(Outcome::Skipped)?;
    Ok(site_packages(&home)?.join("openapi_generator_cli/openapi-generator.jar"))
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

/// Where the packages of an environment are.
pub(super) fn site_packages(home: &Path) -> Result<PathBuf, Outcome> {
    python::site_packages(home).map_err(Outcome::Failed)
}
