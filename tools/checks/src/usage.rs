//! Which operations send a component in requests, and which receive it in responses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use openapi_tools::document::{Operation, operations};
use openapi_tools::value::resolve;
use openapi_tools::walk::{Kind, nodes};

/// The operations that use a place of the document, by their `operationId`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// Operations with the place in their requests.
    pub(crate) requests: BTreeSet<String>,
    /// Operations with the place in their responses.
    pub(crate) responses: BTreeSet<String>,
}

impl Sides {
    pub(crate) fn request(operation: &str) -> Self {
        Self { requests: BTreeSet::from([operation.to_owned()]), ..Self::default() }
    }

    pub(crate) fn response(operation: &str) -> Self {
        Self { responses: BTreeSet::from([operation.to_owned()]), ..Self::default() }
    }

    pub(crate) fn both(operation: &str) -> Self {
        Self { requests: BTreeSet::from([operation.to_owned()]), ..Self::response(operation) }
    }

    /// The operations of either side.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.requests.union(&self.responses).cloned().collect()
    }

    /// The operations that use a place in both of two documents. A change does not affect the others.
    fn shared(&self, new: &Self) -> Self {
        let side = |old: &BTreeSet<String>, new: &BTreeSet<String>| {
            let both: BTreeSet<String> = old.intersection(new).cloned().collect();
            // If all operations were renamed, the new ones count.
            if both.is_empty() && !old.is_empty() { new.clone() } else { both }
        };
        Self {
            requests: side(&self.requests, &new.requests),
            responses: side(&self.responses, &new.responses),
        }
    }
}

/// The sides of each component of a document, by its JSON pointer.
#[derive(Debug, Default)]
pub(crate) struct Usage(BTreeMap<String, Sides>);

impl Usage {
    pub(crate) fn of(document: &Value) -> Self {
        let mut usage = Self::default();
        let mut references = References { document, of_components: BTreeMap::new() };
        for operation in operations(document) {
            let name = label(&operation);
            for (_, parameter) in operation.parameters() {
                usage.add(&mut references, direct(Kind::Parameter, parameter), &Sides::request(&name));
            }
            if let Some(body) = operation.value.get("requestBody") {
                usage.add(&mut references, direct(Kind::RequestBody, body), &Sides::request(&name));
            }
            for (_, response) in operation.responses() {
                usage.add(&mut references, direct(Kind::Response, response), &Sides::response(&name));
            }
        }
        usage
    }

    /// Adds the sides to these components and to all that they refer to.
    fn add<'a>(&mut self, references: &mut References<'a>, mut pending: Vec<Reference<'a>>, sides: &Sides) {
        while let Some((kind, target)) = pending.pop() {
            let known = self.0.entry(target.trim_start_matches('#').to_owned()).or_default();
            let before = known.requests.len() + known.responses.len();
            known.requests.extend(sides.requests.iter().cloned());
            known.responses.extend(sides.responses.iter().cloned());
            if known.requests.len() + known.responses.len() > before {
                pending.extend_from_slice(references.inside(kind, target));
            }
        }
    }

    /// The sides of the component at `pointer`.
    pub(crate) fn at(&self, pointer: &str) -> Sides {
        self.0.get(pointer).cloned().unwrap_or_default()
    }

    /// The sides of a component that is in both documents.
    pub(crate) fn shared(&self, new: &Self, pointer: &str) -> Sides {
        self.at(pointer).shared(&new.at(pointer))
    }

    /// Whether the place at `pointer` is part of a request, in an operation or in a component that requests use.
    pub(crate) fn is_sent(&self, pointer: &str) -> bool {
        let parts: Vec<&str> = pointer.splitn(5, '/').collect();
        match parts.as_slice() {
            ["", "components", kind, name, ..] => self
                .0
                .get(&format!("/components/{kind}/{name}"))
                .is_some_and(|sides| !sides.requests.is_empty()),
            ["", "paths", _, "parameters", ..] => true,
            ["", "paths", _, _, rest] => rest.starts_with("parameters/") || rest.starts_with("requestBody/"),
            _ => false,
        }
    }
}

/// The kind and the target of a reference.
type Reference<'a> = (Kind, &'a str);

/// The references inside of each component, found once.
struct References<'a> {
    document: &'a Value,
    of_components: BTreeMap<&'a str, Vec<Reference<'a>>>,
}

impl<'a> References<'a> {
    fn inside(&mut self, kind: Kind, target: &'a str) -> &[Reference<'a>] {
        let document = self.document;
        self.of_components
            .entry(target)
            .or_insert_with(|| resolve(document, target).map(|value| direct(kind, value)).unwrap_or_default())
    }
}

/// The references inside of an object, not followed.
fn direct(kind: Kind, value: &Value) -> Vec<Reference<'_>> {
    nodes(kind, "", value).iter().filter_map(|node| Some((node.kind, node.reference()?))).collect()
}

/// The name of an operation in a report.
pub(crate) fn label(operation: &Operation<'_>) -> String {
    operation.id().map_or_else(|| route(operation), str::to_owned)
}

/// The method and the path of an operation.
pub(crate) fn route(operation: &Operation<'_>) -> String {
    format!("{} {}", operation.method.to_uppercase(), operation.path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_component_belongs_to_the_operations_that_reach_it() {
        let schema = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let media = |name: &str| json!({"content": {"application/json": {"schema": schema(name)}}});
        let document = json!({
            "paths": {"/a": {"post": {
                "operationId": "a", "requestBody": media("Sent"), "responses": {"200": media("Received")},
            }}},
            "components": {"schemas": {
                "Sent": {"properties": {"default": schema("Both")}},
                "Received": {"items": schema("Both"), "example": schema("Unused")},
                "Both": {"properties": {"again": schema("Both")}},
                "Unused": {},
            }},
        });
        let usage = Usage::of(&document);
        let at = |name: &str| usage.at(&format!("/components/schemas/{name}"));
        assert_eq!(at("Sent"), Sides::request("a"));
        assert_eq!(at("Received"), Sides::response("a"));
        assert_eq!(at("Both"), Sides::both("a"));
        assert_eq!(at("Unused"), Sides::default());
        assert!(usage.is_sent("/components/schemas/Sent/properties/default"));
        assert!(usage.is_sent("/paths/~1a/post/requestBody/content"));
        assert!(!usage.is_sent("/components/schemas/Received"));
        assert!(!usage.is_sent("/paths/~1a/post/responses/200"));
    }
}
