//! The document as OpenAPI 3.1, for tools that want that.

use serde_json::{Map, Value, json};

use super::members::{Member, member};
use crate::json_schema::{bound, type_or_null};

const VERSION: &str = "3.1.1";
const DIALECT: &str = "https://spec.openapis.org/oas/3.1/dialect/base";

/// Keywords of OpenAPI 3.0's schemas that this does not convert, since the document has none.
const UNKNOWN: [&str; 2] = ["discriminator", "xml"];

/// The formats of OpenAPI 3.0 that say how bytes are written, and that 3.1 says with other keywords.
const BYTES: [&str; 2] = ["binary", "byte"];

/// The OpenAPI 3.0 `document` as 3.1, saying the same. Order, words and `x-` members stay.
///
/// # Errors
/// In words, if the document says something that is not converted here.
pub(super) fn convert(document: &Value) -> Result<Value, String> {
    let mut edition = Map::new();
    let Value::Object(converted) = part(document)? else {
        return Err("the document is no object; mend it".to_owned());
    };
    for (key, value) in converted {
        let version = key == "openapi";
        edition.insert(key, if version { VERSION.into() } else { value });
        if version {
            edition.insert("jsonSchemaDialect".to_owned(), DIALECT.into());
        }
    }
    Ok(Value::Object(edition))
}

/// The component schemas of the OpenAPI 3.0 `document` by name, as those of 3.1, which are JSON Schema 2020-12.
///
/// # Errors
/// As [`convert`].
pub(crate) fn schemas(document: &Value) -> Result<Value, String> {
    named(document.pointer("/components/schemas").unwrap_or(&Value::Null), schema)
}

/// Any object of OpenAPI but a schema.
fn part(value: &Value) -> Result<Value, String> {
    match value {
        Value::Object(members) => {
            let mut target = Map::new();
            for (key, value) in members {
                let converted = match (key.as_str(), member(key)) {
                    ("schema", _) => schema(value)?,
                    ("schemas", _) => named(value, schema)?,
                    (_, Member::Data) => value.clone(),
                    (_, Member::Named) => named(value, part)?,
                    (_, Member::Part) => part(value)?,
                };
                target.insert(key.clone(), converted);
            }
            Ok(Value::Object(target))
        }
        Value::Array(items) => items.iter().map(part).collect(),
        _ => Ok(value.clone()),
    }
}

/// Every member by its name; anything else is handed to `convert` as it is.
fn named(value: &Value, convert: fn(&Value) -> Result<Value, String>) -> Result<Value, String> {
    let Value::Object(members) = value else {
        return part(value);
    };
    let converted = members.iter().map(|(name, value)| Ok((name.clone(), convert(value)?)));
    Ok(Value::Object(converted.collect::<Result<_, String>>()?))
}

/// A schema. The siblings of a reference did not count in 3.0 and would count in 3.1, so they go.
fn schema(value: &Value) -> Result<Value, String> {
    let Some(source) = value.as_object() else {
        return Ok(value.clone());
    };
    if let Some(reference) = source.get("$ref") {
        return Ok(json!({ "$ref": reference }));
    }
    let mut target = Map::new();
    for (key, value) in source {
        let format = value.as_str().filter(|_| key == "format").unwrap_or_default();
        if UNKNOWN.contains(&key.as_str()) || BYTES.contains(&format) {
            return Err(format!(
                "{key}: {value} of a schema cannot be put into OpenAPI 3.1; teach `publish` to convert it"
            ));
        }
        match key.as_str() {
            "nullable" | "exclusiveMinimum" | "exclusiveMaximum" => {}
            "type" => {
                target.insert(key.clone(), type_or_null(value, source.get("nullable")));
            }
            "example" => {
                target.insert("examples".to_owned(), json!([value]));
            }
            _ => {
                target.insert(key.clone(), inner(key, value)?);
            }
        }
        bound(source, &mut target, "minimum", "exclusiveMinimum");
        bound(source, &mut target, "maximum", "exclusiveMaximum");
    }
    Ok(Value::Object(target))
}

