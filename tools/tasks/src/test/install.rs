//! Installs programs of the system with Debian's packages, for runs with `CI=true`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use external_tools::Process;
use external_tools::programs::{Install, Program, missing, needs};

use super::runner::{Outcome, Runner};

/// Debian's scripts read every file in here when they make a PostgreSQL cluster.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.d";

/// Installs the programs that come in Debian's packages.
pub(super) fn install(runner: &Runner<'_>, programs: &[Program]) -> anyhow::Result<()> {
    let packages: Vec<&str> = programs
        .iter()
        .filter_map(|program| match program.install {
            Install::Apt(packages) => Some(packages),
            Install::Manual(_) => None,
        })
        .collect();
    if !packages.is_empty() {
        let apt = |arguments: &str| {
            Process::new("apt-get", runner.root).env("DEBIAN_FRONTEND", "noninteractive").args(arguments)
        };
        // Who may not write there may not install anything either.
        let _no_cluster = NoCluster::in_directory(Path::new(CLUSTER_SETTINGS)).ok();
        // A package that names its version may be installed in a newer one.
        let options = "-y --no-install-recommends --allow-downgrades";
        let install = apt(&format!("install {options} {}", packages.join(" ")));
        if !install.works() {
            // A fresh system has no lists of packages yet.
            let update = apt("update");
            for process in [update, install] {
                let outcome = runner.run(process)?;
                ensure!(outcome == Outcome::Passed, "{} cannot be installed", packages.join(" "));
            }
        }
    }
    let missing = missing(programs);
    ensure!(missing.is_empty(), needs(&missing));
    Ok(())
}

/// While this exists, Debian's package makes no cluster for the whole system. The tests start servers of their own.
struct NoCluster {
    setting: PathBuf,
}

impl NoCluster {
    fn in_directory(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let setting = directory.join("infrai-video-tests.conf");
        fs::write(&setting, "create_main_cluster = false\n")?;
        Ok(Self { setting })
    }
}

impl Drop for NoCluster {
    fn drop(&mut self) {
        // If the setting cannot be removed, later installations make no cluster either, which does no harm.
        let _ = fs::remove_file(&self.setting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_against_a_cluster_exists_only_for_a_while() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("createcluster.d");
        let no_cluster = NoCluster::in_directory(&directory).unwrap();
        let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files, [directory.join("infrai-video-tests.conf")]);
        assert_eq!(fs::read_to_string(&files[0]).unwrap(), "create_main_cluster = false\n");
        drop(no_cluster);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}
