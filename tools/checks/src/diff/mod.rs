//! `cargo xtask diff`: the changes between two versions of the document in sentences, and whether each is breaking.
//!
//! A *writer* is a client that sends requests, a *reader* is a client that reads responses. A narrower request breaks writers, a
//! wider response breaks readers, and a removal breaks everyone who used what is removed. Generated code counts too: a change
//! of a name that generators use breaks the code that uses the name.

mod base;
mod components;
mod gate;
mod operations;
mod parameters;
mod places;
mod report;
mod responses;
mod schemas;
mod security;
mod servers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::usage::Usage;
pub use base::Base;
pub use gate::gate;
use openapi_tools::pointer::words;
use openapi_tools::value::entries;
use places::At;
pub use report::Report;

/// Whose code a change breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Breaks {
    /// Callers of the old version continue to work.
    Nobody,
    /// Clients that read responses.
    Reader,
    /// Clients that send requests.
    Writer,
    /// Clients that read responses, and clients that send requests.
    Both,
}

impl Breaks {
    fn of(reader: bool, writer: bool) -> Self {
        match (reader, writer) {
            (false, false) => Self::Nobody,
            (true, false) => Self::Reader,
            (false, true) => Self::Writer,
            (true, true) => Self::Both,
        }
    }

    /// Who breaks by either of two changes.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let reader = |side| matches!(side, Self::Reader | Self::Both);
        let writer = |side| matches!(side, Self::Writer | Self::Both);
        Self::of(reader(self) || reader(other), writer(self) || writer(other))
    }
}

impl fmt::Display for Breaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Reader => "readers",
            Self::Writer => "writers",
            Self::Both => "readers and writers",
        })
    }
}

/// One difference between two documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The kind of the change: a short and stable name such as `property-removed`.
    pub kind: &'static str,
    /// The JSON pointer of the place: in the new document, or in the old one if the place is removed. It continues through
    /// references as if their targets were inline, and has the name of a parameter instead of its index.
    pub pointer: String,
    /// The place in words.
    pub place: String,
    /// The change as a sentence without its full stop.
    pub sentence: String,
    /// Who breaks.
    pub breaks: Breaks,
    /// The operations that are affected, by `operationId`; empty if none in particular is.
    pub operations: Vec<String>,
}

/// Every difference between two OpenAPI documents, except that of `info.version`.
#[must_use]
pub fn compare(old: &Value, new: &Value) -> Vec<Change> {
    let mut differ = Differ::new(old, new);
    differ.head();
    differ.servers();
    differ.security();
    differ.operations();
    differ.components();
    differ.remainder();
    differ.changes
}

/// The two documents, and the changes so far.
struct Differ<'a> {
    old: &'a Value,
    new: &'a Value,
    old_usage: Usage,
    new_usage: Usage,
    /// Renamed schemas: old name to new name.
    renamed: BTreeMap<&'a str, &'a str>,
    /// The schemas that are being compared, by their address, to stop at recursion.
    open: Vec<(*const Value, *const Value)>,
    changes: Vec<Change>,
}

