//! The files that a sandbox is set up from.

use std::fmt::Display;
use std::path::Path;

use infrai_video_sandbox::{Catalogue, Fault, Scenario};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn faults(app: &App, path: &Path) -> Result<Vec<Fault>, Failure> {
    Fault::from_toml(&text(app, path)?).map_err(|error| refused(app, path, error))
}

pub(super) fn catalogue(app: &App, path: &Path) -> Result<Catalogue, Failure> {
    Catalogue::from_toml(&text(app, path)?).map_err(|error| refused(app, path, error))
}

/// A scenario by its name, or else from a file.
pub(super) fn scenario(app: &App, name: &Path) -> Result<Scenario, Failure> {
    let unknown = match Scenario::named(&name.to_string_lossy()) {
        Ok(scenario) => return Ok(scenario),
        Err(unknown) => unknown,
    };
    if name.components().count() == 1 && name.extension().is_none() && !name.exists() {
        let message = format!("{unknown}, or the path of a TOML file");
        return Err(Failure::new(Exit::Refused, message).next(app.help()));
    }
    Scenario::from_toml(&text(app, name)?).map_err(|error| refused(app, name, error))
}

fn text(app: &App, path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| refused(app, path, format!("it can not be read: {error}; check its path")))
}

fn refused(app: &App, path: &Path, error: impl Display) -> Failure {
    Failure::new(Exit::Refused, format!("{}: {error}", path.display())).next(app.help())
}
