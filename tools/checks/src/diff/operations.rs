//! Operations: their paths, methods, names, tags, requests and responses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::places::At;
use super::{Breaks, Differ, flag, happened, is_documentation, keys, plain, text, unannounced};
use crate::usage::{Sides, label, route};
use openapi_tools::document::{Operation, operations};
use openapi_tools::value::follow;

/// The class of operations without a tag in generated code.
const NO_TAG: &str = "default";

impl<'a> Differ<'a> {
    pub(super) fn operations(&mut self) {
        let old: Vec<Operation<'a>> = operations(self.old).collect();
        let mut new: Vec<Operation<'a>> = operations(self.new).collect();
        let mut removed = Vec::new();
        for before in old {
            let same = |after: &Operation<'a>| {
                after.method == before.method && shape(after.path) == shape(before.path)
            };
            match new.iter().position(same) {
                Some(index) => self.operation(before, new.remove(index)),
                None => removed.push(before),
            }
        }
        for before in removed {
            let same = |after: &Operation<'a>| before.id().is_some() && after.id() == before.id();
            if let Some(index) = new.iter().position(same) {
                let after = new.remove(index);
                let at = At::operation(after.pointer(), &label(&after));
                let text = format!("`{}` moved from {}", label(&after), route(&before));
                self.record(&at, "operation-moved", Breaks::Both, text);
                self.operation(before, after);
            } else {
                let text = format!("the operation is removed{}", unannounced(before.value));
                let at = At::operation(before.pointer(), &label(&before));
                self.record(&at, "operation-removed", Breaks::Both, text);
            }
        }
        for after in new {
            let at = At::operation(after.pointer(), &label(&after));
            let text = format!("the operation `{}` is added", label(&after));
            self.record(&at, "operation-added", Breaks::Nobody, text);
        }
    }

    fn operation(&mut self, old: Operation<'a>, new: Operation<'a>) {
        let name = label(&new);
        let at = At::operation(new.pointer(), &name);
        let request = at.on(Sides::request(&name));
        self.documentation(&at, old.value, new.value);
        self.deprecation(&at, old.value, new.value);
        for key in keys(Some(old.item), Some(new.item)).into_iter().filter(|key| is_documentation(key)) {
            let (before, after) = (old.item.get(key), new.item.get(key));
            if before != after {
                let text = format!("`{key}` of the path {}", happened(before, after));
                self.record(&at, "documentation", Breaks::Nobody, text);
            }
        }
        if old.id() != new.id() {
            let (before, after) = (plain(old.value.get("operationId")), plain(new.value.get("operationId")));
            let text = format!(
                "`operationId` changed from {before} to {after}, and so did the name in generated code"
            );
            self.record(&at.key("operationId"), "operation-id", Breaks::Both, text);
        }
        self.tags(&at, old.value, new.value);
        self.own_servers(&at, [old.value, old.item], [new.value, new.item]);
        self.own_security(&request, old.value, new.value);
        let variables = variables(old.path, new.path);
        for (before, after) in variables.iter().filter(|(before, after)| before != after) {
            let text = format!(
                "the path variable is renamed from `{before}` to `{after}`, which only changes arguments of generated code"
            );
            self.record(&request, "path-variable", Breaks::Writer, text);
        }
        self.parameters(&request, &old, &new, &variables);
        self.body(&request, old.value.get("requestBody"), new.value.get("requestBody"));
        self.responses(&at.on(Sides::response(&name)), old.value, new.value);
        if old.value.get("callbacks") != new.value.get("callbacks") {
            let breaks = if old.value.get("callbacks").is_some() { Breaks::Both } else { Breaks::Nobody };
            let text = "its callbacks are changed; this command does not compare their content";
            self.record(&at.key("callbacks"), "callbacks", breaks, text);
        }
    }

    /// Generators write a class for each tag, with the operations of the tag.
    fn tags(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        let tags = |value: &'a Value| -> Vec<&'a str> {
            let listed = value.get("tags").and_then(Value::as_array).into_iter().flatten();
            let tags: Vec<&str> = listed.filter_map(Value::as_str).collect();
            if tags.is_empty() { vec![NO_TAG] } else { tags }
        };
        let (before, after) = (tags(old), tags(new));
        let at = at.key("tags");
        for tag in before.iter().filter(|tag| !after.contains(tag)) {
            let text = format!("it no longer has the tag `{tag}`, after which some generators name a class");
            self.record(&at, "tag-removed", Breaks::Both, text);
        }
        for tag in after.iter().filter(|tag| !before.contains(tag)) {
            self.record(&at, "tag-added", Breaks::Nobody, format!("it also has the tag `{tag}`"));
        }
    }

    fn body(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let at = at.key("requestBody");
        let target = |document, value| follow(document, value).unwrap_or(value);
        match (old, new) {
            (Some(before), Some(after)) if before.get("$ref").is_none() || before != after => {
                self.request_body(&at, target(self.old, before), target(self.new, after));
            }
            (Some(_), None) => {
                self.record(&at, "body-removed", at.sides.narrower(), "the request no longer has a body");
            }
            (None, Some(after)) if flag(target(self.new, after), "required") => {
                self.record(&at, "body-added", at.sides.narrower(), "the request must have a body now");
            }
            (None, Some(_)) => {
                self.record(&at, "body-added", Breaks::Nobody, "the request may have a body now");
            }
            _ => {}
        }
    }

    pub(super) fn request_body(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        self.documentation(at, old, new);
        match (flag(old, "required"), flag(new, "required")) {
            (false, true) => {
                self.record(at, "body-required", at.sides.narrower(), "the body is required now");
            }
            (true, false) => self.record(at, "body-required", Breaks::Nobody, "the body is optional now"),
            _ => {}
        }
        self.content(at, old.get("content"), new.get("content"));
    }

    /// The media types of a request or a response.
    pub(super) fn content(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let at = at.key("content");
        for key in keys(old, new) {
            let at = at.key(key);
            match (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key))) {
                (Some(before), Some(after)) => {
                    self.documentation(&at, before, after);
                    self.optional_schema(&at.key("schema"), before.get("schema"), after.get("schema"));
                    if before.get("encoding") != after.get("encoding") {
                        let text = "the encoding of the parts of the body is changed";
                        self.record(&at.key("encoding"), "encoding", at.sides.other(), text);
                    }
                }
                (Some(_), None) => {
                    let text = format!("the media type {key} is removed");
                    self.record(&at, "media-type-removed", at.sides.other(), text);
                }
                _ => {
                    let text = format!("the media type {key} is added");
                    self.record(&at, "media-type-added", Breaks::Nobody, text);
                }
            }
        }
    }
}

/// A path without the names of its variables, which are never sent.
fn shape(path: &str) -> String {
    let parts: Vec<&str> = path.split('{').collect();
    let rest = parts[1..].iter().map(|part| part.split_once('}').map_or(*part, |(_, rest)| rest));
    std::iter::once(parts[0]).chain(rest).collect::<Vec<_>>().join("{}")
}

/// The variables of two paths, matched by position.
fn variables<'a>(old: &'a str, new: &'a str) -> BTreeMap<&'a str, &'a str> {
    fn names(path: &str) -> Vec<&str> {
        path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
    }
    let (before, after) = (names(old), names(new));
    // A moved path may have other variables.
    if before.len() == after.len() { before.into_iter().zip(after).collect() } else { BTreeMap::new() }
}

/// What identifies a parameter.
pub(super) fn identity(parameter: &Value) -> (String, String) {
    let place = text(parameter, "in").unwrap_or_default();
    let name = text(parameter, "name").unwrap_or_default();
    // Header names are case-insensitive.
    let name = if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
    (place.to_owned(), name)
}
