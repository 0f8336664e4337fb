//! Python packages, each set of them in an environment of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Child, Context, Outcome};

/// The directory with the programs of an environment that has the packages of `requirements`, a file with one pinned version for
/// each line. It is made once, and again where the file changed. If it cannot be made, the outcome says why.
pub(super) fn environment(
    context: &mut Context<'_>,
    name: &str,
    requirements: &Path,
) -> io::Result<Result<PathBuf, Outcome>> {
    let home = context.root.join("target/python").join(name);
    let programs = home.join("bin");
    let wanted = fs::read_to_string(requirements)?;
    let installed = home.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(Ok(programs));
    }
    if !Child::new("python3", context.root).arguments("-c").argument("import venv, ensurepip").works() {
        return Ok(Err(Outcome::Skipped("install Python 3 with its modules venv and ensurepip".to_owned())));
    }
    let made =
        Child::new("python3", context.root).arguments("-m venv --clear").argument(&home).run(context)?;
    if made != Outcome::Passed {
        return Ok(Err(made));
    }
    let pip = Child::new(programs.join("python"), context.root)
        .arguments("-m pip install --quiet --disable-pip-version-check --no-input -r")
        .argument(requirements)
        .run(context)?;
    if pip != Outcome::Passed {
        return Ok(Err(Outcome::Skipped(format!("the Python packages for {name} could not be installed"))));
    }
    fs::write(installed, wanted)?;
    Ok(Ok(programs))
}
