//! The files that configure a sandbox: JSON if their name ends with `.json`, else TOML.

use std::fmt::Display;
use std::path::Path;

use infrai_video_sandbox::{Catalogue, Fault, InputError, Scenario};

use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;

pub(super) fn faults(ctx: &Context, path: &Path) -> Result<Vec<Fault>, Failure> {
    read(ctx, path, Fault::from_toml, Fault::from_json)
}

pub(super) fn catalogue(ctx: &Context, path: &Path) -> Result<Catalogue, Failure> {
    read(ctx, path, Catalogue::from_toml, Catalogue::from_json)
}

/// A scenario by its name, else from a file.
pub(super) fn scenario(ctx: &Context, name: &Path) -> Result<Scenario, Failure> {
    let unknown = match Scenario::named(&name.to_string_lossy()) {
        Ok(scenario) => return Ok(scenario),
        Err(unknown) => unknown,
    };
    if name.components().count() == 1 && name.extension().is_none() && !name.exists() {
        let message = format!("{unknown}, or the path of a file");
        return Err(Failure::new(Exit::Refused, message).next(ctx.invocation.help()));
    }
    read(ctx, name, Scenario::from_toml, Scenario::from_json)
}

type Parse<T> = fn(&str) -> Result<T, InputError>;

fn read<T>(ctx: &Context, path: &Path, toml: Parse<T>, json: Parse<T>) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| rejected(ctx, path, format!("it cannot be read: {error}; check its path")))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let parse = if is_json { json } else { toml };
    parse(&text).map_err(|error| rejected(ctx, path, error))
}

fn rejected(ctx: &Context, path: &Path, error: impl Display) -> Failure {
    Failure::new(Exit::Refused, format!("{}: {error}", path.display())).next(ctx.invocation.help())
}
