//! Lowers the document, which is written for all languages, to the subset of OpenAPI that progenitor supports.
//!
//! The document itself does not change. What is removed here (bounds, patterns, single statuses) is checked by hand-written code
//! of the SDK, and tests compare it with the document.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use openapi_tools::value::follow;
use openapi_tools::walk::{Kind, METHODS, nodes, visit_mut};
use serde_json::{Map, Value, json};

pub(crate) const SCHEMA_PREFIX: &str = "#/components/schemas/";

/// The keywords of a schema that would become newtypes, `NonZero`, arrays of a fixed length or constants.
const DROPPED_KEYS: [&str; 15] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
    "example",
];

/// The lowered document. `by_hand` names the schemas whose types are written by hand. What only they use is left out.
pub(crate) fn lower(document: &Value, by_hand: &[&str]) -> Result<Value> {
    let mut lowered = document.clone();
    for operation in operations_mut(&mut lowered) {
        lower_responses(operation, document)?;
        lower_body(operation, document)?;
    }
    let inlined = without_fields(document);
    visit_mut(Kind::Document, &mut lowered, &mut |kind, object| {
        if kind == Kind::Schema {
            describe_references(object, document);
            inline(object, &inlined);
            unwrap_single_all_of(object, &inlined);
            lower_format(object);
            lower_nullable_component(object);
        }
    });
    drop_keys(&mut lowered);
    keep_only_schemas_in_use(&mut lowered, by_hand);
    Ok(lowered)
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let items =
        document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    items
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.iter_mut().filter(|(method, _)| METHODS.contains(&method.as_str())))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

/// One success and one error type: the generator panics at more.
fn lower_responses(operation: &mut Map<String, Value>, document: &Value) -> Result<()> {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("an operation").to_owned();
    let success = operation
        .get("responses")
        .and_then(|responses| follow(document, responses.get("200")?))
        .and_then(|response| response.pointer("/content/application~1json/schema"))
        .cloned()
        .with_context(|| {
            format!("{id}: there is no 200 response with a JSON schema; describe the success so")
        })?;
    // The client expects envelopes. Another type would not compile.
    let envelope = success["$ref"].as_str().and_then(|reference| reference.strip_prefix(SCHEMA_PREFIX));
    if envelope.is_none_or(|name| !name.ends_with("Envelope")) {
        bail!(
            "{id}: its 200 response is not an envelope; refer to a schema with `ok` and `data` whose name ends in Envelope"
        );
    }
    let response = |schema: Value, description: &str| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    let error = json!({"$ref": format!("{SCHEMA_PREFIX}ErrorEnvelope")});
    operation.insert(
        "responses".into(),
        json!({
            "2XX": response(success, "The result."),
            "4XX": response(error.clone(), "The call was refused."),
            "5XX": response(error, "The service failed."),
        }),
    );
    Ok(())
}

/// A body without fields is dropped: the client sends `{}`. The generator does not support optional bodies, which `options` adds
/// afterwards.
fn lower_body(operation: &mut Map<String, Value>, document: &Value) -> Result<()> {
    let Some(body) = operation.get("requestBody") else { return Ok(()) };
    let schema = follow(document, body).and_then(|body| {
        let schema = follow(document, body.pointer("/content/application~1json/schema")?)?;
        Some((body, schema))
    });
    let Some((body, schema)) = schema else {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("an operation");
        bail!("{id}: its body has no JSON schema; describe it as application/json");
    };
    if is_empty_object(schema) {
        operation.remove("requestBody");
    } else {
        let mut body = body.clone();
        body["required"] = Value::Bool(true);
        operation.insert("requestBody".into(), body);
    }
    Ok(())
}

fn is_empty_object(schema: &Value) -> bool {
    let says = |key: &&str| schema.get(*key).is_some();
    schema["type"] == "object" && !["properties", "allOf", "oneOf", "anyOf"].iter().any(says)
}

/// Components that are strings, numbers, lists or empty objects. Each use becomes a `String`, an integer, a `Vec` or a map instead
/// of a newtype.
fn without_fields(document: &Value) -> Map<String, Value> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    schemas
        .into_iter()
        .flatten()
        .filter(|(_, schema)| {
            let has = |key: &str| schema.get(key).is_some();
            match schema.get("type").and_then(Value::as_str) {
                Some("string") => !has("enum") && !has("x-extensible-enum"),
                Some("integer" | "number" | "boolean" | "array") => true,
                _ => is_empty_object(schema),
            }
        })
        .map(|(name, schema)| (format!("{SCHEMA_PREFIX}{name}"), schema.clone()))
        .collect()
}

