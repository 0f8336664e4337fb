//! Programs from npm, each set of them in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory below `target/node` that has the packages which `package.json` and `package-lock.json` in `manifest` name;
/// their programs are in its `node_modules/.bin`. They are installed once, and again where the lock file changed.
///
/// # Errors
/// If there is no npm, or it fails: in words.
pub fn packages(root: &Path, name: &str, manifest: &Path) -> Result<PathBuf, String> {
    let home = root.join("target/node").join(name);
    let lock = super::read(&manifest.join("package-lock.json"))?;
    let installed = home.join("installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(home);
    }
    fs::create_dir_all(&home).map_err(|error| format!("{} cannot be made: {error}", home.display()))?;
    super::write(&home.join("package.json"), &super::read(&manifest.join("package.json"))?)?;
    super::write(&home.join("package-lock.json"), &lock)?;
    let mut npm = Command::new("npm");
    npm.current_dir(&home).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    super::install(&mut npm, &format!("the npm packages for {name}"))?;
    super::write(&installed, &lock)?;
    Ok(home)
}
