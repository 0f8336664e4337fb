//! The files that configure a sandbox.

use std::fmt::Display;
use std::path::Path;

use infrai_video_sandbox::{Catalogue, Fault, Scenario};

use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;

pub(super) fn faults(ctx: &Context, path: &Path) -> Result<Vec<Fault>, Failure> {
    Fault::from_toml(&text(ctx, path)?).map_err(|error| rejected(ctx, path, error))
}

pub(super) fn catalogue(ctx: &Context, path: &Path) -> Result<Catalogue, Failure> {
    Catalogue::from_toml(&text(ctx, path)?).map_err(|error| rejected(ctx, path, error))
}

/// A scenario by its name, else from a file.
pub(super) fn scenario(ctx: &Context, name: &Path) -> Result<Scenario, Failure> {
    let unknown = match Scenario::named(&name.to_string_lossy()) {
        Ok(scenario) => return Ok(scenario),
        Err(unknown) => unknown,
    };
    if name.components().count() == 1 && name.extension().is_none() && !name.exists() {
        let message = format!("{unknown}, or the path of a TOML file");
        return Err(Failure::new(Exit::Refused, message).next(ctx.invocation.help()));
    }
    Scenario::from_toml(&text(ctx, name)?).map_err(|error| rejected(ctx, name, error))
}

fn text(ctx: &Context, path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| rejected(ctx, path, format!("it cannot be read: {error}; check its path")))
}

fn rejected(ctx: &Context, path: &Path, error: impl Display) -> Failure {
    Failure::new(Exit::Refused, format!("{}: {error}", path.display())).next(ctx.invocation.help())
}
