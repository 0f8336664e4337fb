//! The parts of a document by kind, each with its JSON pointer. References are left out where their target is visited.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::contract::{Contract, entries, escape};

/// A part of the document and its JSON pointer.
pub(super) type Part<'a> = (String, &'a Value);

/// What a schema is to the thing around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Named in `components/schemas`.
    Component,
    /// A property of an object.
    Property,
    /// Anything else: items, branches of `allOf`, the schema of a parameter, a header or a body.
    Inner,
}

/// A schema as it is written, which may be a reference.
#[derive(Debug, Clone)]
pub(super) struct Schema<'a> {
    pub pointer: String,
    pub value: &'a Value,
    pub role: Role,
}

impl Schema<'_> {
    /// The keyword's value, if it is a string.
    pub(super) fn text(&self, keyword: &str) -> Option<&str> {
        self.value.get(keyword).and_then(Value::as_str)
    }

    pub(super) fn has(&self, keyword: &str) -> bool {
        self.value.get(keyword).is_some()
    }
}

/// The members of the object at `pointer`, except references.
fn members<'a>(holder: &'a Value, pointer: &str, key: &str) -> Vec<Part<'a>> {
    entries(holder.get(key))
        .filter(|(_, value)| value.get("$ref").is_none())
        .map(|(name, value)| (format!("{pointer}/{key}/{}", escape(name)), value))
        .collect()
}

fn components<'a>(contract: &'a Contract, kind: &str) -> Vec<Part<'a>> {
    match contract.value.get("components") {
        Some(holder) => members(holder, "/components", kind),
        None => Vec::new(),
    }
}

pub(super) fn parameters(contract: &Contract) -> Vec<Part<'_>> {
    let mut parts = components(contract, "parameters");
    for operation in contract.operations() {
        for (pointer, parameter) in operation.parameters() {
            let known = parts.iter().any(|(other, _)| *other == pointer);
            if parameter.get("$ref").is_none() && !known {
                parts.push((pointer, parameter));
            }
        }
    }
    parts
}

pub(super) fn responses(contract: &Contract) -> Vec<Part<'_>> {
    let own = contract
        .operations()
        .flat_map(|operation| members(operation.value, &operation.pointer(), "responses"));
    components(contract, "responses").into_iter().chain(own).collect()
}

pub(super) fn request_bodies(contract: &Contract) -> Vec<Part<'_>> {
    let own = contract.operations().filter_map(|operation| {
        let body = operation.value.get("requestBody").filter(|body| body.get("$ref").is_none())?;
        Some((format!("{}/requestBody", operation.pointer()), body))
    });
    components(contract, "requestBodies").into_iter().chain(own).collect()
}

pub(super) fn headers(contract: &Contract) -> Vec<Part<'_>> {
    let all = responses(contract);
    let own = all.iter().flat_map(|(pointer, response)| members(response, pointer, "headers"));
    components(contract, "headers").into_iter().chain(own).collect()
}

pub(super) fn links(contract: &Contract) -> Vec<Part<'_>> {
    let all = responses(contract);
    let own = all.iter().flat_map(|(pointer, response)| members(response, pointer, "links"));
    components(contract, "links").into_iter().chain(own).collect()
}

/// The media types of all request bodies and responses.
pub(super) fn media_types(contract: &Contract) -> Vec<Part<'_>> {
    let holders = request_bodies(contract).into_iter().chain(responses(contract));
    holders.flat_map(|(pointer, holder)| members(holder, &pointer, "content")).collect()
}

/// Every schema, also those inside of others.
pub(super) fn schemas(contract: &Contract) -> Vec<Schema<'_>> {
    let mut found = Vec::new();
    for (name, value) in contract.components("schemas") {
        collect(&mut found, format!("/components/schemas/{}", escape(name)), value, Role::Component);
    }
    let holders = parameters(contract).into_iter().chain(headers(contract)).chain(media_types(contract));
    for (pointer, holder) in holders {
        if let Some(value) = holder.get("schema") {
            collect(&mut found, format!("{pointer}/schema"), value, Role::Inner);
        }
    }
    found
}

