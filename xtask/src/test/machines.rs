//! The tests with machines that share a database, which need PostgreSQL.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::tools::{self, Tool};
use super::{Child, Context, Outcome};

const TOOLS: [Tool; 1] = [("initdb", "--version", "postgresql")];

/// Debian's scripts read every file in here when they make a cluster.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.d";

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let installed = install(context)?;
    if installed != Outcome::Passed {
        return Ok(installed);
    }
    // With the whole workspace chosen, cargo takes what the other tests were built from.
    for which in ["--lib", "--test machines"] {
        let tests = format!("test --workspace {which} -- --ignored");
        let outcome = Child::cargo(context.root).arguments(&tests).run(context)?;
        if outcome != Outcome::Passed {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Passed)
}

fn install(context: &mut Context<'_>) -> io::Result<Outcome> {
    // Whoever may not write there may not install anything either, and is told so.
    let _no_cluster = if tools::missing(context.root, &TOOLS).is_empty() {
        None
    } else {
        NoCluster::in_directory(Path::new(SETTINGS)).ok()
    };
    tools::install(context, &TOOLS)
}

/// As long as this lives, Debian's package makes no cluster for the whole system. The tests start servers of their own.
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
        // Where the setting cannot be removed, later installations make no cluster either, which harms nothing.
        let _best_effort = fs::remove_file(&self.setting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_against_a_cluster_is_there_for_a_while_only() {
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
