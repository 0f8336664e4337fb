//! Validates values against the schemas of the document, and responses of a server against its operations.

mod response;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use openapi_tools::convert;
use openapi_tools::value::{entries, follow};
use openapi_tools::walk::{Kind, visit_mut};

pub use response::{Mismatch, Response};

/// Compiled validators for every schema of one document.
#[derive(Debug)]
pub struct Validators {
    document: Value,
    /// `components/schemas` as JSON Schema, which every compiled schema refers to.
    schemas: Value,
    by_name: HashMap<String, Validator>,
    /// The compiled inline schemas by their text.
    inline: Mutex<HashMap<String, Result<Arc<Validator>, SchemaError>>>,
}

impl Validators {
    /// Compiles every component schema of an OpenAPI 3.0 document.
    ///
    /// Formats are checked (`date-time`, `uri`, and the ranges of `int32` and `int64`). Nothing is read from the
    /// network or the disk.
    ///
    /// # Errors
    /// [`SchemaError`] names the first schema that cannot be compiled, for example because the target of a reference is missing.
    pub fn new(document: &Value) -> Result<Self, SchemaError> {
        let components = document.pointer("/components/schemas");
        let schemas: Value = entries(components)
            .map(|(name, source)| Ok((name.to_owned(), json_schema(source, name)?)))
            .collect::<Result<Map<_, _>, SchemaError>>()?
            .into();
        let mut by_name = HashMap::new();
        for (name, _) in entries(components) {
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            by_name.insert(name.to_owned(), compile(&schemas, reference, name)?);
        }
        Ok(Self { document: document.clone(), schemas, by_name, inline: Mutex::default() })
    }

    /// Validates a value against a component schema.
    ///
    /// # Errors
    /// One line for each mismatch, or one line that says that there is no schema of this name.
    pub fn validate(&self, schema_name: &str, value: &Value) -> Result<(), Vec<String>> {
        match self.by_name.get(schema_name) {
            Some(validator) => check(validator, value),
            None => Err(vec![format!("the document has no schema {schema_name}; check the name")]),
        }
    }

    /// Validates a value against a schema as it is written anywhere in the document.
    ///
    /// # Errors
    /// One line for each mismatch, or one line that says why the schema cannot be used.
    pub fn validate_against(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        if let Some(name) = component_name(schema) {
            return self.validate(name, value);
        }
        let mut inline = self.inline.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = inline.entry(schema.to_string()).or_insert_with(|| {
            let name = "an inline schema";
            let schema = json_schema(schema, name)?;
            // Components take most of the time, and most inline schemas have no reference to them.
            let refers = schema.to_string().contains("\"$ref\"");
            compile(if refers { &self.schemas } else { &Value::Null }, schema, name).map(Arc::new)
        });
        let validator = compiled.clone();
        drop(inline);
        match validator {
            Ok(validator) => check(&validator, value),
            Err(error) => Err(vec![error.to_string()]),
        }
    }

    /// The name of the component schema of the JSON body of a response.
    ///
    /// `None` if the document does not have this operation or status, or the schema has no name.
    #[must_use]
    pub fn response(&self, method: &str, path_template: &str, status: u16) -> Option<&str> {
        let item = self.document.get("paths")?.get(path_template)?;
        let responses = item.get(method.to_ascii_lowercase())?.get("responses")?;
        let response = follow(&self.document, responses.get(status.to_string())?)?;
        let (_, media) = entries(response.get("content")).next()?;
        component_name(media.get("schema")?)
    }
}

/// The `X` of `{"$ref": "#/components/schemas/X"}`.
fn component_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

/// The schema as JSON Schema 2020-12. `int32` and `int64`, which are not formats there, become bounds.
fn json_schema(source: &Value, name: &str) -> Result<Value, SchemaError> {
    let mut schema = convert::schema(source)
        .map_err(|error| SchemaError { name: name.to_owned(), message: one_line(&error.to_string()) })?;
    visit_mut(Kind::Schema, &mut schema, &mut |_, object| {
        let (least, most) = match object.get("format").and_then(Value::as_str) {
            Some("int32") => (json!(i32::MIN), json!(i32::MAX)),
            Some("int64") => (json!(i64::MIN), json!(i64::MAX)),
            _ => return,
        };
        if !object.contains_key("minimum") && !object.contains_key("exclusiveMinimum") {
            object.insert("minimum".to_owned(), least);
        }
        if !object.contains_key("maximum") && !object.contains_key("exclusiveMaximum") {
            object.insert("maximum".to_owned(), most);
        }
    });
    Ok(schema)
}

fn compile(schemas: &Value, schema: Value, name: &str) -> Result<Validator, SchemaError> {
    let root = json!({ "components": { "schemas": schemas }, "allOf": [schema] });
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&root)
        .map_err(|error| SchemaError { name: name.to_owned(), message: one_line(&error.to_string()) })
}