fn collect<'a>(found: &mut Vec<Schema<'a>>, pointer: String, value: &'a Value, role: Role) {
    for (name, property) in entries(value.get("properties")) {
        collect(found, format!("{pointer}/properties/{}", escape(name)), property, Role::Property);
    }
    for keyword in ["items", "not", "additionalProperties"] {
        if let Some(inner) = value.get(keyword).filter(|inner| inner.is_object()) {
            collect(found, format!("{pointer}/{keyword}"), inner, Role::Inner);
        }
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let list = value.get(keyword).and_then(Value::as_array).into_iter().flatten();
        for (index, inner) in list.enumerate() {
            collect(found, format!("{pointer}/{keyword}/{index}"), inner, Role::Inner);
        }
    }
    found.push(Schema { pointer, value, role });
}

/// The pointers of all schemas that a caller fills in: request bodies, parameters, and what they refer to.
pub(super) fn request_schemas(contract: &Contract) -> BTreeSet<String> {
    let all = schemas(contract);
    let bodies = request_bodies(contract);
    let holders = bodies.iter().chain(&components(contract, "parameters")).cloned().collect::<Vec<_>>();
    let mut inside: Vec<String> = holders.into_iter().map(|(pointer, _)| pointer).collect();
    inside.extend(
        contract.operations().flat_map(|operation| operation.parameters().map(|(pointer, _)| pointer)),
    );
    let mut reached = BTreeSet::new();
    while let Some(root) = inside.pop() {
        for schema in all.iter().filter(|schema| within(&schema.pointer, &root)) {
            if reached.insert(schema.pointer.clone())
                && let Some(target) = schema.text("$ref").and_then(|reference| reference.strip_prefix('#'))
            {
                inside.push(target.to_owned());
            }
        }
    }
    reached
}

/// The pointers of the schemas that whole bodies of responses follow.
pub(super) fn response_schemas(contract: &Contract) -> BTreeSet<String> {
    let media = responses(contract)
        .into_iter()
        .flat_map(|(pointer, response)| members(response, &pointer, "content"));
    media
        .filter_map(|(pointer, media)| {
            let reference = media.get("schema")?.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|reference| reference.strip_prefix('#'));
            Some(target.map_or_else(|| format!("{pointer}/schema"), str::to_owned))
        })
        .collect()
}

fn within(pointer: &str, root: &str) -> bool {
    pointer.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every object of the document with its pointer, except inside of examples and default values.
pub(super) fn objects(contract: &Contract) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    descend(&mut found, String::new(), &contract.value, false);
    found
}

/// `names` says that the keys of this object are chosen by the author, so that `example` is no keyword there.
fn descend<'a>(found: &mut Vec<Part<'a>>, pointer: String, value: &'a Value, names: bool) {
    if let Some(list) = value.as_array() {
        for (index, inner) in list.iter().enumerate() {
            descend(found, format!("{pointer}/{index}"), inner, false);
        }
    }
    if value.is_object() && !names {
        found.push((pointer.clone(), value));
    }
    for (key, inner) in entries(Some(value)) {
        if !names && is_opaque(key) {
            continue;
        }
        descend(found, format!("{pointer}/{}", escape(key)), inner, !names && holds_names(key));
    }
}

/// Whether the value of this keyword is data rather than a part of the document's grammar.
pub(crate) fn is_opaque(keyword: &str) -> bool {
    matches!(keyword, "example" | "value" | "default" | "enum") || keyword.starts_with("x-")
}

/// Whether the members of this keyword's value are named by the author of the document.
pub(crate) fn holds_names(keyword: &str) -> bool {
    matches!(
        keyword,
        "paths"
            | "properties"
            | "responses"
            | "schemas"
            | "parameters"
            | "headers"
            | "links"
            | "examples"
            | "requestBodies"
            | "securitySchemes"
            | "content"
            | "callbacks"
            | "mapping"
            | "variables"
            | "scopes"
            | "encoding"
    )
}
