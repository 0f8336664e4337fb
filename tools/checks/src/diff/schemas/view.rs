//! A schema as a flat list of keywords, with those of its `allOf` and references except the ones that both schemas share.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diff::components::schema_name;
use crate::diff::is_documentation;
use openapi_tools::value::{entries, resolve};

/// The keywords of a schema without the schemas that both sides refer to.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// The schema as it is written, for its documentation; null if it is a reference.
    pub(super) own: &'a Value,
    keywords: BTreeMap<&'a str, &'a Value>,
    pub(super) properties: Vec<(&'a str, &'a Value)>,
    pub(super) required: BTreeSet<&'a str>,
    /// Keywords to which two parts of the schema give different values.
    pub(super) twice: Vec<(&'a str, &'a Value)>,
    /// References that were replaced by their targets.
    expanded: Vec<&'a str>,
}

impl<'a> View<'a> {
    /// The views of two schemas, without the schemas that both refer to.
    pub(super) fn pair(
        old_document: &'a Value,
        old: &'a Value,
        new_document: &'a Value,
        new: &'a Value,
        renamed: &BTreeMap<&'a str, &'a str>,
    ) -> (Self, Self) {
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        ancestors(old_document, old, &mut before);
        ancestors(new_document, new, &mut after);
        let current = |reference: &'a str| {
            let name = schema_name(reference).and_then(|name| renamed.get(name));
            name.map_or(reference.to_owned(), |name| format!("#/components/schemas/{name}"))
        };
        let shared_old: BTreeSet<&str> =
            before.iter().copied().filter(|name| after.contains(current(name).as_str())).collect();
        let was: BTreeSet<String> = before.iter().map(|name| current(name)).collect();
        let shared_new: BTreeSet<&str> = after.iter().copied().filter(|name| was.contains(*name)).collect();
        let mut views = (Self::of(old), Self::of(new));
        views.0.add(old_document, old, &shared_old);
        views.1.add(new_document, new, &shared_new);
        views
    }

    fn of(schema: &'a Value) -> Self {
        static NOTHING: Value = Value::Null;
        // The siblings of a reference are ignored.
        let own = if schema.get("$ref").is_some() { &NOTHING } else { schema };
        Self {
            own,
            keywords: BTreeMap::new(),
            properties: Vec::new(),
            required: BTreeSet::new(),
            twice: Vec::new(),
            expanded: Vec::new(),
        }
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&'a Value> {
        self.keywords.get(keyword).copied()
    }

    pub(super) fn text(&self, keyword: &str) -> Option<&'a str> {
        self.get(keyword).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, keyword: &str) -> bool {
        self.get(keyword).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn number(&self, keyword: &str) -> Option<f64> {
        self.get(keyword).and_then(Value::as_f64)
    }

    pub(super) fn property(&self, name: &str) -> Option<&'a Value> {
        self.properties.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    fn add(&mut self, document: &'a Value, schema: &'a Value, shared: &BTreeSet<&str>) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if !shared.contains(reference)
                && !self.expanded.contains(&reference)
                && let Some(target) = resolve(document, reference)
            {
                self.expanded.push(reference);
                self.add(document, target, shared);
            }
            return;
        }
        for (key, value) in entries(Some(schema)) {
            match key {
                "allOf" => {}
                "properties" => {
                    for (name, property) in entries(Some(value)) {
                        if self.property(name).is_none() {
                            self.properties.push((name, property));
                        }
                    }
                }
                "required" => {
                    self.required.extend(value.as_array().into_iter().flatten().filter_map(Value::as_str));
                }
                _ => match self.keywords.get(key) {
                    Some(known) if *known != value && !is_documentation(key) => {
                        self.twice.push((key, value));
                    }
                    Some(_) => {}
                    None => {
                        self.keywords.insert(key, value);
                    }
                },
            }
        }
        for member in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.add(document, member, shared);
        }
    }
}

/// The references of a schema, direct and indirect.
fn ancestors<'a>(document: &'a Value, schema: &'a Value, found: &mut BTreeSet<&'a str>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if found.insert(reference)
            && let Some(target) = resolve(document, reference)
        {
            ancestors(document, target, found);
        }
        return;
    }
    for member in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        ancestors(document, member, found);
    }
}
