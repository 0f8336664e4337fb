//! Packages from npm, each set of them in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::programs::{NPM, require};
use crate::skip::Unavailable;
use crate::{INSTALLATION, Process};

/// Installs the packages of `package.json` and `package-lock.json` in `manifest`, and returns a directory below `target/node`
/// with their programs in `node_modules/.bin`. They are installed once, and again after a change of the lock file.
///
/// # Errors
/// If there is no npm, or it fails.
pub fn packages(root: &Path, name: &str, manifest: &Path) -> anyhow::Result<PathBuf> {
    let home = root.join("target/node").join(name);
    let lock =
        fs::read(manifest.join("package-lock.json")).with_context(|| manifest.display().to_string())?;
    let installed = home.join("installed.json");
    let _one_at_a_time = INSTALLATION.lock();
    if fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(home);
    }
    require(&[NPM])?;
    fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
    fs::copy(manifest.join("package.json"), home.join("package.json"))?;
    fs::write(home.join("package-lock.json"), &lock)?;
    let npm = Process::new("npm", &home).args("ci --ignore-scripts --no-audit --no-fund --loglevel=error");
    npm.read().with_context(|| Unavailable(format!("the npm packages for {name} cannot be installed")))?;
    fs::write(&installed, &lock)?;
    Ok(home)
}
