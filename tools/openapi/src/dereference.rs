//! Replaces every reference by its target, for tools that cannot follow references.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::value::resolve;
use crate::walk::{Kind, map_children};

/// `document` without references.
///
/// A reference that leads back to itself stays, and so do the components. OpenAPI 3.0 ignores the siblings of a reference, so
/// they are dropped.
///
/// # Errors
/// If the target of a reference is not in the document.
pub fn dereference(document: &Value) -> Result<Value> {
    Expansion { document, open: Vec::new() }.object(Kind::Document, document)
}

struct Expansion<'a> {
    document: &'a Value,
    /// The references that are being replaced, the outermost first.
    open: Vec<&'a str>,
}

impl<'a> Expansion<'a> {
    fn object(&mut self, kind: Kind, value: &'a Value) -> Result<Value> {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return map_children(kind, value, &mut |kind, child| self.object(kind, child));
        };
        if self.open.contains(&reference) {
            return Ok(json!({ "$ref": reference }));
        }
        let target = resolve(self.document, reference)
            .with_context(|| format!("{reference} does not exist; `cargo xtask lint` names the place"))?;
        self.open.push(reference);
        let expanded = self.object(kind, target);
        self.open.pop();
        expanded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_references_is_replaced_by_its_last_target() {
        let document = json!({
            "paths": {"/a": {"get": {"responses": {"200": {"$ref": "#/components/responses/Good"}}}}},
            "components": {
                "responses": {"Good": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}},
                "schemas": {"A": {"type": "array", "items": {"$ref": "#/components/schemas/B"}}, "B": {"type": "string"}},
            },
        });
        let expanded = dereference(&document).unwrap();
        let schema =
            &expanded["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(schema, &json!({"type": "array", "items": {"type": "string"}}));
        assert!(!expanded.to_string().contains("$ref"), "{expanded}");
    }

    #[test]
    fn a_circle_is_cut_where_it_closes() {
        let document = json!({"components": {"schemas": {
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}},
        }}});
        let expanded = dereference(&document).unwrap();
        let next = expanded.pointer("/components/schemas/Node/properties/next/properties/next");
        assert_eq!(next, Some(&json!({"$ref": "#/components/schemas/Node"})));
    }

    #[test]
    fn data_that_looks_like_a_reference_stays() {
        let data = json!({"$ref": "#/nowhere"});
        let document = json!({"components": {
            "headers": {"H": {"example": data, "x-note": data, "examples": {"one": {"value": data}}}},
            "schemas": {"A": {"type": "string"}, "B": {"properties": {"example": {"$ref": "#/components/schemas/A"}}}},
        }});
        let components = &dereference(&document).unwrap()["components"];
        assert_eq!(components["headers"], document["components"]["headers"]);
        assert_eq!(components["schemas"]["B"]["properties"]["example"], json!({"type": "string"}));
    }

    #[test]
    fn a_missing_target_is_an_error() {
        let document = json!({"components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}}}});
        let error = dereference(&document).unwrap_err().to_string();
        assert!(error.starts_with("#/components/schemas/B does not exist"), "{error}");
    }
}
