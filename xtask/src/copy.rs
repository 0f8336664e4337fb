//! A copy of the workspace, for checks that change it.

use std::fs;
use std::path::Path;

/// Copies all but the history and what was built, and removes what is no longer there. Files that are the same are left alone,
/// so that little is built anew.
pub(crate) fn copy_workspace(root: &Path, copy: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{} cannot be copied: {error}", root.display());
    fs::create_dir_all(copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name != "target" && name != ".git" {
            let place = name.to_string_lossy().into_owned();
            copy_tree(&root.join(&name), &copy.join(&name)).map_err(|error| format!("{place}: {error}"))?;
        }
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(to)? {
            let entry = entry?;
            if !from.join(entry.file_name()).exists() {
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?
                } else {
                    fs::remove_file(entry.path())?
                }
            }
        }
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy_tree(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    let content = fs::read(from)?;
    if fs::read(to).is_ok_and(|known| known == content) {
        return Ok(());
    }
    fs::write(to, content)
}
