//! Converts OpenAPI 3.0 to OpenAPI 3.1, whose schemas are JSON Schema 2020-12.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use crate::walk::{Kind, map_children};

const VERSION: &str = "3.1.1";
const DIALECT: &str = "https://spec.openapis.org/oas/3.1/dialect/base";

/// A keyword of 3.0 schemas that is not converted: no document has it.
const UNSUPPORTED: &str = "xml";

/// Formats of 3.0 that describe how bytes are encoded. 3.1 has other keywords for that.
const BINARY_FORMATS: [&str; 2] = ["binary", "byte"];

/// The OpenAPI 3.0 `document` as 3.1 with the same meaning, order, descriptions and extensions.
///
/// # Errors
/// If the document contains something that this conversion does not support.
pub fn to_openapi_31(document: &Value) -> Result<Value> {
    let Value::Object(converted) = object(Kind::Document, document)? else {
        bail!("the document is not an object; correct it");
    };
    let mut edition = Map::new();
    for (key, value) in converted {
        let is_version = key == "openapi";
        edition.insert(key, if is_version { VERSION.into() } else { value });
        if is_version {
            edition.insert("jsonSchemaDialect".to_owned(), DIALECT.into());
        }
    }
    Ok(Value::Object(edition))
}

/// The component schemas of the OpenAPI 3.0 `document` by name, as JSON Schema 2020-12.
///
/// # Errors
/// As [`to_openapi_31`].
pub fn schemas(document: &Value) -> Result<Map<String, Value>> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    schemas.into_iter().flatten().map(|(name, source)| Ok((name.clone(), schema(source)?))).collect()
}

/// A schema of OpenAPI 3.0 as JSON Schema 2020-12.
///
/// # Errors
/// As [`to_openapi_31`].
pub fn schema(source: &Value) -> Result<Value> {
    object(Kind::Schema, source)
}

fn object(kind: Kind, value: &Value) -> Result<Value> {
    let (Kind::Schema, Some(source)) = (kind, value.as_object()) else {
        return map_children(kind, value, &mut object);
    };
    // 3.0 ignores the siblings of a reference and 3.1 does not.
    if let Some(reference) = source.get("$ref") {
        return Ok(json!({ "$ref": reference }));
    }
    let Value::Object(members) = map_children(kind, value, &mut object)? else {
        return Ok(value.clone());
    };
    let is_set = |keyword: &str| source.get(keyword) == Some(&Value::Bool(true));
    let mut target = Map::new();
    for (key, value) in members {
        let (key, value) = match key.as_str() {
            "nullable" | "exclusiveMinimum" | "exclusiveMaximum" => continue,
            // In 3.0 `nullable` has no effect without `type`.
            "type" if is_set("nullable") => ("type", json!([value, "null"])),
            "minimum" if is_set("exclusiveMinimum") => ("exclusiveMinimum", value),
            "maximum" if is_set("exclusiveMaximum") => ("exclusiveMaximum", value),
            "example" => ("examples", json!([value])),
            "format" if value.as_str().is_some_and(|format| BINARY_FORMATS.contains(&format)) => {
                bail!("{}", unsupported(&key, &value))
            }
            UNSUPPORTED => bail!("{}", unsupported(&key, &value)),
            other => (other, value),
        };
        target.insert(key.to_owned(), value);
    }
    Ok(Value::Object(target))
}

fn unsupported(key: &str, value: &Value) -> String {
    format!(
        "`{key}: {value}` of a schema has no conversion to OpenAPI 3.1; add it to tools/openapi/src/convert.rs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::entries;

    #[test]
    fn the_version_changes_and_is_followed_by_the_dialect() {
        let edition = to_openapi_31(&json!({"openapi": "3.0.3", "info": {"title": "T"}})).unwrap();
        let keys: Vec<_> = entries(Some(&edition)).map(|(key, _)| key).collect();
        assert_eq!(keys, ["openapi", "jsonSchemaDialect", "info"]);
        assert_eq!(edition["openapi"], "3.1.1");
    }

    #[test]
    fn nullable_becomes_a_type_only_beside_a_type() {
        assert_eq!(
            schema(&json!({"type": "string", "nullable": true})).unwrap(),
            json!({"type": ["string", "null"]})
        );
        assert_eq!(schema(&json!({"allOf": [], "nullable": true})).unwrap(), json!({"allOf": []}));
    }

    #[test]
    fn an_exclusive_bound_becomes_a_number() {
        let source = json!({"minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false});
        assert_eq!(schema(&source).unwrap(), json!({"exclusiveMinimum": 0, "maximum": 9}));
        let reversed = json!({"exclusiveMaximum": true, "maximum": 0});
        assert_eq!(schema(&reversed).unwrap(), json!({"exclusiveMaximum": 0}));
    }

    #[test]
    fn siblings_of_a_reference_are_dropped() {
        let source = json!({"$ref": "#/components/schemas/A", "nullable": true, "description": "x"});
        assert_eq!(schema(&source).unwrap(), json!({"$ref": "#/components/schemas/A"}));
    }

    #[test]
    fn inner_schemas_are_converted() {
        let inner = json!({"type": "string", "nullable": true, "x-note": 1});
        let source = json!({
            "properties": {"example": inner}, "items": inner, "oneOf": [inner], "additionalProperties": false,
        });
        let inner = json!({"type": ["string", "null"], "x-note": 1});
        let expected = json!({
            "properties": {"example": inner}, "items": inner, "oneOf": [inner], "additionalProperties": false,
        });
        assert_eq!(schema(&source).unwrap(), expected);
    }

    #[test]
    fn only_the_example_of_a_schema_becomes_a_list() {
        let source = json!({"get": {
            "parameters": [{"name": "a", "example": "x", "schema": {"type": "string", "example": "x"}}],
            "responses": {"200": {"content": {"schema": {"examples": {"one": {"value": {"schema": {"nullable": true}}}}}}}},
        }});
        let edition = object(Kind::PathItem, &source).unwrap();
        let parameter = &edition["get"]["parameters"][0];
        assert_eq!(parameter["example"], "x");
        assert_eq!(parameter["schema"], json!({"type": "string", "examples": ["x"]}));
        assert_eq!(edition["get"]["responses"], source["get"]["responses"], "`schema` is a media type here");
    }

    #[test]
    fn what_cannot_be_converted_is_an_error() {
        let error = schema(&json!({"type": "string", "format": "binary"})).unwrap_err().to_string();
        assert!(error.starts_with("`format: \"binary\"` of a schema has no conversion"), "{error}");
        assert!(schema(&json!({"items": {"xml": {}}})).is_err());
    }
}
