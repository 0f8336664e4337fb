//! Files and directories that only their owner may read.

use std::borrow::Cow;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Opens the file, and creates it and its directory if needed. Only its owner may read it.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    private_directory(&directory_of(path))?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(file)
}

/// Creates a directory that only its owner may read. An existing one stays unchanged.
pub(super) fn private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The directory of a file.
pub(super) fn directory_of(file: &Path) -> Cow<'_, Path> {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory.into(),
        _ => PathBuf::from(".").into(),
    }
}
