//! Turns an OpenAPI 3.0 schema into JSON Schema 2020-12.

use serde_json::{Map, Value, json};

/// Keywords that mean the same in both languages and hold no schemas.
const SAME: [&str; 14] = [
    "enum",
    "format",
    "maximum",
    "minimum",
    "maxItems",
    "minItems",
    "maxLength",
    "minLength",
    "maxProperties",
    "minProperties",
    "multipleOf",
    "pattern",
    "required",
    "uniqueItems",
];

/// The schema in JSON Schema 2020-12.
///
/// As OpenAPI 3.0 says, the siblings of a `$ref` do not count, and `nullable` acts only beside `type`.
/// References keep their text. Words about a value (description, example, `x-`...) are left out.
pub(super) fn schema(source: &Value) -> Value {
    let Some(source) = source.as_object() else {
        return source.clone();
    };
    if let Some(reference) = source.get("$ref") {
        return json!({ "$ref": reference });
    }
    let mut target = Map::new();
    for keyword in SAME {
        if let Some(value) = source.get(keyword) {
            target.insert(keyword.to_owned(), value.clone());
        }
    }
    if let Some(kind) = source.get("type") {
        target.insert("type".to_owned(), type_or_null(kind, source.get("nullable")));
    }
    bound(source, &mut target, "minimum", "exclusiveMinimum");
    bound(source, &mut target, "maximum", "exclusiveMaximum");
    width(source, &mut target);
    nested(source, &mut target);
    Value::Object(target)
}

pub(crate) fn type_or_null(kind: &Value, nullable: Option<&Value>) -> Value {
    if nullable == Some(&Value::Bool(true)) { json!([kind, "null"]) } else { kind.clone() }
}

/// `minimum: 0, exclusiveMinimum: true` becomes `exclusiveMinimum: 0`.
pub(crate) fn bound(
    source: &Map<String, Value>,
    target: &mut Map<String, Value>,
    inclusive: &str,
    exclusive: &str,
) {
    if source.get(exclusive) != Some(&Value::Bool(true)) {
        return;
    }
    if let Some(limit) = target.remove(inclusive) {
        target.insert(exclusive.to_owned(), limit);
    }
}

/// `int32` and `int64` are ranges, which JSON Schema does not know as formats.
fn width(source: &Map<String, Value>, target: &mut Map<String, Value>) {
    let (least, most) = match source.get("format").and_then(Value::as_str) {
        Some("int32") => (json!(i32::MIN), json!(i32::MAX)),
        Some("int64") => (json!(i64::MIN), json!(i64::MAX)),
        _ => return,
    };
    if !target.contains_key("minimum") && !target.contains_key("exclusiveMinimum") {
        target.insert("minimum".to_owned(), least);
    }
    if !target.contains_key("maximum") && !target.contains_key("exclusiveMaximum") {
        target.insert("maximum".to_owned(), most);
    }
}

fn nested(source: &Map<String, Value>, target: &mut Map<String, Value>) {
    for keyword in ["items", "not", "additionalProperties"] {
        if let Some(inner) = source.get(keyword) {
            target.insert(keyword.to_owned(), schema(inner));
        }
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        if let Some(list) = source.get(keyword).and_then(Value::as_array) {
            target.insert(keyword.to_owned(), list.iter().map(schema).collect());
        }
    }
    if let Some(properties) = source.get("properties").and_then(Value::as_object) {
        let converted = properties.iter().map(|(name, inner)| (name.clone(), schema(inner))).collect();
        target.insert("properties".to_owned(), Value::Object(converted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nullable_acts_only_beside_a_type() {
        assert_eq!(schema(&json!({"type": "string", "nullable": true})), json!({"type": ["string", "null"]}));
        assert_eq!(schema(&json!({"allOf": [], "nullable": true})), json!({"allOf": []}));
    }

    #[test]
    fn a_boolean_exclusive_bound_becomes_a_number() {
        let source = json!({"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 5});
        assert_eq!(schema(&source), json!({"type": "number", "exclusiveMinimum": 0, "maximum": 5}));
        let source = json!({"minimum": 0, "exclusiveMinimum": false});
        assert_eq!(schema(&source), json!({"minimum": 0}));
    }

    #[test]
    fn siblings_of_a_reference_do_not_count() {
        let source = json!({"$ref": "#/components/schemas/A", "nullable": true, "description": "x"});
        assert_eq!(schema(&source), json!({"$ref": "#/components/schemas/A"}));
    }

    #[test]
    fn widths_of_integers_become_ranges_where_no_narrower_one_is_given() {
        let source = json!({"type": "integer", "format": "int32", "minimum": 1});
        let expected = json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": i32::MAX});
        assert_eq!(schema(&source), expected);
    }

    #[test]
    fn inner_schemas_are_converted_too() {
        let inner = json!({"type": "string", "nullable": true, "example": "x"});
        let source = json!({
            "type": "object",
            "properties": {"example": inner},
            "items": inner,
            "oneOf": [inner],
            "additionalProperties": false,
        });
        let inner = json!({"type": ["string", "null"]});
        let expected = json!({
            "type": "object",
            "properties": {"example": inner},
            "items": inner,
            "oneOf": [inner],
            "additionalProperties": false,
        });
        assert_eq!(schema(&source), expected);
    }
}
