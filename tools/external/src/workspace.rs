//! A copy of the workspace, for checks that change it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Copies everything except the history and build output, and removes what no longer exists. Equal files stay untouched, so
/// that cargo rebuilds little.
///
/// # Errors
/// If a file cannot be read or written.
pub fn copy(root: &Path, copy: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(copy).with_context(|| copy.display().to_string())?;
    for entry in fs::read_dir(root).with_context(|| root.display().to_string())? {
        let name = entry?.file_name();
        if name != "target" && name != ".git" {
            copy_tree(&root.join(&name), &copy.join(&name))
                .with_context(|| format!("{} cannot be copied", name.to_string_lossy()))?;
        }
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        let content = fs::read(from)?;
        let is_equal = fs::read(to).is_ok_and(|known| known == content);
        return if is_equal { Ok(()) } else { fs::write(to, content) };
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !from.join(entry.file_name()).exists() {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy_tree(&from.join(&name), &to.join(name))?;
    }
    Ok(())
}
