//! What people and programs write: fault rules, scenarios, catalogues and bodies of the admin API, in TOML or JSON.

mod error;
mod fields;
mod names;
mod node;

use std::fmt;

use serde::de::DeserializeOwned;

pub(crate) use self::error::{ReadError, Segment, Wrong};
pub(crate) use self::fields::{fields_of, variants_of};
pub(crate) use self::names::{closest, decimal, shortened, unknown};
pub(crate) use self::node::{Field, Kind, Node};

/// The language of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Toml,
    Json,
}

/// Why fault rules, a scenario or a catalogue are invalid: in one line the place, the reason, and what would be valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {wrong}")]
pub struct InputError {
    place: String,
    wrong: String,
}

impl InputError {
    pub(crate) fn new(place: impl Into<String>, wrong: impl Into<String>) -> Self {
        Self { place: place.into(), wrong: wrong.into() }
    }
}

/// A text that was parsed.
pub(crate) struct Input {
    /// What it contains, for errors that concern the whole.
    what: &'static str,
    format: Format,
    pub(crate) root: Node,
}

impl Input {
    pub(crate) fn parse(what: &'static str, text: &str, format: Format) -> Result<Self, InputError> {
        let text = text.trim_start_matches('\u{feff}');
        let root = match format {
            Format::Toml => Node::from_toml(text),
            Format::Json => Node::from_json(text),
        };
        let root = root.map_err(|(at, mut wrong)| {
            match format {
                Format::Toml if looks_like_json(text) => wrong.push_str("; it looks like JSON, not TOML"),
                Format::Json if looks_like_toml(text) => wrong.push_str("; it looks like TOML, not JSON"),
                _ => {}
            }
            match at {
                Some((line, column)) => {
                    InputError::new(format!("{what} (line {line}, column {column})"), wrong)
                }
                None => InputError::new(what, wrong),
            }
        })?;
        Ok(Self { what, format, root })
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, InputError> {
        T::deserialize(&self.root).map_err(|error| self.rejected(error))
    }

    /// The error for people.
    pub(crate) fn rejected(&self, error: ReadError) -> InputError {
        let mut place = error.place();
        if place.is_empty() {
            self.what.clone_into(&mut place);
        }
        if let Some(line) = error.line {
            place.push_str(&format!(" (line {line})"));
        }
        let list = match (&error.wrong, error.path.first(), self.format) {
            (Wrong::Table, Some(Segment::Key(key)), Format::Toml) => format!("; begin each with [[{key}]]"),
            (Wrong::Table, Some(Segment::Key(key)), Format::Json) => format!("; write \"{key}\": [{{...}}]"),
            _ => String::new(),
        };
        InputError::new(place, format!("{}{list}", error.wrong))
    }
}

/// Whether a text begins as an object or a list in JSON, and as nothing in TOML.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let list = || text.strip_prefix('[').map(str::trim_start);
    text.starts_with('{') || list().is_some_and(|items| items.starts_with(['{', ']']))
}

fn looks_like_toml(text: &str) -> bool {
    !looks_like_json(text)
        && text.lines().any(|line| line.contains('=') || line.trim_start().starts_with("[["))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
        })
    }
}

#[cfg(test)]
mod tests;
