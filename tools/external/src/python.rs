//! Packages from PyPI, each set of them in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::programs::{PYTHON, require};
use crate::skip::Unavailable;
use crate::{INSTALLATION, Process};

/// Installs the packages of `requirements`, a file with one pinned version a line, and returns an environment below
/// `target/python` with their programs in `bin`. It is made once, and again after a change of the file.
///
/// # Errors
/// If there is no Python 3 with its module venv, or pip fails.
pub fn environment(root: &Path, name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    let home = root.join("target/python").join(name);
    let wanted = fs::read(requirements).with_context(|| requirements.display().to_string())?;
    let installed = home.join("installed.txt");
    let _one_at_a_time = INSTALLATION.lock();
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    require(&[PYTHON])?;
    let venv = Process::new("python3", root).args("-m venv --clear").arg(&home);
    let pip = Process::new(program(&home, "python"), root)
        .args("-m pip install --quiet --disable-pip-version-check --no-input -r")
        .arg(requirements);
    for step in [venv, pip] {
        step.read()
            .with_context(|| Unavailable(format!("the Python packages for {name} cannot be installed")))?;
    }
    fs::write(&installed, &wanted)?;
    Ok(home)
}

/// A program of such an environment.
pub fn program(home: &Path, name: &str) -> PathBuf {
    home.join(if cfg!(windows) { "Scripts" } else { "bin" }).join(name)
}

/// The directory of the packages of such an environment.
///
/// # Errors
/// If it has none.
pub fn site_packages(home: &Path) -> anyhow::Result<PathBuf> {
    let library = home.join("lib");
    let versions = fs::read_dir(&library).with_context(|| library.display().to_string())?;
    let mut packages = versions.flatten().map(|version| version.path().join("site-packages"));
    packages
        .find(|packages| packages.is_dir())
        .with_context(|| format!("there are no packages in {}", home.display()))
}
