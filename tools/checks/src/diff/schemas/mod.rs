//! Schemas: whether they allow more or fewer values than before.

mod bounds;
mod choices;
mod properties;
mod values;
mod view;

use serde_json::Value;

use super::components::schema_name;
use super::places::At;
use super::{Breaks, Differ, changed, flag, plain, text};
use openapi_tools::value::follow;
use view::View;

impl<'a> Differ<'a> {
    /// A schema that may be missing. A missing schema allows any value.
    pub(super) fn optional_schema(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        match (old, new) {
            (Some(before), Some(after)) => self.schema(at, before, after),
            (None, Some(_)) => {
                self.record(
                    at,
                    "schema-narrower",
                    at.sides.narrower(),
                    "it has a schema now and had none before",
                );
            }
            (Some(_), None) => {
                self.record(
                    at,
                    "schema-wider",
                    at.sides.wider(),
                    "it may have any value now and had a schema before",
                );
            }
            (None, None) => {}
        }
    }

    /// Two schemas as they are written. `components` compares the target of a reference that is in both.
    pub(super) fn schema(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        if old == new {
            return;
        }
        let pair = (std::ptr::from_ref(old), std::ptr::from_ref(new));
        if self.open.contains(&pair) {
            return;
        }
        self.open.push(pair);
        self.type_name(at, old, new);
        let (before, after) = View::pair(self.old, old, self.new, new, &self.renamed);
        self.views(at, &before, &after);
        self.open.pop();
    }

    fn views(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        self.documentation(at, old.own, new.own);
        self.deprecation(at, old.own, new.own);
        self.types(at, old, new);
        self.values(at, old, new);
        self.bounds(at, old, new);
        self.properties(at, old, new);
        self.choices(at, old, new);
        self.optional_schema(&at.key("items"), old.get("items"), new.get("items"));
        if old.get("xml") != new.get("xml") {
            self.record(&at.key("xml"), "xml", at.sides.other(), "its XML representation is changed");
        }
    }

    fn types(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        let (before, after) = (old.text("type"), new.text("type"));
        if before != after {
            let breaks = match (before, after) {
                (Some("integer"), Some("number")) | (_, None) => at.sides.wider(),
                (Some("number"), Some("integer")) | (None, _) => at.sides.narrower(),
                _ => at.sides.other(),
            };
            let text =
                format!("its type changed from {} to {}", before.unwrap_or("any"), after.unwrap_or("any"));
            self.record(&at.key("type"), "type", breaks, text);
        }
        // Without a type any value is allowed, also null. An added or removed type is recorded above.
        let typed = before.is_some() && after.is_some();
        let nullable = |view: &View<'a>| typed && view.flag("nullable");
        match (nullable(old), nullable(new)) {
            (false, true) => self.record(at, "nullable", at.sides.wider(), "it can be null now"),
            (true, false) => self.record(at, "nullable", at.sides.narrower(), "it can no longer be null"),
            _ => {}
        }
        if let (Some(before), Some(after)) = (old.text("x-type-name"), new.text("x-type-name"))
            && before != after
        {
            let text = format!("its type in generated code changed from `{before}` to `{after}`");
            self.record(&at.key("x-type-name"), "type-name", at.sides.other(), text);
        }
        let (before, after) = (old.text("format"), new.text("format"));
        if before != after {
            let breaks = match (before, after) {
                (Some("int32"), Some("int64")) | (Some("float"), Some("double")) | (_, None) => {
                    at.sides.wider()
                }
                (Some("int64"), Some("int32")) | (Some("double"), Some("float")) | (None, _) => {
                    at.sides.narrower()
                }
                _ => at.sides.other(),
            };
            let text =
                format!("its format changed from {} to {}", before.unwrap_or("any"), after.unwrap_or("any"));
            self.record(&at.key("format"), "format", breaks, text);
        }
        let (before, after) = (old.get("default"), new.get("default"));
        match (before, after) {
            (None, Some(value)) => {
                let text = format!("its default is documented now: {}", plain(Some(value)));
                self.record(&at.key("default"), "default", Breaks::Nobody, text);
            }
            (Some(_), _) if before != after => {
                let text = changed("its default", before, after);
                self.record(&at.key("default"), "default", at.sides.other(), text);
            }
            _ => {}
        }
    }

    /// The name of a schema is the name of its type in generated code.
    fn type_name(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        let (before, after) = (referred(old), referred(new));
        let now = before.map(|name| self.renamed.get(name).copied().unwrap_or(name));
        if now == after || !(makes_type(self.old, old) || makes_type(self.new, new)) {
            return;
        }
        let described =
            |name: Option<&str>| name.map_or("a separate type".to_owned(), |name| format!("`{name}`"));
        let text =
            format!("its type in generated code changed from {} to {}", described(before), described(after));
        self.record(at, "type-name", at.sides.other(), text);
    }
}

/// The schema that another schema is an alias of.
fn referred(schema: &Value) -> Option<&str> {
    let single = || match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) if schema.get("properties").is_none() => only.get("$ref"),
        _ => None,
    };
    schema.get("$ref").or_else(single).and_then(Value::as_str).and_then(schema_name)
}

/// Whether generators write a type for the schema, instead of a plain string or number.
fn makes_type(document: &Value, schema: &Value) -> bool {
    let target = referred(schema)
        .and_then(|name| {
            document.pointer(&format!("/components/schemas/{}", openapi_tools::value::escape(name)))
        })
        .or_else(|| follow(document, schema))
        .unwrap_or(schema);
    ["properties", "enum", "x-extensible-enum", "oneOf", "anyOf", "allOf"]
        .iter()
        .any(|key| target.get(*key).is_some())
        || text(target, "type") == Some("object")
}

/// Whether the flag `key` is set in a schema or in one that it refers to.
fn says(document: &Value, schema: &Value, key: &str) -> bool {
    let through = |value: &Value| follow(document, value).is_some_and(|target| flag(target, key));
    flag(schema, key)
        || through(schema)
        || schema.get("allOf").and_then(Value::as_array).is_some_and(|all| all.iter().any(through))
}
