//! Components: each is compared once. The names of schemas are also the names of generated types.

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde_json::{Value, json};

use super::places::At;
use super::{Breaks, Differ, happened, is_documentation, keys, unannounced};
use openapi_tools::value::{entries, escape};
use openapi_tools::walk::{Kind, map_children};

impl<'a> Differ<'a> {
    pub(super) fn components(&mut self) {
        self.schema_components();
        self.shared("parameters", Self::parameter);
        self.shared("requestBodies", Self::request_body);
        self.shared("responses", Self::response);
        self.shared("headers", Self::header);
        for (kind, name, breaks) in [
            ("examples", "documentation", Breaks::Nobody),
            ("links", "documentation", Breaks::Nobody),
            ("callbacks", "callbacks", Breaks::Both),
        ] {
            let (old, new) = self.members(kind);
            for key in keys(old, new) {
                let at = At::pointer(format!("/components/{kind}/{}", escape(key)));
                let (before, after) = (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key)));
                if before != after {
                    let breaks = if before.is_none() { Breaks::Nobody } else { breaks };
                    self.record(&at, name, breaks, format!("it {}", happened(before, after)));
                }
            }
        }
    }

    fn members(&self, kind: &str) -> (Option<&'a Value>, Option<&'a Value>) {
        let pointer = format!("/components/{kind}");
        (self.old.pointer(&pointer), self.new.pointer(&pointer))
    }

    /// Components whose names do not appear in generated code.
    fn shared(&mut self, kind: &str, compare: fn(&mut Self, &At, &'a Value, &'a Value)) {
        let (old, new) = self.members(kind);
        for key in keys(old, new) {
            let pointer = format!("/components/{kind}/{}", escape(key));
            match (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key))) {
                (Some(before), Some(after)) if before != after => {
                    let sides = self.old_usage.shared(&self.new_usage, &pointer);
                    compare(self, &At::new(pointer, sides), before, after);
                }
                (Some(_), Some(_)) => {}
                (before, after) => {
                    let text = format!(
                        "the component {}; its effects are reported where it is used",
                        happened(before, after)
                    );
                    self.record(&At::pointer(pointer), "component", Breaks::Nobody, text);
                }
            }
        }
    }

    fn schema_components(&mut self) {
        let (old, new) = self.members("schemas");
        for (name, before) in entries(old) {
            let pointer = pointer(name);
            if let Some(after) = new.and_then(|new| new.get(name)) {
                let sides = self.old_usage.shared(&self.new_usage, &pointer);
                self.schema(&At::new(pointer, sides), before, after);
                continue;
            }
            let sides = self.old_usage.at(&pointer);
            let breaks = sides.other();
            let at = At::new(pointer, sides);
            if let Some(other) = self.renamed.get(name) {
                let text =
                    format!("the schema is renamed to `{other}`, and so is the type in generated code");
                self.record(&at, "schema-renamed", breaks, text);
            } else {
                let notice = unannounced(before);
                let text = format!("the schema is removed{notice}, and so is the type in generated code");
                self.record(&at, "schema-removed", breaks, text);
            }
        }
        for (name, _) in entries(new).filter(|(name, _)| old.and_then(|old| old.get(*name)).is_none()) {
            if !self.renamed.values().any(|other| *other == name) {
                let at = At::new(pointer(name), self.new_usage.at(&pointer(name)));
                self.record(&at, "schema-added", Breaks::Nobody, "the schema is added");
            }
        }
    }
}

fn pointer(schema: &str) -> String {
    format!("/components/schemas/{}", escape(schema))
}

/// Removed schemas, each with an added schema of the same content.
pub(super) fn renamed_schemas<'a>(old: &'a Value, new: &'a Value) -> BTreeMap<&'a str, &'a str> {
    let (old, new) = (old.pointer("/components/schemas"), new.pointer("/components/schemas"));
    let missing = |from: Option<&'a Value>, other: Option<&'a Value>| -> Vec<(&'a str, &'a Value)> {
        entries(from).filter(|(name, _)| other.and_then(|other| other.get(*name)).is_none()).collect()
    };
    let (removed, added) = (missing(old, new), missing(new, old));
    let mut renamed = BTreeMap::new();
    // A schema may refer to another renamed schema, so that one pass is not enough.
    loop {
        let before = renamed.len();
        for (name, value) in &removed {
            if renamed.contains_key(name) {
                continue;
            }
            let twin = added.iter().find(|(other, content)| {
                let mut names = renamed.clone();
                names.insert(*name, *other);
                !renamed.values().any(|taken| taken == other)
                    && form(Kind::Schema, value, &names) == form(Kind::Schema, content, &BTreeMap::new())
            });
            if let Some((other, _)) = twin {
                renamed.insert(*name, *other);
            }
        }
        if renamed.len() == before {
            return renamed;
        }
    }
}

/// A schema without documentation, and with the new names of other schemas.
fn form(kind: Kind, value: &Value, renamed: &BTreeMap<&str, &str>) -> Value {
    if let Some(name) = value.get("$ref").and_then(Value::as_str).and_then(schema_name) {
        let name = renamed.get(name).copied().unwrap_or(name);
        return json!({ "$ref": format!("#/components/schemas/{name}") });
    }
    let Ok(mut form) =
        map_children(kind, value, &mut |kind, child| Ok::<_, Infallible>(form(kind, child, renamed)));
    if let Value::Object(members) = &mut form {
        members.retain(|key, _| !is_documentation(key));
    }
    form
}

/// The name of the schema that is the target of a reference.
pub(super) fn schema_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}
