//! Pairs of an old and a new document with the verdict that is expected, for the tests and for the comparison with others.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Breaks;
use crate::contract::Contract;

/// The document that the pairs patch.
const BASE: &str = include_str!("pairs/base.yaml");

/// The pairs, a file for each subject.
const FILES: [(&str, &str); 6] = [
    ("calls", include_str!("pairs/calls.yaml")),
    ("parameters", include_str!("pairs/parameters.yaml")),
    ("requests", include_str!("pairs/requests.yaml")),
    ("answers", include_str!("pairs/answers.yaml")),
    ("schemas", include_str!("pairs/schemas.yaml")),
    ("words", include_str!("pairs/words.yaml")),
];

/// An old and a new document.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// What changes, in words.
    pub(super) name: String,
    /// The document before.
    pub(super) old: Value,
    /// The document after.
    pub(super) new: Value,
    /// Whom the change breaks.
    pub(super) breaks: Breaks,
    /// Whom it breaks if the new document is taken for the old one.
    pub(super) back: Breaks,
    /// A part of the sentence that tells the change.
    pub(super) says: String,
}

/// A pair as it is written: each document is the base with a JSON merge patch (RFC 7396).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    old: Value,
    new: Value,
    breaks: Breaks,
    back: Breaks,
    says: String,
}

/// All pairs.
///
/// # Errors
/// If a file is not what it should be: in words.
pub(super) fn all() -> Result<Vec<Pair>, String> {
    let base = Contract::parse_value(BASE).map_err(|error| error.to_string())?;
    let mut pairs = Vec::new();
    for (subject, text) in FILES {
        let fault = |error: &dyn std::fmt::Display| format!("pairs/{subject}.yaml: {error}; mend it there");
        let value = Contract::parse_value(text).map_err(|error| fault(&error))?;
        let written: Vec<Written> = Vec::deserialize(value).map_err(|error| fault(&error))?;
        for Written { name, old, new, breaks, back, says } in written {
            let patched = |patch: Value| {
                let mut document = base.clone();
                if !patch.is_null() {
                    merge(&mut document, patch);
                }
                document
            };
            pairs.push(Pair { name, old: patched(old), new: patched(new), breaks, back, says });
        }
    }
    Ok(pairs)
}

/// Applies a JSON merge patch: null removes, objects are merged, and all else takes the place of what was there.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let members = target.as_object_mut().expect("it was just made an object");
    for (key, value) in patch {
        if value.is_null() {
            members.shift_remove(&key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_sets_merges_and_removes() {
        let mut value = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut value, json!({"a": {"b": null, "e": {"f": 3, "g": null}}, "d": [2]}));
        assert_eq!(value, json!({"a": {"c": 2, "e": {"f": 3}}, "d": [2]}));
    }
}
