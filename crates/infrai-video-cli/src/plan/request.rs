//! What a line of a plan asks for, whichever form the plan has.

use std::collections::HashSet;
use std::str::FromStr;

use infrai_video::IdempotencyKey;
use serde_json::Value;

use super::name::check_name;
use crate::text::closest;
use crate::wish::Wish;

/// What a line can say: the fields of a request in the words of the API, and the name of the clip.
pub(super) const MEMBERS: [&str; 9] = [
    "prompt",
    "duration_seconds",
    "resolution",
    "aspect_ratio",
    "aspect",
    "prefer",
    "reference_image_url",
    "name",
    "idempotency_key",
];

/// The members of a line, in their order.
pub(super) type Members = Vec<(String, Value)>;

/// What a line asks for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) name: Option<String>,
    pub(super) key: Option<IdempotencyKey>,
    pub(super) wish: Wish,
}

impl Request {
    /// A member that is null says the same as one that is not there.
    pub(super) fn read(members: Members) -> Result<Self, String> {
        let mut seen = HashSet::new();
        for (name, _) in &members {
            if !MEMBERS.contains(&name.as_str()) {
                return Err(unknown("field", name));
            }
            if !seen.insert(name) {
                return Err(format!("`{name}` stands twice"));
            }
        }
        let value = |wanted| {
            let value = members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
            value.filter(|value| !value.is_null())
        };
        let text = |name| match value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(format!("`{name}` must be text in quotes, not {other}")),
        };
        let seconds = match value("duration_seconds") {
            None => None,
            Some(Value::Number(number)) => number.as_f64(),
            Some(other) => {
                return Err(format!("`duration_seconds` must be a number such as 5 or 7.5, not {other}"));
            }
        };
        let (aspect, aspect_ratio) = (text("aspect")?, text("aspect_ratio")?);
        if aspect.is_some() && aspect_ratio.is_some() && aspect != aspect_ratio {
            return Err("`aspect` and `aspect_ratio` mean the same, and have different values".to_owned());
        }
        Ok(Self {
            name: text("name")?.map(|name| check_name(name.to_owned())).transpose()?,
            key: parsed("idempotency_key", text("idempotency_key")?)?,
            wish: Wish {
                prompt: text("prompt")?.ok_or("`prompt` is missing")?.to_owned(),
                duration_seconds: seconds,
                resolution: parsed("resolution", text("resolution")?)?,
                aspect_ratio: parsed("aspect_ratio", aspect_ratio.or(aspect))?,
                prefer: parsed("prefer", text("prefer")?)?,
                reference_image_url: text("reference_image_url")?.map(str::to_owned),
            },
        })
    }
}

fn parsed<T: FromStr<Err: ToString>>(name: &str, text: Option<&str>) -> Result<Option<T>, String> {
    let wrong = |error: T::Err| match error.to_string() {
        error if error.starts_with('`') => error,
        error => format!("`{name}` {error}"),
    };
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

/// Says what a word may have been meant to be.
pub(super) fn unknown(what: &str, word: &str) -> String {
    match closest(word, &MEMBERS) {
        Some(meant) => format!("unknown {what} `{word}`; did you mean `{meant}`?"),
        None => format!("unknown {what} `{word}`; use {}", MEMBERS.join(", ")),
    }
}
