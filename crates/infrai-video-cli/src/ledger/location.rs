//! Where the ledger is.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use super::postgres_url::PostgresUrl;
use crate::credentials;

/// Names the ledger.
const FLAG: &str = "--ledger";

/// Names the ledger, where `--ledger` does not.
pub(crate) const LEDGER_VARIABLE: &str = "INFRAI_LEDGER";

/// Names the directory of the default ledger.
pub(crate) const STATE_VARIABLE: &str = "INFRAI_STATE_DIR";

/// Where what was asked for is written down.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL.
    Postgres(PostgresUrl),
    /// Nowhere: a crash forgets what was asked for.
    None,
}

impl Location {
    /// What a flag says, else what the environment says, else a file in the state directory.
    pub(crate) fn find(flag: Option<&str>) -> Result<Self, String> {
        if let Some(flag) = flag {
            return Self::of_flag(flag);
        }
        if let Some(value) = set(LEDGER_VARIABLE) {
            let location = Self::parse(&value.to_string_lossy(), LEDGER_VARIABLE)?;
            return match (location, value.to_str()) {
                (location, Some(_)) => Ok(location),
                // The bytes of a path stay as they are.
                (Self::File(_), None) => Ok(Self::File(value.into())),
                (_, None) => Err(format!("`{LEDGER_VARIABLE}` is a URL that is not UTF-8 text")),
            };
        }
        Self::default_file()
    }

    /// The file in the state directory.
    pub(crate) fn default_file() -> Result<Self, String> {
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

    /// What `--ledger` says. Everybody on this machine can read the arguments of a process, so it takes no password.
    pub(crate) fn of_flag(flag: &str) -> Result<Self, String> {
        let location = Self::parse(flag, FLAG)?;
        match &location {
            Self::Postgres(url) if url.has_password() => Err(format!(
                "`{FLAG}` has a password, which everybody on this machine could read; put the URL into {LEDGER_VARIABLE}, or the \
                 password into PGPASSWORD or ~/.pgpass"
            )),
            _ => Ok(location),
        }
    }

    /// `source` is the flag or the variable that holds the text. No error repeats the text, which may hold a password.
    fn parse(text: &str, source: &str) -> Result<Self, String> {
        let text = text.trim();
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            _ if text == "none" => Ok(Self::None),
            _ if text.is_empty() => {
                Err(format!("`{source}` is empty; name a file, a postgres:// URL or none"))
            }
            Some("postgres" | "postgresql") => PostgresUrl::parse(text).map(Self::Postgres).ok_or_else(|| {
                format!(
                    "`{source}` cannot be read as a PostgreSQL URL; write / ? # @ : and % in its user and password as %2F %3F %23 \
                     %40 %3A and %25"
                )
            }),
            Some(_) if text.contains("://") => {
                Err(format!("`{source}` is a URL of another kind; name a file, a postgres:// URL or none"))
            }
            _ if credentials::may_hold(text) => Err(format!(
                "`{source}` looks like an API key or a password; name a file, such as ./NAME, a postgres:// URL or none"
            )),
            _ => Ok(Self::File(PathBuf::from(text))),
        }
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

/// What a variable of the environment says. Bytes that are no UTF-8 stay as they are.
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.as_encoded_bytes().trim_ascii().is_empty())
}

impl fmt::Display for Location {
    /// Without a password and other parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
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
        assert_eq!(Location::of_flag("none"), Ok(Location::None));
        assert_eq!(Location::of_flag("a b/l.db"), Ok(Location::File("a b/l.db".into())));
        assert_eq!(Location::of_flag("./ifr_pk_x"), Ok(Location::File("./ifr_pk_x".into())));
        for url in ["postgres:///ledger?host=/run/x", "postgresql://me@db/ledger", "Postgres://db/ledger"] {
            assert!(matches!(Location::of_flag(url), Ok(Location::Postgres(_))), "{url}");
        }
        assert!(Location::of_flag("mysql://localhost/x").unwrap_err().contains("postgres://"));
        assert!(Location::of_flag(" ").unwrap_err().contains("empty"));
    }

    #[test]
    fn a_password_is_no_flag_and_is_never_shown() {
        for url in ["postgres://me:secret@db/l", "postgres://db/l?password=secret", "postgres://me:secret@/l"]
        {
            let refused = Location::of_flag(url).unwrap_err();
            assert!(refused.contains("PGPASSWORD") && !refused.contains("secret"), "{refused}");
            let location = Location::parse(url, LEDGER_VARIABLE).unwrap();
            assert!(!format!("{location} {location:?}").contains("secret"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        for (text, why) in [
            ("postgres://me:sec/ret@db/l", "cannot be read"),
            ("postgres://me:12/ret@db/l", "cannot be read"),
            ("mysql://me:ret@db/l", "another kind"),
            ("jdbc:postgresql://db/l?user=me&password=ret", "another kind"),
            ("me:ret@db/l", "looks like"),
            ("host=db user=me password=ret", "looks like"),
            ("ifr_pk_proj_ret", "looks like"),
        ] {
            for source in [FLAG, LEDGER_VARIABLE] {
                let refused = Location::parse(text, source).unwrap_err();
                assert!(refused.contains(source) && refused.contains(why), "{refused}");
                assert!(!refused.contains("ret"), "{refused}");
            }
        }
    }
}
