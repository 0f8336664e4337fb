//! Where the configuration is, and who may write it.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use super::ConfigError;
use crate::args::set;

/// The path of the file, or `none`.
pub(crate) const CONFIG_VARIABLE: &str = "INFRAI_CONFIG";

/// Where the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the user's configuration directory. It need not exist.
    Default(PathBuf),
    /// As the environment says. It must exist.
    Named(PathBuf),
    /// No file is used.
    None,
}

impl Place {
    pub(crate) fn find() -> Self {
        match set(CONFIG_VARIABLE) {
            Some(path) if path == "none" => Self::None,
            Some(path) => Self::Named(path.into()),
            // Without a home directory there is no file.
            None => etcetera::choose_base_strategy().map_or(Self::None, |strategy| {
                Self::Default(strategy.config_dir().join("infrai-video").join("config.toml"))
            }),
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Default(path) | Self::Named(path) => Some(path),
            Self::None => None,
        }
    }
}

/// Rejects a file that other users may write or replace: they could choose the commands that it runs and the host that gets the API
/// key.
pub(super) fn check_permissions(path: &Path, metadata: &std::fs::Metadata) -> Result<(), ConfigError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        const STICKY: u32 = 0o1000;

        let rejected = |why: &str, path: &Path, command: &str| {
            let message = format!(
                "{}: {why}, and so choose the commands that it runs and the host that gets the API key",
                path.display()
            );
            Err(ConfigError::new(message)
                .next(format!("{command} {}", crate::text::operand(&path.to_string_lossy()))))
        };
        if !metadata.is_file() {
            return Ok(());
        }
        if metadata.mode() & 0o022 != 0 {
            return rejected("other users may write it", path, "chmod go-w");
        }
        if ![0, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) {
            return rejected("it belongs to another user, who may write it", path, "chown \"$(id -u)\"");
        }
        // A link may be replaced, and the file that it leads to.
        for place in [Some(path.to_owned()), path.canonicalize().ok()].into_iter().flatten() {
            let directory = place.parent().filter(|directory| !directory.as_os_str().is_empty());
            let directory = directory.unwrap_or(Path::new("."));
            let mode = directory.metadata().map_or(0, |metadata| metadata.mode());
            if mode & 0o002 != 0 && mode & STICKY == 0 {
                return rejected("other users may replace the files in it", directory, "chmod o-w");
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata);
    Ok(())
}

/// The text with `~/` at its beginning replaced by the home directory, as a shell does with an argument.
pub(crate) fn expanded(text: &str) -> String {
    in_home(text, |home| home)
}

/// The same for a template, in which the braces of the home directory are doubled.
pub(crate) fn expanded_template(text: &str) -> String {
    in_home(text, |home| home.replace('{', "{{").replace('}', "}}"))
}

fn in_home(text: &str, written: impl Fn(String) -> String) -> String {
    let rest = text.strip_prefix("~/").or_else(|| text.strip_prefix("~\\").filter(|_| cfg!(windows)));
    let path = rest.and_then(|rest| {
        let home = etcetera::home_dir().ok()?;
        Some(PathBuf::from(written(home.to_string_lossy().into_owned())).join(rest))
    });
    path.map_or_else(|| text.to_owned(), |path| path.to_string_lossy().into_owned())
}
