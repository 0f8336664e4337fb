//! The text forms of a rule's fields, for serde.

use std::time::Duration;

use http::HeaderValue;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::RetryAfter;
use crate::input::decimal;
use crate::model::keys::account_named;

/// The two forms of an enum with two variants in a rule file: `true` or `false`.
macro_rules! as_bool {
    ($name:ident: $type:ident { false: $no:ident, true: $yes:ident }) => {
        impl From<bool> for $type {
            fn from($name: bool) -> Self {
                if $name { Self::$yes } else { Self::$no }
            }
        }
        impl From<$type> for bool {
            fn from(value: $type) -> Self {
                value == $type::$yes
            }
        }
    };
}
pub(super) use as_bool;

/// About three centuries.
const MAX_SECONDS: f64 = 1e10;

/// A duration as a number of seconds.
pub(crate) mod seconds {
    use serde::Serializer;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        span.as_secs_f64().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        if (0.0..=MAX_SECONDS).contains(&seconds) {
            Ok(Duration::from_secs_f64(seconds))
        } else {
            let range = format!("{} must be a number of seconds from 0 to {MAX_SECONDS}", decimal(seconds));
            Err(Error::custom(range))
        }
    }
}

/// As [`seconds`], for a field that may be absent.
pub(super) mod optional_seconds {
    use serde::Serializer;

    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(|span| span.as_secs_f64()).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::seconds::deserialize(from).map(Some)
    }
}

/// A status from 200 to 599.
pub(super) fn status<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    match u16::deserialize(from)? {
        status @ 200..=599 => Ok(status),
        other => Err(Error::custom(format!("{other} must lie between 200 and 599"))),
    }
}

pub(super) fn ok() -> u16 {
    200
}

pub(super) fn temporary_redirect() -> u16 {
    307
}

pub(super) fn range_not_satisfiable() -> u16 {
    416
}

/// The value of a `Location` header.
pub(super) fn location<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let location = String::deserialize(from)?;
    match location.bytes().all(|byte| byte.is_ascii_graphic()) && !location.is_empty() {
        true => Ok(Some(location)),
        false => Err(Error::custom("a location has visible ASCII characters alone, and at least one")),
    }
}

/// A number above 0.
pub(super) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    match usize::deserialize(from)? {
        0 => Err(Error::custom("it must be above 0")),
        number => Ok(number),
    }
}

/// A number from 1: calls and jobs are counted from there.
pub(super) fn ordinal<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    match u64::deserialize(from)? {
        0 => Err(Error::custom("it must be above 0")),
        number => Ok(number),
    }
}

/// As [`ordinal`], for a field that may be absent.
pub(super) fn optional_ordinal<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    ordinal(from).map(Some)
}

/// A text that can be the value of a header.
fn header_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    HeaderValue::from_str(&text).map_err(Error::custom)?;
    Ok(text)
}

/// A probability from 0 to 1.
pub(super) fn probability<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let probability = f64::deserialize(from)?;
    if (0.0..=1.0).contains(&probability) {
        Ok(probability)
    } else {
        Err(Error::custom(format!("{} must lie between 0 and 1", decimal(probability))))
    }
}

pub(super) fn always() -> f64 {
    1.0
}

/// The name of an account, or an API key of it.
pub(super) fn account<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    account_named(&String::deserialize(from)?).map(Some).map_err(Error::custom)
}

/// A `Retry-After` header in a rule file.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected seconds, a table with date_in, or text for a header")]
pub(super) enum RetryAfterField {
    Seconds(u64),
    Date { date_in: u64 },
    Text(#[serde(deserialize_with = "header_text")] String),
}

impl From<RetryAfterField> for RetryAfter {
    fn from(field: RetryAfterField) -> Self {
        match field {
            RetryAfterField::Seconds(seconds) => Self::Seconds(seconds),
            RetryAfterField::Date { date_in } => Self::DateIn(date_in),
            RetryAfterField::Text(text) => Self::Text(text),
        }
    }
}

impl From<RetryAfter> for RetryAfterField {
    fn from(retry_after: RetryAfter) -> Self {
        match retry_after {
            RetryAfter::Seconds(seconds) => Self::Seconds(seconds),
            RetryAfter::DateIn(date_in) => Self::Date { date_in },
            RetryAfter::Text(text) => Self::Text(text),
        }
    }
}