fn check(validator: &Validator, value: &Value) -> Result<(), Vec<String>> {
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| {
            let message = one_line(&error.to_string());
            match error.instance_path().as_str() {
                "" => message,
                place => format!("at {place}: {message}"),
            }
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A schema of the document cannot be used for validation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not a usable schema: {message}; correct it in the document")]
pub struct SchemaError {
    name: String,
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validators() -> Validators {
        Validators::new(&json!({
            "components": {
                "schemas": {
                    "Link": {
                        "type": "object",
                        "required": ["url"],
                        "properties": {
                            "url": {"type": "string", "format": "uri"},
                            "until": {"type": "string", "format": "date-time", "nullable": true},
                            "parent": {"$ref": "#/components/schemas/Parent"},
                        },
                    },
                    "Parent": {"type": "object", "nullable": true, "properties": {"link": {"$ref": "#/components/schemas/Link"}}},
                    "Count": {"type": "integer", "format": "int32"},
                },
            },
        }))
        .unwrap()
    }

    #[test]
    fn formats_are_checked() {
        let good = json!({"url": "https://a.example/x", "until": "2026-11-20T17:55:00Z"});
        assert_eq!(validators().validate("Link", &good), Ok(()));
        let bad = json!({"url": "no url", "until": "tomorrow"});
        let problems = validators().validate("Link", &bad).unwrap_err();
        assert_eq!(
            problems,
            ["at /url: \"no url\" is not a \"uri\"", "at /until: \"tomorrow\" is not a \"date-time\"",]
        );
    }

    #[test]
    fn null_is_valid_only_where_it_is_allowed_also_behind_a_reference() {
        assert_eq!(
            validators().validate("Link", &json!({"url": "a:b", "until": null, "parent": null})),
            Ok(())
        );
        assert!(validators().validate("Link", &json!({"url": null})).is_err());
    }

    #[test]
    fn recursive_schemas_can_be_validated() {
        let value = json!({"link": {"url": "a:b", "parent": {"link": {}}}});
        let problems = validators().validate("Parent", &value).unwrap_err();
        assert_eq!(problems, ["at /link/parent/link: \"url\" is a required property"]);
    }

    #[test]
    fn an_integer_must_fit_its_format() {
        assert_eq!(validators().validate("Count", &json!(i32::MAX)), Ok(()));
        assert!(validators().validate("Count", &json!(i64::MAX)).is_err());
        let narrow = json!({"type": "integer", "format": "int32", "minimum": 1});
        assert_eq!(validators().validate_against(&narrow, &json!(1)), Ok(()));
        assert!(validators().validate_against(&narrow, &json!(0)).is_err());
        assert!(validators().validate_against(&narrow, &json!(i64::MAX)).is_err());
    }

    #[test]
    fn an_inline_schema_can_refer_to_components() {
        let inline = json!({"type": "array", "items": {"$ref": "#/components/schemas/Count"}});
        assert_eq!(validators().validate_against(&inline, &json!([1, 2])), Ok(()));
        assert!(validators().validate_against(&inline, &json!(["1"])).is_err());
        assert!(
            validators().validate_against(&json!({"$ref": "#/components/schemas/Count"}), &json!(1)).is_ok()
        );
    }

    #[test]
    fn an_unknown_schema_name_is_an_error() {
        let problems = validators().validate("Lnik", &json!({})).unwrap_err();
        assert_eq!(problems, ["the document has no schema Lnik; check the name"]);
    }

    #[test]
    fn a_missing_reference_target_is_an_error() {
        let document = json!({"components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}}}});
        let error = Validators::new(&document).unwrap_err().to_string();
        assert!(error.starts_with("A is not a usable schema: "), "{error}");
    }

    /// Compares both editions on each example of each schema, on each of its members left out or replaced, and on other values.
    #[test]
    fn both_editions_accept_and_reject_the_same_values() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let document = openapi_tools::Document::load(&root.join(openapi_tools::DOCUMENT)).unwrap().value;
        let edition = convert::to_openapi_31(&document).unwrap();
        let of_30 = Validators::new(&document).unwrap();
        let (mut accepted, mut rejected) = (0, 0);
        for (name, source) in entries(document.pointer("/components/schemas")) {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": edition["components"],
                "$ref": format!("#/components/schemas/{name}"),
            });
            let of_31 =
                jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
            for value in variants(&source["example"]) {
                let is_valid = of_30.validate(name, &value).is_ok();
                assert_eq!(of_31.is_valid(&value), is_valid, "{name}: {value}");
                if is_valid { accepted += 1 } else { rejected += 1 }
            }
        }
        assert!(accepted > 100 && rejected > 50, "{accepted} accepted, {rejected} rejected");
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
