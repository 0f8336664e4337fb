//! Programs that cargo builds to be measured.

use std::path::{Path, PathBuf};

use external_tools::cargo;
pub(crate) use external_tools::cargo::named;

/// Builds with `--release` from the workspace at `directory` into the target directory of the workspace at `root`. The
/// arguments are separated by spaces.
pub(crate) fn executables(root: &Path, directory: &Path, arguments: &str) -> anyhow::Result<Vec<PathBuf>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    cargo::programs_in(directory, &root.join(target), &format!("build --release {arguments}"))
}

/// The version of a package that a lock file pins.
pub(crate) fn locked(lock: &str, package: &str) -> Option<String> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_a_lock_file() {
        let lock = "[[package]]\nname = \"hyper\"\nversion = \"1.12.0\"\n\n[[package]]\nname = \"hyper-util\"\nversion = \"0.1.21\"\n";
        assert_eq!(locked(lock, "hyper").as_deref(), Some("1.12.0"));
        assert_eq!(locked(lock, "hype"), None);
    }
}
