//! Shows, finds and edits the configuration.

mod edit;
mod show;

use crate::args::ConfigCommand;
use crate::config::{CONFIG_VARIABLE, Place};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::schema::ConfigPath;

pub(super) fn run(ctx: &Context, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show => show::run(ctx),
        ConfigCommand::Path => path(ctx),
        ConfigCommand::Edit => edit::run(ctx),
    }
}

fn path(ctx: &Context) -> Result<(), Failure> {
    let path = file()?;
    match ctx.output.json {
        true => ctx.output.json(&ConfigPath { path: path.display().to_string(), exists: path.exists() }),
        false => ctx.output.line(&path.display().to_string()),
    }
}

/// The path of the file, which need not exist.
fn file() -> Result<std::path::PathBuf, Failure> {
    Place::find().path().map(ToOwned::to_owned).ok_or_else(|| {
        let message = format!(
            "there is no configuration file: {CONFIG_VARIABLE} is none, or there is no home directory"
        );
        Failure::new(Exit::Refused, message).next(format!("export {CONFIG_VARIABLE}=FILE"))
    })
}
