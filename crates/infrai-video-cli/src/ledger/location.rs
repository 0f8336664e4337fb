//! Where the ledger is.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use etcetera::BaseStrategy as _;

#[cfg(feature = "postgres")]
use super::postgres_url::PostgresUrl;
use super::private_files::directory_of;
use crate::args::credentials::may_contain_secret;
use crate::args::set;

const OPTION: &str = "--ledger";

/// The location of the ledger if `--ledger` is not set.
pub(crate) const LEDGER_VARIABLE: &str = "INFRAI_LEDGER";

/// The directory of the default ledger.
pub(crate) const STATE_VARIABLE: &str = "INFRAI_STATE_DIR";

/// A location that cannot be used, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidLocation(String);

/// Where requests are recorded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres(PostgresUrl),
    /// Nowhere: a crash loses the record of a request.
    None,
}

impl Location {
    /// The value of `--ledger`, else of the environment, else of the configuration, else the file in the state directory.
    pub(crate) fn find(option: Option<&str>, configured: Option<Self>) -> Result<Self, InvalidLocation> {
        if let Some(value) = option {
            return Self::of_option(value);
        }
        if let Some(value) = set(LEDGER_VARIABLE) {
            let location = Self::parse(&value.to_string_lossy(), LEDGER_VARIABLE)?;
            return match (location, value.to_str()) {
                (location, Some(_)) => Ok(location),
                // A path need not be UTF-8.
                (Self::File(_), None) => Ok(Self::File(value.into())),
                (_, None) => {
                    Err(InvalidLocation(format!("{LEDGER_VARIABLE} is a URL that is not UTF-8 text")))
                }
            };
        }
        configured.map_or_else(Self::default_file, Ok)
    }

    /// The file in the state directory.
    pub(crate) fn default_file() -> Result<Self, InvalidLocation> {
        let directory = match set(STATE_VARIABLE) {
            Some(directory) => PathBuf::from(directory),
            None => {
                let strategy = etcetera::choose_base_strategy().map_err(|error| {
                    InvalidLocation(format!("no directory for the ledger: {error}; set {STATE_VARIABLE}"))
                })?;
                strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("infrai-video")
            }
        };
        Ok(Self::File(directory.join("ledger.db")))
    }

    /// The value of `--ledger`. It must not contain a password, since every user of this machine can read the arguments of a
    /// process.
    pub(crate) fn of_option(value: &str) -> Result<Self, InvalidLocation> {
        Self::without_password(value, OPTION, "which every user of this machine could read")
    }

    /// The setting `ledger` of the configuration.
    pub(crate) fn of_setting(value: &str) -> Result<Self, InvalidLocation> {
        Self::without_password(value, "ledger", "which is never in this file")
    }

    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only a URL has a password"))]
    fn without_password(value: &str, source: &str, why: &str) -> Result<Self, InvalidLocation> {
        let location = Self::parse(value, source)?;
        match &location {
            #[cfg(feature = "postgres")]
            Self::Postgres(url) if url.has_password() => Err(InvalidLocation(format!(
                "{source} has a password, {why}; put the URL into {LEDGER_VARIABLE}, or the password into PGPASSWORD or ~/.pgpass"
            ))),
            _ => Ok(location),
        }
    }

    /// `source` is the option or the variable. Error messages do not repeat the text, which may contain a password.
    fn parse(text: &str, source: &str) -> Result<Self, InvalidLocation> {
        let text = text.trim();
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        let invalid = |reason: &str| Err(InvalidLocation(format!("{source} {reason}")));
        match scheme.as_deref() {
            _ if text == "none" => Ok(Self::None),
            _ if text.is_empty() => invalid("is empty; name a file, a postgres:// URL or none"),
            #[cfg(not(feature = "postgres"))]
            Some("postgres" | "postgresql") => invalid(
                "is a PostgreSQL URL, which this build of the command does not support; install it with \
                 --features postgres, or name a file or none",
            ),
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => match PostgresUrl::parse(text) {
                Some(url) => Ok(Self::Postgres(url)),
                None => invalid(
                    "cannot be read as a PostgreSQL URL; write / ? # @ : and % in its user and password as %2F %3F %23 %40 %3A \
                     and %25",
                ),
            },
            Some(_) if text.contains("://") => {
                invalid("is a URL of another kind; name a file, a postgres:// URL or none")
            }
            _ if may_contain_secret(text) => invalid(
                "looks like an API key or a password; name a file, such as ./NAME, a postgres:// URL or none",
            ),
            _ => Ok(Self::File(PathBuf::from(text))),
        }
    }

    /// Whether other machines may use the same ledger.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Self::File(_) | Self::None)
    }

    /// Whether the ledger exists. A database is assumed to.
    pub(crate) fn exists(&self) -> bool {
        self.file().map_or(self.is_shared(), Path::exists)
    }

    /// The directory of the file if it does not exist. Only that of the default file is created: another may be misspelled.
    pub(crate) fn missing_directory(&self) -> Option<PathBuf> {
        let directory = directory_of(self.file()?).into_owned();
        let is_missing = directory.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        (is_missing && Self::default_file().as_ref() != Ok(self)).then_some(directory)
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Location {
    /// Without the password and other parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
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
        assert_eq!(Location::of_option("none"), Ok(Location::None));
        assert_eq!(Location::of_option("a b/l.db"), Ok(Location::File("a b/l.db".into())));
        assert_eq!(Location::of_option("./ifr_pk_x"), Ok(Location::File("./ifr_pk_x".into())));
        #[cfg(feature = "postgres")]
        for url in ["postgres:///ledger?host=/run/x", "postgresql://me@db/ledger", "Postgres://db/ledger"] {
            assert!(matches!(Location::of_option(url), Ok(Location::Postgres(_))), "{url}");
        }
        assert!(Location::of_option("mysql://localhost/x").unwrap_err().to_string().contains("postgres://"));
        assert!(Location::of_option(" ").unwrap_err().to_string().contains("empty"));
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_build_without_postgresql_names_the_feature() {
        let error = Location::of_option("postgres://me:secret@db/l").unwrap_err().to_string();
        assert!(error.contains("--features postgres") && !error.contains("secret"), "{error}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_password_is_rejected_in_the_option_and_never_shown() {
        for url in ["postgres://me:secret@db/l", "postgres://db/l?password=secret", "postgres://me:secret@/l"]
        {
            let rejected = Location::of_option(url).unwrap_err().to_string();
            assert!(rejected.contains("PGPASSWORD") && !rejected.contains("secret"), "{rejected}");
            let location = Location::parse(url, LEDGER_VARIABLE).unwrap();
            assert!(!format!("{location} {location:?}").contains("secret"));
        }
    }

    #[test]
    fn an_invalid_location_is_not_shown() {
        for (text, why) in [
            ("postgres://me:sec/ret@db/l", "PostgreSQL URL"),
            ("postgres://me:12/ret@db/l", "PostgreSQL URL"),
            ("mysql://me:ret@db/l", "another kind"),
            ("jdbc:postgresql://db/l?user=me&password=ret", "another kind"),
            ("me:ret@db/l", "looks like"),
            ("host=db user=me password=ret", "looks like"),
            ("ifr_pk_proj_ret", "looks like"),
        ] {
            for source in [OPTION, LEDGER_VARIABLE] {
                let rejected = Location::parse(text, source).unwrap_err().to_string();
                assert!(rejected.contains(source) && rejected.contains(why), "{rejected}");
                assert!(!rejected.contains("ret"), "{rejected}");
            }
        }
    }
}
