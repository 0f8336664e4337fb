//! The fields of a line of a plan, in either form.

use std::collections::HashSet;
use std::str::FromStr;

use infrai_video::IdempotencyKey;
use serde_json::Value;

use super::PlanError;
use super::name::check_name;
use crate::args::ClipRequest;
use crate::text::closest;

/// The fields of a line: those of a request in the words of the API, and the name of the clip.
pub(super) const FIELDS: [&str; 9] = [
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

/// The fields of a line in their order, repeated ones included.
pub(super) struct Fields(pub(super) Vec<(String, Value)>);

impl Fields {
    /// Rejects fields that are unknown or repeated.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let mut seen = HashSet::new();
        for (name, _) in &self.0 {
            if !FIELDS.contains(&name.as_str()) {
                return Err(unknown("field", name).into());
            }
            if !seen.insert(name) {
                return Err(format!("{name} is repeated").into());
            }
        }
        Ok(())
    }

    pub(super) fn name(&self) -> Result<Option<String>, PlanError> {
        self.text("name")?.map(|name| check_name(name.to_owned())).transpose()
    }

    pub(super) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, PlanError> {
        self.parsed("idempotency_key")
    }

    pub(super) fn request(&self) -> Result<ClipRequest, PlanError> {
        let duration_seconds = match self.value("duration_seconds") {
            None => None,
            Some(Value::Number(number)) => number.as_f64(),
            Some(other) => {
                return Err(format!("duration_seconds must be a number such as 5 or 7.5, not {other}").into());
            }
        };
        let (aspect, aspect_ratio) = (self.text("aspect")?, self.text("aspect_ratio")?);
        if aspect.is_some() && aspect_ratio.is_some() && aspect != aspect_ratio {
            return Err("aspect and aspect_ratio mean the same, but have different values".into());
        }
        Ok(ClipRequest {
            prompt: self.text("prompt")?.ok_or("prompt is missing")?.to_owned(),
            duration_seconds,
            resolution: self.parsed("resolution")?,
            aspect_ratio: parsed("aspect_ratio", aspect_ratio.or(aspect))?,
            prefer: self.parsed("prefer")?,
            reference_image_url: self.text("reference_image_url")?.map(str::to_owned),
        })
    }

    /// Null is the same as a missing field.
    fn value(&self, wanted: &str) -> Option<&Value> {
        let value = self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        value.filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, PlanError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{name} must be text in quotes, not {other}").into()),
        }
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, name: &str) -> Result<Option<T>, PlanError> {
        parsed(name, self.text(name)?)
    }
}

fn parsed<T: FromStr<Err: ToString>>(name: &str, text: Option<&str>) -> Result<Option<T>, PlanError> {
    let invalid = |error: T::Err| match error.to_string() {
        error if error.starts_with('`') => PlanError(error.replace('`', "")),
        error => PlanError(format!("{name} {error}")),
    };
    text.map(|text| text.parse().map_err(invalid)).transpose()
}

/// The error for an unknown word, with the most similar known one.
pub(super) fn unknown(what: &str, word: &str) -> String {
    match closest(word, &FIELDS) {
        Some(meant) => format!("unknown {what} {word:?}; did you mean {meant}?"),
        None => format!("unknown {what} {word:?}; use {}", FIELDS.join(", ")),
    }
}