fn inner(key: &str, value: &Value) -> Result<Value, String> {
    match (key, value) {
        ("items" | "not" | "additionalProperties", _) => schema(value),
        ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => list.iter().map(schema).collect(),
        ("properties", _) => named(value, schema),
        _ => Ok(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Contract, DOCUMENT, entries};
    use crate::json_schema::Validators;
    use std::path::Path;

    #[test]
    fn the_version_changes_and_the_dialect_stands_behind_it() {
        let edition = convert(&json!({"openapi": "3.0.3", "info": {"title": "T"}})).unwrap();
        let keys: Vec<_> = entries(Some(&edition)).map(|(key, _)| key).collect();
        assert_eq!(keys, ["openapi", "jsonSchemaDialect", "info"]);
        assert_eq!(edition["openapi"], "3.1.1");
    }

    #[test]
    fn null_becomes_a_type_and_an_exclusive_bound_a_number() {
        let source =
            json!({"type": "number", "nullable": true, "minimum": 0, "exclusiveMinimum": true, "maximum": 9});
        let expected = json!({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 9});
        assert_eq!(schema(&source).unwrap(), expected);
        let reversed = json!({"exclusiveMinimum": true, "minimum": 0});
        assert_eq!(schema(&reversed).unwrap(), json!({"exclusiveMinimum": 0}));
    }

    #[test]
    fn only_a_schemas_own_example_becomes_a_list() {
        let source = json!({
            "parameters": [{"name": "a", "example": "x", "schema": {"type": "string", "example": "x"}}],
            "content": {"schema": {"examples": {"one": {"value": {"schema": {"nullable": true}}}}}},
        });
        let edition = part(&source).unwrap();
        assert_eq!(edition["parameters"][0]["example"], "x");
        assert_eq!(edition["parameters"][0]["schema"], json!({"type": "string", "examples": ["x"]}));
        assert_eq!(edition["content"], source["content"], "a name is free, and data is no schema");
    }

    #[test]
    fn a_property_called_example_is_converted_like_any_other() {
        let source = json!({"properties": {"example": {"type": "string", "nullable": true, "x-note": 1}}});
        let expected = json!({"properties": {"example": {"type": ["string", "null"], "x-note": 1}}});
        assert_eq!(schema(&source).unwrap(), expected);
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let error = schema(&json!({"type": "string", "format": "binary"})).unwrap_err();
        assert!(
            error.starts_with("format: \"binary\" of a schema cannot be put into OpenAPI 3.1"),
            "{error}"
        );
        assert!(schema(&json!({"discriminator": {}})).is_err());
    }

    /// Both editions judge each example of each schema, each of its members left out or null, and null itself.
    #[test]
    fn both_editions_take_and_refuse_the_same_values() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let document = Contract::load(&root.join(DOCUMENT)).unwrap().value;
        let edition = convert(&document).unwrap();
        let of_30 = Validators::new(&document).unwrap();
        let (mut taken, mut refused) = (0, 0);
        for (name, source) in entries(document.pointer("/components/schemas")) {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": edition["components"],
                "$ref": format!("#/components/schemas/{name}"),
            });
            let of_31 =
                jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
            for value in variants(&source["example"]) {
                let verdict = of_30.validate(name, &value).is_ok();
                assert_eq!(of_31.is_valid(&value), verdict, "{name}: {value}");
                if verdict { taken += 1 } else { refused += 1 }
            }
        }
        assert!(taken > 100 && refused > 50, "{taken} taken, {refused} refused");
    }

    fn variants(example: &Value) -> Vec<Value> {
        let mut variants =
            vec![example.clone(), Value::Null, json!(""), json!(0), json!(-1), json!([]), json!({})];
        for (key, _) in entries(Some(example)) {
            for replacement in [None, Some(Value::Null), Some(json!(0)), Some(json!("?"))] {
                let mut variant = example.clone();
                let members = variant.as_object_mut().unwrap();
                match replacement {
                    Some(value) => members.insert(key.to_owned(), value),
                    None => members.shift_remove(key),
                };
                variants.push(variant);
            }
        }
        variants
    }
}
