//! Where the ledger is.

use std::fmt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// Names the ledger, where `--ledger` does not.
pub(crate) const LEDGER_VARIABLE: &str = "INFRAI_LEDGER";

/// Names the directory of the default ledger.
pub(crate) const STATE_VARIABLE: &str = "INFRAI_STATE_DIR";

/// Where what was asked for is written down.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL, by its URL.
    Postgres(String),
    /// Nowhere: a crash forgets what was asked for.
    None,
}

impl Location {
    /// What a flag says, else what the environment says, else a file in the state directory.
    pub(crate) fn find(flag: Option<&str>) -> Result<Self, String> {
        if let Some(flag) = flag {
            let location = Self::parse(flag)?;
            return match location.has_password() {
                true => Err(format!(
                    "`ledger` has a password, which everybody on this machine could read; put the URL into {LEDGER_VARIABLE}, \
                     or the password into PGPASSWORD or ~/.pgpass"
                )),
                false => Ok(location),
            };
        }
        let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        if let Some(value) = set(LEDGER_VARIABLE) {
            return Self::parse(&value);
        }
        Self::default_file()
    }

    /// The file in the state directory.
    pub(crate) fn default_file() -> Result<Self, String> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let directory = match set(STATE_VARIABLE) {
            Some(directory) => PathBuf::from(directory),
            None => {
                let strategy = etcetera::choose_base_strategy().map_err(|error| {
                    format!("no place for the ledger: {error}; name a directory in {STATE_VARIABLE}")
                })?;
                strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("infrai-video")
            }
        };
        Ok(Self::File(directory.join("ledger.db")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.split_once(':') {
            _ if text == "none" => Ok(Self::None),
            _ if text.is_empty() => {
                Err("`ledger` is empty; name a file, a postgres:// URL or none".to_owned())
            }
            // What is no URL is not shown: it may have a password in it.
            Some(("postgres" | "postgresql", _)) => match url::Url::parse(text) {
                Ok(_) => Ok(Self::Postgres(text.to_owned())),
                Err(error) => {
                    Err(format!("`ledger` is no URL: {error}; write / @ : and % in it as %2F %40 %3A %25"))
                }
            },
            Some((scheme, rest)) if rest.starts_with("//") => {
                Err(format!("`ledger` cannot be kept at {scheme}://; name a file, a postgres:// URL or none"))
            }
            _ => Ok(Self::File(PathBuf::from(text))),
        }
    }

    fn has_password(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        url::Url::parse(url).is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }

    /// Whether somebody has used it before, as far as that is known without a look.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::File(path) => path.exists(),
            Self::Postgres(_) => true,
            Self::None => false,
        }
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Location {
    /// Without a password and other parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => match url::Url::parse(url) {
                Ok(url) => {
                    write!(f, "postgres://{}{}", url.host_str().unwrap_or_default(), url.path())
                }
                Err(_) => f.write_str("postgres"),
            },
            Self::None => f.write_str("none"),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_a_file_a_database_or_none() {
        assert_eq!(Location::find(Some("none")), Ok(Location::None));
        assert_eq!(Location::find(Some("a b/l.db")), Ok(Location::File("a b/l.db".into())));
        let url = "postgres:///ledger?host=/run/x";
        assert_eq!(Location::find(Some(url)), Ok(Location::Postgres(url.to_owned())));
        assert!(Location::find(Some("mysql://localhost/x")).unwrap_err().contains("postgres://"));
        assert!(Location::find(Some(" ")).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_password_is_no_flag_and_is_never_shown() {
        for url in ["postgres://me:secret@db/l", "postgres://db/l?password=secret"] {
            let refused = Location::find(Some(url)).unwrap_err();
            assert!(refused.contains("PGPASSWORD") && !refused.contains("secret"), "{refused}");
            let location = Location::parse(url).unwrap();
            assert_eq!(format!("{location} {location:?}"), "postgres://db/l postgres://db/l");
        }
        let refused = Location::find(Some("postgres://me:sec/ret@db/l")).unwrap_err();
        assert!(refused.contains("no URL") && !refused.contains("ret"), "{refused}");
    }
}
