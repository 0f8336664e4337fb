//! TypeScript: openapi-typescript and openapi-fetch, checked by `tsc --strict`, on Node.

use super::{Child, Context, Outcome, Workshop, carry_out, failed};
use crate::tools::node;

pub(super) fn prepare(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let place = &workshop.place;
    if !Child::new("node", &workshop.root).arguments("--version").works() {
        return Err(Outcome::Skipped("install Node 20 or later".to_owned()));
    }
    let packages =
        node::packages(&workshop.root, "typescript", &workshop.sources).map_err(Outcome::Skipped)?;
    let programs = packages.join("node_modules/.bin");
    workshop.once(|| {
        // Node looks for packages beside the program and above it.
        std::os::unix::fs::symlink(packages.join("node_modules"), place.join("node_modules"))
            .map_err(|error| failed(&error))?;
        let generate = Child::new(programs.join("openapi-typescript"), place).named("openapi-typescript");
        carry_out(context, generate.argument(&workshop.document).arguments("--output src/api.ts"))?;
        carry_out(context, Child::new(programs.join("tsc"), place).arguments("--project .").named("tsc"))
    })?;
    Ok(Child::new("node", place).arguments("dist/main.js"))
}
