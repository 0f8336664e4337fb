//! Snapshots: a test reads each, and none waits for review.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::runner::{Outcome, Runner};

/// Each assertion adds the path of its snapshot to the file in this variable. cargo-insta finds orphans in the same way.
pub(super) const REFERENCES: &str = "INSTA_SNAPSHOT_REFERENCES_FILE";

/// A directory of snapshots that a step of its own reads. A test beside it reports those that are left over.
const READ_ELSEWHERE: &str = "tests/workspace/snapshots/";

/// Compares the snapshot files of the workspace with those that the tests have read.
pub(super) fn run(runner: &mut Runner<'_>) -> anyhow::Result<Outcome> {
    let Some(references) = &runner.references else {
        return Ok(Outcome::Skipped(
            "the tests did not pass, so it is not known which snapshots they read".to_owned(),
        ));
    };
    let problems = problems(runner.root, &fs::read_to_string(references.path())?)?;
    for problem in &problems {
        runner.print(problem)?;
    }
    Ok(match problems.len() {
        0 => Outcome::Passed,
        count => Outcome::Failed(format!("{count} snapshots to review or delete")),
    })
}

/// One line for each orphan and for each snapshot that waits for review.
fn problems(root: &Path, references: &str) -> io::Result<Vec<String>> {
    // A path that does not exist belongs to an assertion that failed or was renamed meanwhile.
    let read: BTreeSet<PathBuf> = references.lines().filter_map(|line| fs::canonicalize(line).ok()).collect();
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut problems = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        if name.ends_with(".snap.new") || name.ends_with(".pending-snap") {
            problems.push(format!("{name}: waits for review; accept it as the snapshot or delete it"));
        } else if name.ends_with(".snap")
            && !name.starts_with(READ_ELSEWHERE)
            && !read.contains(&fs::canonicalize(&file)?)
        {
            problems.push(format!("{name}: no test reads it; delete it"));
        }
    }
    Ok(problems)
}

/// All files below a directory, except in hidden directories and in build output.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        let path = entry.path();
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && !is_left_out(&path, &name) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

fn is_left_out(path: &Path, name: &OsStr) -> bool {
    let hidden = name.to_string_lossy().starts_with('.');
    // Cargo marks its build directories with this file.
    hidden || name == "node_modules" || path.join("CACHEDIR.TAG").is_file()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::test::Options;

    /// A workspace with these files.
    fn workspace(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn a_snapshot_that_no_test_reads_is_an_orphan() {
        let root = workspace(&["tests/snapshots/a.snap", "tests/snapshots/b.snap"]);
        let read = format!("{}\n", root.path().join("tests/../tests/snapshots/a.snap").display());
        assert_eq!(
            problems(root.path(), &read).unwrap(),
            ["tests/snapshots/b.snap: no test reads it; delete it"]
        );
    }

    #[test]
    fn a_snapshot_that_waits_for_review_is_reported() {
        let root = workspace(&["a.snap", "a.snap.new", ".b.pending-snap"]);
        let read = root.path().join("a.snap").display().to_string();
        let found = problems(root.path(), &read).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with(".b.pending-snap: waits for review"), "{found:?}");
        assert!(found[1].starts_with("a.snap.new: waits for review"), "{found:?}");
    }

    #[test]
    fn snapshots_of_another_step_are_only_checked_for_reviews() {
        let root = workspace(&[
            "tests/workspace/snapshots/a.snap",
            "tests/workspace/snapshots/a.snap.new",
            "tests/workspaces/a.snap",
        ]);
        let found = problems(root.path(), "").unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("tests/workspace/snapshots/a.snap.new: waits"), "{found:?}");
        assert!(found[1].starts_with("tests/workspaces/a.snap: no test reads it"), "{found:?}");
    }

    #[test]
    fn build_output_and_hidden_directories_are_left_alone() {
        let root =
            workspace(&["out/CACHEDIR.TAG", "out/package/x.snap", ".git/y.snap", "node_modules/z.snap"]);
        assert_eq!(problems(root.path(), "").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn without_a_list_the_step_is_skipped() {
        let out = Mutex::new(Vec::new());
        let mut runner = Runner::new(Path::new("."), &Options::default(), &out);
        assert!(matches!(run(&mut runner), Ok(Outcome::Skipped(_))));
    }
}