/// A property that is a reference gets the description of its component. Otherwise the Rust field would have none.
fn describe_references(object: &mut Map<String, Value>, document: &Value) {
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for property in properties.values_mut() {
        let Some(reference) = property.get("$ref").and_then(Value::as_str) else {
            continue;
        };
        let component = document.pointer(reference.trim_start_matches('#'));
        if let Some(description) = component.and_then(|component| component.get("description")) {
            *property = json!({"allOf": [{"$ref": reference}], "description": description});
        }
    }
}

fn inline(object: &mut Map<String, Value>, inlined: &Map<String, Value>) {
    let component = object.get("$ref").and_then(Value::as_str).and_then(|reference| inlined.get(reference));
    if let Some(component) = component.and_then(Value::as_object) {
        *object = component.clone();
    }
}

/// `allOf` with one element adds a description to that element. If the element is inlined, the `allOf` is removed.
fn unwrap_single_all_of(object: &mut Map<String, Value>, inlined: &Map<String, Value>) {
    let Some([Value::Object(only)]) = object.get("allOf").and_then(Value::as_array).map(Vec::as_slice) else {
        return;
    };
    let mut only = only.clone();
    inline(&mut only, inlined);
    if only.contains_key("$ref") {
        return;
    }
    object.remove("allOf");
    only.append(object);
    *object = only;
}

/// Integers that are never negative become unsigned. Of the string formats only `date-time` stays, which has a type of its own.
fn lower_format(object: &mut Map<String, Value>) {
    let counts = object.get("type").and_then(Value::as_str) == Some("integer")
        && object.get("minimum").and_then(Value::as_i64).is_some_and(|minimum| minimum >= 0);
    let format =
        match (object.get("type").and_then(Value::as_str), object.get("format").and_then(Value::as_str)) {
            (Some("string"), Some(format)) if format != "date-time" => {
                object.remove("format");
                return;
            }
            (_, Some("int32")) if counts => "uint32",
            (_, Some("int64")) if counts => "uint64",
            _ => return,
        };
    object.insert("format".into(), format.into());
}

/// A property whose component is nullable is an `Option` anyway, so that the component itself need not be one.
fn lower_nullable_component(object: &mut Map<String, Value>) {
    let is_object = object.contains_key("properties");
    let is_open = object.contains_key("x-extensible-enum");
    if is_object || is_open {
        object.remove("nullable");
    }
}

fn drop_keys(document: &mut Value) {
    visit_mut(Kind::Document, document, &mut |kind, object| {
        match kind {
            Kind::Schema => object.retain(|key, _| !DROPPED_KEYS.contains(&key.as_str())),
            _ => object.retain(|key, _| !matches!(key.as_str(), "example" | "examples")),
        }
        if kind == Kind::Parameter {
            lower_parameter(object);
        }
        object.retain(|key, _| !key.starts_with("x-"));
    });
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.retain(|key, _| matches!(key.as_str(), "schemas" | "parameters"));
    }
}

/// A parameter is never null: an absent one is not sent. A list in a header or a path is a string.
fn lower_parameter(parameter: &mut Map<String, Value>) {
    let in_query = parameter.get("in").and_then(Value::as_str) == Some("query");
    let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { return };
    schema.remove("nullable");
    if !in_query && matches!(schema.get("type").and_then(Value::as_str), Some("array" | "object")) {
        *schema = Map::from_iter([("type".to_owned(), "string".into())]);
    }
}

/// Removes schemas that no operation uses. What only a type written by hand uses does not count.
fn keep_only_schemas_in_use(document: &mut Value, by_hand: &[&str]) {
    let mut used = BTreeSet::new();
    let parameters = json!({"parameters": document["components"]["parameters"]});
    let mut pending =
        references(Kind::Document, &json!({"paths": document["paths"], "components": parameters}));
    while let Some(name) = pending.pop() {
        if used.insert(name.clone()) && !by_hand.contains(&name.as_str()) {
            pending.extend(references(Kind::Schema, &document["components"]["schemas"][name]));
        }
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| used.contains(name));
    }
}

