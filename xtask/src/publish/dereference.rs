//! The document with every reference replaced by what it points at, for tools that cannot follow references.

use serde_json::{Map, Value};

use super::members::{Member, member};
use crate::contract;

/// `document` without references.
///
/// One that leads back into itself stays, and so do the components that it points at. Its siblings do not count, as
/// OpenAPI 3.0 says.
///
/// # Errors
/// In words, if a reference points at nothing inside of the document.
pub(super) fn dereference(document: &Value) -> Result<Value, String> {
    Expansion { document, open: Vec::new() }.part(document)
}

struct Expansion<'a> {
    document: &'a Value,
    /// The references that are being replaced, from the outermost to the innermost.
    open: Vec<&'a str>,
}

impl<'a> Expansion<'a> {
    fn part(&mut self, part: &'a Value) -> Result<Value, String> {
        match part {
            Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
                Some(reference) => self.reference(reference),
                None => self.members(members),
            },
            Value::Array(items) => items.iter().map(|item| self.part(item)).collect(),
            _ => Ok(part.clone()),
        }
    }

    fn reference(&mut self, reference: &'a str) -> Result<Value, String> {
        if self.open.contains(&reference) {
            return Ok(serde_json::json!({ "$ref": reference }));
        }
        let target = contract::resolve(self.document, reference)
            .ok_or_else(|| format!("{reference} points at nothing; run `cargo xtask lint` for the place"))?;
        self.open.push(reference);
        let expanded = self.part(target);
        self.open.pop();
        expanded
    }

    fn members(&mut self, members: &'a Map<String, Value>) -> Result<Value, String> {
        let mut expanded = Map::new();
        for (key, value) in members {
            let value = match (member(key), value) {
                (Member::Data, _) => value.clone(),
                (Member::Named, Value::Object(named)) => {
                    let parts = named.iter().map(|(name, part)| Ok((name.clone(), self.part(part)?)));
                    Value::Object(parts.collect::<Result<_, String>>()?)
                }
                _ => self.part(value)?,
            };
            expanded.insert(key.clone(), value);
        }
        Ok(Value::Object(expanded))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_replaced_by_what_it_points_at_through_any_number_of_steps() {
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
        let document = json!({
            "example": data, "x-note": data, "examples": {"one": {"value": data}},
            "properties": {"example": {"$ref": "#/schemas/A"}},
            "schemas": {"A": {"type": "string"}},
        });
        let expanded = dereference(&document).unwrap();
        assert_eq!(expanded["example"], data);
        assert_eq!(expanded["x-note"], data);
        assert_eq!(expanded["examples"]["one"]["value"], data);
        assert_eq!(expanded["properties"]["example"], json!({"type": "string"}), "a property's name is free");
    }

    #[test]
    fn a_reference_to_nothing_is_an_error() {
        let error = dereference(&json!({"schema": {"$ref": "#/components/schemas/B"}})).unwrap_err();
        assert!(error.starts_with("#/components/schemas/B points at nothing"), "{error}");
    }
}
