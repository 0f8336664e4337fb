//! Opens the file in an editor, and checks it.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use super::file;
use crate::args::set;
use crate::config::{ConfigFile, Place};
use crate::context::{Context, unusable};
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::ledger::private_file;
use crate::subprocess;
use crate::text::quote;

/// What a new file contains.
const TEMPLATE: &str = include_str!("template.toml");

const DEFAULT_EDITOR: &str = if cfg!(windows) { "notepad" } else { "vi" };

pub(super) fn run(ctx: &Context) -> Result<(), Failure> {
    let path = file()?;
    // An editor that a variable names may be a program that needs no terminal.
    if editor().is_none() && !ctx.output.is_interactive {
        let edit = format!("edit {}  (or set EDITOR)", quote(&path.to_string_lossy()));
        return Err(Failure::new(Exit::Usage, "not a terminal: no editor is opened").next(edit));
    }
    if path.symlink_metadata().is_err() {
        create(&path)?;
        ctx.output.status("created", &path.display().to_string());
    }
    open(&path)?;
    ConfigFile::read(&Place::Named(path.clone())).map_err(|error| unusable(&error, Exit::Refused))?;
    ctx.output.status("checked", &format!("{} is valid", path.display()));
    Ok(())
}

fn create(path: &Path) -> Result<(), Failure> {
    let created = private_file(path).and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    created.map_err(|error| {
        Failure::new(Exit::Other, format!("{} cannot be created: {error}", path.display()))
            .next("export INFRAI_CONFIG=FILE  (another place)")
    })
}

/// The editor of the environment.
fn editor() -> Option<OsString> {
    ["VISUAL", "EDITOR"].into_iter().find_map(set)
}

/// Waits until the editor has exited. Its variable may contain arguments.
fn open(path: &Path) -> Result<(), Failure> {
    let editor =
        editor().map_or_else(|| DEFAULT_EDITOR.to_owned(), |editor| editor.to_string_lossy().into_owned());
    let path_text = path.to_string_lossy();
    let operand = if cfg!(windows) { format!("\"{path_text}\"") } else { quote(&path_text) };
    let failed = |why: String| {
        Failure::new(Exit::Other, format!("the editor {editor} {why}"))
            .next("export EDITOR=nano  (or another editor)")
    };
    let status = subprocess::shell(&format!("{editor} {operand}")).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("failed with {status}"))),
        Err(error) => Err(failed(format!("cannot be started: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_template_is_valid_when_it_is_uncommented() {
        let lines = TEMPLATE.lines().filter_map(|line| line.strip_prefix('#'));
        // Prose has a space after the mark. A key has one source.
        let settings = lines.filter(|line| !line.starts_with(' ') && !line.starts_with("api_key_env"));
        let text: String = settings.map(|line| format!("{line}\n")).collect();
        assert!(text.contains("key_command") && text.contains("[profile.local]"), "{text}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        create(&path).unwrap();
        let place = Place::Named(path.clone());
        assert!(ConfigFile::read(&place).unwrap().is_some(), "as it is created");
        std::fs::write(&path, text).unwrap();
        assert!(ConfigFile::read(&place).unwrap().is_some());
    }
}