/// The names of the schemas that an object refers to.
fn references(kind: Kind, value: &Value) -> Vec<String> {
    let nodes = nodes(kind, "", value);
    nodes.iter().filter_map(|node| Some(node.reference()?.strip_prefix(SCHEMA_PREFIX)?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document with one operation: these members of it, and these schemas.
    fn document(operation: Value, schemas: Value) -> Value {
        let mut operation = operation;
        operation["operationId"] = json!("video_a");
        let mut components = schemas;
        components["AEnvelope"] =
            json!({"type": "object", "properties": {"data": {"$ref": "#/components/schemas/A"}}});
        components["ErrorEnvelope"] = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}});
        json!({"paths": {"/a": {"post": operation}}, "components": {"schemas": components}})
    }

    fn success() -> Value {
        json!({"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/AEnvelope"}}}}})
    }

    fn lowered_a(a: Value) -> Value {
        let document = document(json!({"responses": success()}), json!({"A": a}));
        lower(&document, &[]).unwrap()["components"]["schemas"]["A"].take()
    }

    #[test]
    fn properties_named_like_keywords_are_kept() {
        let text = json!({"type": "string", "nullable": true});
        let names = [
            "type",
            "default",
            "description",
            "example",
            "examples",
            "in",
            "properties",
            "items",
            "pattern",
            "minimum",
            "format",
            "nullable",
            "x-ray",
            "enum",
            "required",
        ];
        let properties: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        let a = lowered_a(
            json!({"type": "object", "properties": properties.clone(), "x-note": 1, "example": {"type": "a"}}),
        );
        assert_eq!(a, json!({"type": "object", "properties": properties}));
    }

    #[test]
    fn bounds_and_formats_are_removed_except_times_and_widths() {
        let a = lowered_a(json!({"type": "object", "properties": {
            "day": {"type": "string", "format": "date", "pattern": "^2"},
            "at": {"type": "string", "format": "date-time"},
            "id": {"type": "string", "format": "uuid", "default": "x"},
            "count": {"type": "integer", "format": "int64", "minimum": 1, "multipleOf": 2},
            "pair": {"type": "array", "items": {"type": "number", "maximum": 1}, "minItems": 2, "maxItems": 2},
        }}));
        let wanted = json!({
            "day": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "id": {"type": "string"},
            "count": {"type": "integer", "format": "uint64"}, "pair": {"type": "array", "items": {"type": "number"}},
        });
        assert_eq!(a["properties"], wanted);
    }

    #[test]
    fn bodies_and_responses_may_be_references() {
        let body = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}});
        let operation = json!({
            "requestBody": {"$ref": "#/components/requestBodies/B"},
            "responses": {"200": {"$ref": "#/components/responses/A"}},
        });
        let b = json!({"type": "object", "properties": {"b": {"type": "string"}}});
        let mut document = document(operation, json!({"A": b, "B": b}));
        document["components"]["requestBodies"] = json!({"B": body});
        document["components"]["responses"] = json!({"A": success()["200"]});
        let lowered = lower(&document, &[]).unwrap();
        let operation = &lowered["paths"]["/a"]["post"];
        assert_eq!(operation["requestBody"]["required"], true);
        assert!(
            operation["responses"]["2XX"].is_object() && lowered["components"]["schemas"]["B"].is_object()
        );
    }

    #[test]
    fn what_the_client_cannot_read_or_send_is_an_error() {
        let error = |operation: Value| {
            let document = document(operation, json!({"A": {"type": "object", "properties": {}}}));
            lower(&document, &[]).unwrap_err().to_string()
        };
        let bare =
            json!({"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}});
        assert!(
            error(json!({"responses": bare})).starts_with("video_a: its 200 response is not an envelope")
        );
        assert!(error(json!({"responses": {}})).starts_with("video_a: there is no 200 response"));
        let text = json!({"content": {"text/plain": {"schema": {"type": "string"}}}});
        let error = error(json!({"responses": success(), "requestBody": text}));
        assert!(error.starts_with("video_a: its body has no JSON schema"), "{error}");
    }

    #[test]
    fn a_parameter_is_never_null_and_a_list_in_a_header_is_a_string() {
        let parameters = json!([
            {"name": "A", "in": "header", "schema": {"type": "array", "items": {"type": "string"}}, "example": ["a"]},
            {"name": "b", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "nullable": true}},
        ]);
        let operation = json!({"responses": success(), "parameters": parameters});
        let document = document(operation, json!({"A": {"type": "object", "properties": {}}}));
        let lowered = lower(&document, &[]).unwrap();
        let wanted = json!([
            {"name": "A", "in": "header", "schema": {"type": "string"}},
            {"name": "b", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        ]);
        assert_eq!(lowered["paths"]["/a"]["post"]["parameters"], wanted);
    }
}