impl<'a> Differ<'a> {
    fn new(old: &'a Value, new: &'a Value) -> Self {
        Self {
            old,
            new,
            old_usage: Usage::of(old),
            new_usage: Usage::of(new),
            renamed: components::renamed_schemas(old, new),
            open: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Records a change.
    fn record(&mut self, at: &At, kind: &'static str, breaks: Breaks, sentence: impl Into<String>) {
        self.changes.push(Change {
            kind,
            pointer: at.pointer.clone(),
            place: words(&at.pointer),
            sentence: sentence.into(),
            breaks,
            operations: at.sides.operations(),
        });
    }

    /// The version of OpenAPI and `info`.
    fn head(&mut self) {
        let dialect = |document: &Value| {
            let version = document.get("openapi").and_then(Value::as_str).unwrap_or_default();
            version.rsplit_once('.').map_or(version, |(start, _)| start).to_owned()
        };
        let at = At::document();
        if self.old.get("openapi") != self.new.get("openapi") {
            let breaks = if dialect(self.old) == dialect(self.new) { Breaks::Nobody } else { Breaks::Both };
            let text = changed("the version of OpenAPI", self.old.get("openapi"), self.new.get("openapi"));
            self.record(&at.key("openapi"), "openapi-version", breaks, text);
        }
        self.documentation(&at, self.old, self.new);
        let (old, new) = (self.old.get("info"), self.new.get("info"));
        for key in keys(old, new) {
            let member = |info: Option<&'a Value>| info.and_then(|info| info.get(key));
            if key != "version" && member(old) != member(new) {
                let text = format!("`{key}` {}", happened(member(old), member(new)));
                self.record(&at.key("info").key(key), "documentation", Breaks::Nobody, text);
            }
        }
        if self.old.get("tags") != self.new.get("tags") {
            let text =
                "the list of tags is changed; changed tags of an operation are reported for the operation";
            self.record(&at.key("tags"), "documentation", Breaks::Nobody, text);
        }
    }

    /// Descriptions, examples, and extensions that only people read.
    fn documentation(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        for key in keys(Some(old), Some(new)) {
            let (before, after) = (old.get(key), new.get(key));
            if before == after || !is_documentation(key) {
                continue;
            }
            let text = match key {
                "x-provenance" => {
                    format!("its provenance changed from {} to {}", list(before), list(after))
                }
                _ => format!("`{key}` {}", happened(before, after)),
            };
            let kind = if key == "x-provenance" { "provenance" } else { "documentation" };
            self.record(&at.key(key), kind, Breaks::Nobody, text);
        }
    }

    /// `deprecated`.
    fn deprecation(&mut self, at: &At, old: &Value, new: &Value) {
        match (flag(old, "deprecated"), flag(new, "deprecated")) {
            (false, true) if old.get("description") == new.get("description") => {
                let text = "it is deprecated now, but its description is unchanged: describe what replaces it and when it will be removed";
                self.record(at, "deprecated", Breaks::Nobody, text);
            }
            (false, true) => self.record(at, "deprecated", Breaks::Nobody, "it is deprecated now"),
            (true, false) => self.record(at, "deprecated", Breaks::Nobody, "it is no longer deprecated"),
            _ => {}
        }
    }

    /// If the documents differ and no change is recorded, the order of a list changed or something that no rule compares.
    fn remainder(&mut self) {
        if !self.changes.is_empty() {
            return;
        }
        let version = |document: &Value| {
            let mut document = document.clone();
            if let Some(info) = document.get_mut("info").and_then(Value::as_object_mut) {
                info.remove("version");
            }
            document
        };
        if let Some(pointer) = places::first_difference(&version(self.old), &version(self.new)) {
            let text = "only the order of a list is changed, or something that this command does not compare";
            self.record(&At::pointer(pointer), "other", Breaks::Nobody, text);
        }
    }
}

/// Whether only people depend on this keyword.
fn is_documentation(keyword: &str) -> bool {
    const SPECIAL: [&str; 3] = ["x-extensible-enum", "x-enum-varnames", "x-type-name"];
    matches!(keyword, "summary" | "description" | "example" | "examples" | "externalDocs" | "title")
        || keyword.starts_with("x-") && !SPECIAL.contains(&keyword)
}

/// The keys of two objects, those of the first one first.
fn keys<'a>(old: Option<&'a Value>, new: Option<&'a Value>) -> Vec<&'a str> {
    let mut all: Vec<&str> = entries(old).map(|(key, _)| key).collect();
    let added = entries(new).map(|(key, _)| key).filter(|key| old.and_then(|old| old.get(*key)).is_none());
    all.extend(added);
    all
}

/// `is added`, `is removed` or `is changed`.
fn happened(old: Option<&Value>, new: Option<&Value>) -> &'static str {
    match (old, new) {
        (None, Some(_)) => "is added",
        (Some(_), None) => "is removed",
        _ => "is changed",
    }
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// `WHAT changed from OLD to NEW`.
fn changed(what: &str, old: Option<&Value>, new: Option<&Value>) -> String {
    format!("{what} changed from {} to {}", plain(old), plain(new))
}

/// A value in a sentence.
fn plain(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// The items of a list, separated by commas.
fn list(value: Option<&Value>) -> String {
    let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let words: Vec<String> = items.iter().map(|item| plain(Some(item))).collect();
    if words.is_empty() { plain(value.filter(|value| !value.is_array())) } else { words.join(", ") }
}

/// `, which was not deprecated`, if something is removed without notice.
fn unannounced(value: &Value) -> &'static str {
    if flag(value, "deprecated") { "" } else { ", which was not deprecated" }
}
