//! Reads the file. Every error names its place; nothing that is misspelled is ignored.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use toml::Spanned;
use toml::de::{DeTable, Error};

use super::location::check_permissions;
use super::{CONFIG_VARIABLE, ConfigError, Place, Settings};
use crate::args::credentials::contains_api_key;
use crate::text::closest;

/// The members of the file that are no settings.
const TOP_LEVEL: [&str; 2] = ["default_profile", "profile"];

/// A file that somebody wrote is shorter.
const MAX_LENGTH: u64 = 256 * 1024;

/// Parts of names that people give to a secret.
const SECRETS: [&str; 5] = ["key", "token", "secret", "password", "credential"];

/// A file that was read.
#[derive(Debug, Clone)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    text: String,
    pub(super) default_profile: Option<Spanned<String>>,
    /// The settings of all profiles.
    pub(super) all: Settings,
    pub(super) profiles: BTreeMap<String, Settings>,
}

impl ConfigFile {
    /// `None` if there is no file and none is named.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, ConfigError> {
        let Some(path) = place.path() else { return Ok(None) };
        let failed = |error: io::Error| {
            let failed = ConfigError::new(format!("{} cannot be read: {error}", path.display()));
            match place {
                Place::Named(_) => {
                    let failed =
                        failed.next(format!("correct {CONFIG_VARIABLE}, unset it, or set it to none"));
                    match error.kind() {
                        io::ErrorKind::NotFound => {
                            failed.next("infrai-video config edit  (creates the file)")
                        }
                        _ => failed,
                    }
                }
                _ => failed.next("infrai-video config path"),
            }
        };
        match (std::fs::metadata(path), place) {
            (Err(error), Place::Default(_))
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
                    && path.symlink_metadata().is_err() =>
            {
                return Ok(None);
            }
            // Opening a pipe waits for another process.
            (metadata, _) => check_kind(path, &metadata.map_err(failed)?).map_err(failed)?,
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        check_permissions(path, &metadata)?;
        let mut text = String::new();
        file.take(MAX_LENGTH + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_LENGTH {
            return Err(failed(io::Error::other(format!("it is longer than {} KiB", MAX_LENGTH / 1024))));
        }
        Self::parse(path, text).map(Some)
    }

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, ConfigError> {
        let mut file = Self {
            path: path.to_owned(),
            text,
            default_profile: None,
            all: Settings::default(),
            profiles: BTreeMap::new(),
        };
        let text = file.text.clone();
        let table = DeTable::parse(text.trim_start_matches('\u{feff}'))
            .map_err(|error| file.rejected(&error, &[]))?;
        let span = table.span();
        let mut table = table.into_inner();
        let top = |error: Error| file.rejected(&error, &TOP_LEVEL);
        let default_profile = table.remove("default_profile");
        let default_profile = default_profile
            .map(|name| Spanned::<String>::deserialize(name.into_deserializer()).map_err(top))
            .transpose()?;
        let profiles = match table.remove("profile") {
            Some(profiles) => BTreeMap::<String, Settings>::deserialize(profiles.into_deserializer())
                .map_err(|error| file.rejected(&error, &[]))?,
            None => BTreeMap::new(),
        };
        let all = Settings::deserialize(Spanned::new(span, table).into_deserializer()).map_err(top)?;
        for settings in profiles.values().chain([&all]) {
            if let (Some(_), Some(command)) = (&settings.api_key_env, &settings.key_command) {
                let place = file.position(command.span().start);
                let message = format!("{place}: api_key_env and key_command exclude each other");
                return Err(ConfigError::new(message).next("infrai-video config edit"));
            }
        }
        (file.default_profile, file.profiles, file.all) = (default_profile, profiles, all);
        Ok(file)
    }

    /// The line of a byte and its column, both counted from 1.
    fn line_and_column(&self, byte: usize) -> (usize, usize) {
        // The parser has not seen a byte order mark.
        let text = self.text.trim_start_matches('\u{feff}');
        let before = text.get(..byte.min(text.len())).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }

    /// `FILE:LINE:COLUMN`
    pub(super) fn position(&self, byte: usize) -> String {
        let (line, column) = self.line_and_column(byte);
        format!("{}:{line}:{column}", self.path.display())
    }

    /// `FILE:LINE`
    pub(super) fn place(&self, byte: usize) -> String {
        format!("{}:{}", self.path.display(), self.line_and_column(byte).0)
    }

    /// `NAME: ` of the setting whose value begins at a byte, or nothing.
    fn setting_before(&self, byte: usize) -> String {
        let text = self.text.trim_start_matches('\u{feff}');
        let before = text.get(..byte).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default().trim_end();
        let key = line.strip_suffix('=').map(str::trim_end).unwrap_or_default();
        let is_part = |c: char| c.is_alphanumeric() || "_-.\"'".contains(c);
        match key.rsplit(|c| !is_part(c)).next() {
            Some(name) if !name.is_empty() && !contains_api_key(name) => format!("{name}: "),
            _ => String::new(),
        }
    }

    /// The error of the parser in words. `others` are names that are valid in the same place beside the settings.
    fn rejected(&self, error: &Error, others: &[&str]) -> ConfigError {
        let place =
            error.span().map_or_else(|| self.path.display().to_string(), |span| self.position(span.start));
        let message = error.message();
        let why = match message.strip_prefix("unknown field `") {
            // Errors of values, such as templates, have no backquotes.
            Some(names) => {
                let mut names = names.split('`').step_by(2);
                let name = names.next().unwrap_or_default();
                unknown(name, &names.chain(others.iter().copied()).collect::<Vec<_>>())
            }
            // The value may be shown.
            None if contains_api_key(message) => {
                "it contains an API key, which is never in this file".to_owned()
            }
            None => {
                let name = error.span().map(|span| self.setting_before(span.start)).unwrap_or_default();
                format!("{name}{}", in_words(message))
            }
        };
        ConfigError::new(format!("{place}: {why}")).next("infrai-video config edit")
    }
}

/// Only a regular file can be read, and `/dev/null`, which is empty.
fn check_kind(path: &Path, metadata: &Metadata) -> io::Result<()> {
    match metadata {
        _ if metadata.is_file() || cfg!(unix) && path == Path::new("/dev/null") => Ok(()),
        _ if metadata.is_dir() => Err(io::Error::other("it is a directory")),
        _ => Err(io::Error::other("it is not a regular file")),
    }
}

/// What to say about a setting that does not exist.
fn unknown(name: &str, known: &[&str]) -> String {
    let lower = name.to_ascii_lowercase();
    let shown = if contains_api_key(name) { "..." } else { name };
    let is_secret = shown != name || SECRETS.iter().any(|part| lower.contains(part));
    match closest(name, known) {
        Some(meant) if !is_secret || strsim::osa_distance(&lower, meant) <= 2 => {
            format!("unknown setting {shown:?}; did you mean {meant}?")
        }
        _ if is_secret => format!(
            "{shown}: an API key is never in this file; name an environment variable with api_key_env, or a command that \
             prints the key with key_command"
        ),
        _ => format!("unknown setting {shown:?}; use {}", known.join(", ")),
    }
}

/// A message of serde in the words of TOML.
fn in_words(message: &str) -> String {
    [
        ("invalid type: floating point ", "found the number "),
        ("invalid type: integer ", "found the number "),
        ("invalid type: string ", "found the text "),
        ("invalid type: sequence", "found a list"),
        ("invalid type: map", "found a table"),
        ("invalid type: ", "found "),
        ("expected f64", "expected a number such as 5"),
        ("expected a string", "expected text in quotes"),
        ("expected a boolean", "expected true or false"),
        ("expected a map", "expected a table, such as [profile.work]"),
        ("expected struct Settings", "expected a table, such as [profile.work]"),
    ]
    .into_iter()
    .fold(message.replace('\n', " "), |message, (from, to)| message.replace(from, to))
}
