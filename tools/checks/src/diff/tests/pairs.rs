//! The table of pairs of an old and a new document with the expected verdict.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::diff::Breaks;
use openapi_tools::document::parse_yaml;

/// The document that the pairs patch.
const BASE: &str = include_str!("base.yaml");

/// The pairs, a file for each subject.
const FILES: [(&str, &str); 6] = [
    ("calls", include_str!("calls.yaml")),
    ("parameters", include_str!("parameters.yaml")),
    ("requests", include_str!("requests.yaml")),
    ("responses", include_str!("responses.yaml")),
    ("schemas", include_str!("schemas.yaml")),
    ("documentation", include_str!("documentation.yaml")),
];

/// An old and a new document.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// The change in words.
    pub(super) name: String,
    /// The document before.
    pub(super) old: Value,
    /// The document after.
    pub(super) new: Value,
    /// Who breaks by the change.
    pub(super) breaks: Breaks,
    /// Who breaks by the opposite change.
    pub(super) back: Breaks,
    /// A part of the sentence of the change.
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
pub(super) fn all() -> Vec<Pair> {
    let base = parse_yaml(BASE).unwrap();
    let mut pairs = Vec::new();
    for (subject, text) in FILES {
        let written = Vec::deserialize(parse_yaml(text).unwrap());
        let written: Vec<Written> = written.unwrap_or_else(|error| panic!("{subject}.yaml: {error}"));
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
    pairs
}

/// Applies a JSON merge patch: null removes, objects are merged, and any other value replaces.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let members = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            members.shift_remove(&key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[test]
fn a_patch_sets_merges_and_removes() {
    let mut value = serde_json::json!({"a": {"b": 1, "c": 2}, "d": [1]});
    merge(&mut value, serde_json::json!({"a": {"b": null, "e": {"f": 3, "g": null}}, "d": [2]}));
    assert_eq!(value, serde_json::json!({"a": {"c": 2, "e": {"f": 3}}, "d": [2]}));
}
