//! Checks values against the document's schemas, and a server's answers against the whole document.

mod convert;
mod response;

use std::collections::HashMap;
use std::fmt;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::contract::{entries, follow};

pub(crate) use convert::{bound, type_or_null};
pub use response::Mismatch;

/// Compiled checks for every schema of one document.
#[derive(Debug)]
pub struct Validators {
    document: Value,
    /// `components/schemas` in JSON Schema, shared by all that is compiled.
    schemas: Value,
    by_name: HashMap<String, Validator>,
}

impl Validators {
    /// Compiles every component schema of an OpenAPI 3.0 document.
    ///
    /// Formats are checked (`date-time`, `uri`, and the ranges of `int32` and `int64`). Nothing is read from the
    /// network or the disk.
    ///
    /// # Errors
    /// [`SchemaError`] names the first schema that cannot be compiled, for want of a reference's target, say.
    pub fn new(document: &Value) -> Result<Self, SchemaError> {
        let components = document.pointer("/components/schemas");
        let schemas: Value = entries(components)
            .map(|(name, source)| (name.to_owned(), convert::schema(source)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let mut by_name = HashMap::new();
        for (name, _) in entries(components) {
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            by_name.insert(name.to_owned(), compile(&schemas, reference, name)?);
        }
        Ok(Self { document: document.clone(), schemas, by_name })
    }

    /// Checks a value against a component schema.
    ///
    /// # Errors
    /// One line for each thing that does not match, or one that says that there is no schema of this name.
    pub fn validate(&self, schema_name: &str, value: &Value) -> Result<(), Vec<String>> {
        match self.by_name.get(schema_name) {
            Some(validator) => check(validator, value),
            None => Err(vec![format!("the document has no schema {schema_name}; check the name")]),
        }
    }

    /// Checks a value against a schema as it is written anywhere in the document.
    ///
    /// # Errors
    /// One line for each thing that does not match, or one that says why the schema cannot be used.
    pub fn validate_against(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        if let Some(name) = component_name(schema) {
            return self.validate(name, value);
        }
        let compiled = compile(&self.schemas, convert::schema(schema), "an inline schema");
        match compiled {
            Ok(validator) => check(&validator, value),
            Err(error) => Err(vec![error.to_string()]),
        }
    }

    /// The name of the component schema that the JSON body of an answer follows.
    ///
    /// `None` if the document does not have this operation or status, or an answer without a named schema.
    #[must_use]
    pub fn response(&self, method: &str, path_template: &str, status: u16) -> Option<&str> {
        let item = self.document.get("paths")?.get(path_template)?;
        let responses = item.get(method.to_ascii_lowercase())?.get("responses")?;
        let answer = follow(&self.document, responses.get(status.to_string())?)?;
        let (_, media) = entries(answer.get("content")).next()?;
        component_name(media.get("schema")?)
    }
}

/// The `X` of `{"$ref": "#/components/schemas/X"}`.
fn component_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
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

/// A schema of the document cannot be used for checking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    name: String,
    message: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no usable schema: {}; mend it in the document", self.name, self.message)
    }
}

impl std::error::Error for SchemaError {}

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
    fn null_is_taken_only_where_it_is_allowed_also_behind_a_reference() {
        assert_eq!(
            validators().validate("Link", &json!({"url": "a:b", "until": null, "parent": null})),
            Ok(())
        );
        assert!(validators().validate("Link", &json!({"url": null})).is_err());
    }

    #[test]
    fn schemas_that_contain_each_other_can_be_checked() {
        let value = json!({"link": {"url": "a:b", "parent": {"link": {}}}});
        let problems = validators().validate("Parent", &value).unwrap_err();
        assert_eq!(problems, ["at /link/parent/link: \"url\" is a required property"]);
    }

    #[test]
    fn a_number_beyond_its_width_is_refused() {
        assert_eq!(validators().validate("Count", &json!(i32::MAX)), Ok(()));
        assert!(validators().validate("Count", &json!(i64::MAX)).is_err());
    }

    #[test]
    fn a_schema_can_be_given_as_it_is_written() {
        let inline = json!({"type": "array", "items": {"$ref": "#/components/schemas/Count"}});
        assert_eq!(validators().validate_against(&inline, &json!([1, 2])), Ok(()));
        assert!(validators().validate_against(&inline, &json!(["1"])).is_err());
        assert!(
            validators().validate_against(&json!({"$ref": "#/components/schemas/Count"}), &json!(1)).is_ok()
        );
    }

    #[test]
    fn a_name_that_does_not_exist_is_said_to_be_so() {
        let problems = validators().validate("Lnik", &json!({})).unwrap_err();
        assert_eq!(problems, ["the document has no schema Lnik; check the name"]);
    }

    #[test]
    fn a_reference_to_nothing_is_an_error_of_the_document() {
        let document = json!({"components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}}}});
        let error = Validators::new(&document).unwrap_err().to_string();
        assert!(error.starts_with("A is no usable schema: "), "{error}");
    }
}
