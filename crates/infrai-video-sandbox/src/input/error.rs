//! Errors of reading a [`Node`](super::Node).

use std::fmt::{self, Display};

use serde::de::{Error, Expected, Unexpected};

use super::names::{decimal, shortened, unknown};

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct ReadError {
    /// The path from the value to the root.
    pub(crate) path: Vec<Segment>,
    pub(crate) line: Option<usize>,
    pub(crate) wrong: Wrong,
}

#[derive(Debug)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
    /// The fields of an enum's variant. They are written beside the field that names it.
    Variant(String),
}

#[derive(Debug)]
pub(crate) enum Wrong {
    Text(String),
    UnknownField {
        name: String,
        known: &'static [&'static str],
    },
    MissingField(&'static str),
    /// A table instead of a list.
    Table,
}

impl ReadError {
    pub(super) fn new(wrong: Wrong) -> Self {
        Self { path: Vec::new(), line: None, wrong }
    }

    pub(super) fn at(mut self, line: Option<usize>) -> Self {
        self.line = self.line.or(line);
        self
    }

    pub(super) fn within(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    /// The path as people say it, such as `fault rule 2, field status`.
    pub(super) fn place(&self) -> String {
        let is_field = !matches!(self.wrong, Wrong::UnknownField { .. } | Wrong::MissingField(_));
        let mut parts: Vec<String> = Vec::new();
        for (place, segment) in self.path.iter().enumerate().rev() {
            match segment {
                Segment::Key(key) if place == 0 && is_field => {
                    parts.push(format!("field {}", shortened(key)))
                }
                Segment::Key(key) if key == "fault" => parts.push("fault rule".to_owned()),
                Segment::Key(key) => parts.push(shortened(key)),
                Segment::Index(index) => {
                    let list = parts.pop().unwrap_or_else(|| "item".to_owned());
                    let one = list.strip_prefix("field ").unwrap_or(&list);
                    parts.push(format!("{} {}", one.strip_suffix('s').unwrap_or(one), index + 1));
                }
                Segment::Variant(_) => drop(parts.pop()),
            }
        }
        parts.join(", ")
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::UnknownField { name, known } => {
                write!(f, "the field {}", unknown(name, known.iter().copied()))
            }
            Self::MissingField(name) => write!(f, "the field `{name}` is missing"),
            Self::Table => f.write_str("expected a list, found a single table"),
        }
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wrong.fmt(f)
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    fn custom<T: Display>(text: T) -> Self {
        Self::new(Wrong::Text(text.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "a sequence" if found == Unexpected::Map => return Self::new(Wrong::Table),
            "a sequence" => "a list".to_owned(),
            "a string" => "text".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "a map" => "a table".to_owned(),
            "f64" => "a number".to_owned(),
            "u8" => "a whole number from 0 to 255".to_owned(),
            "u16" => "a whole number from 0 to 65535".to_owned(),
            "u32" => "a whole number from 0 to 4294967295".to_owned(),
            "u64" | "usize" => "a whole number from 0".to_owned(),
            other if other.starts_with("enum ") => "text".to_owned(),
            other => other.to_owned(),
        };
        let found = match found {
            Unexpected::Str(text) => format!("the text \"{}\"", shortened(text)),
            Unexpected::Unsigned(number) => format!("the number {number}"),
            Unexpected::Signed(number) => format!("the number {number}"),
            Unexpected::Float(number) => format!("the number {}", decimal(number)),
            Unexpected::Bool(truth) => truth.to_string(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a table".to_owned(),
            Unexpected::Unit => "null; leave out what has no value".to_owned(),
            other => other.to_string(),
        };
        Self::custom(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::custom(unknown(name, known.iter().copied()))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Wrong::UnknownField { name: name.to_owned(), known })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Wrong::MissingField(name))
    }
}
