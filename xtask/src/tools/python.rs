//! Python packages, each set of them in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment below `target/python` that has the packages of `requirements`, a file with one pinned version on each line;
/// its programs are in its `bin`. It is made once, and again where the file changed.
///
/// # Errors
/// If there is no Python 3 with its module venv, or pip fails: in words.
pub fn environment(root: &Path, name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let home = root.join("target/python").join(name);
    let wanted = super::read(requirements)?;
    let installed = home.join("installed.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    let what = format!("the Python packages for {name}");
    super::install(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home), &what)?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]);
    super::install(pip.arg(requirements), &what)?;
    super::write(&installed, &wanted)?;
    Ok(home)
}

/// Where the packages of an environment are.
///
/// # Errors
/// If there are none: in words.
pub fn site_packages(home: &Path) -> Result<PathBuf, String> {
    let versions = fs::read_dir(home.join("lib")).into_iter().flatten().flatten();
    let mut places = versions.map(|version| version.path().join("site-packages"));
    let place = places.find(|place| place.is_dir());
    place.ok_or_else(|| format!("there are no packages in {}", home.display()))
}
