//! Turns the contract, which is written for every language, into what progenitor can digest.
//!
//! The contract tells the truth; nothing here goes back into it. What is taken away (bounds, patterns, single statuses)
//! is checked by hand in the SDK and judged by the tests against the contract itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const SCHEMA_PREFIX: &str = "#/components/schemas/";

/// The keys of a schema that would become newtypes, `NonZero` or pinned values.
const DROPPED_KEYS: [&str; 9] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "default",
    "example",
];

/// The lowered document. `by_hand` names the schemas that the client crate writes itself: what only they use is left out.
pub(super) fn lower(document: &Value, by_hand: &[&str]) -> Result<Value, String> {
    let mut lowered = document.clone();
    for operation in operations_mut(&mut lowered) {
        lower_responses(operation)?;
        lower_body(operation, document);
    }
    let inlined = without_fields(document);
    walk(&mut lowered, &mut |object| {
        describe_references(object, document);
        inline(object, &inlined);
        unwrap_single_all_of(object, &inlined);
        lower_number(object);
        lower_nullable_component(object);
    });
    drop_keys(&mut lowered);
    keep_only_schemas_in_use(&mut lowered, by_hand);
    Ok(lowered)
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut())
        .filter_map(Value::as_object_mut)
}

/// One success and one error type: the generator panics on more.
fn lower_responses(operation: &mut Map<String, Value>) -> Result<(), String> {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("an operation").to_owned();
    let success = operation
        .get("responses")
        .and_then(|responses| responses.get("200"))
        .and_then(|response| response.pointer("/content/application~1json/schema"))
        .cloned()
        .ok_or_else(|| format!("{id}: there is no 200 response with a JSON schema"))?;
    let answer = |schema: Value, description: &str| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    let error = json!({"$ref": format!("{SCHEMA_PREFIX}ErrorEnvelope")});
    operation.insert(
        "responses".into(),
        json!({
            "2XX": answer(success, "The result."),
            "4XX": answer(error.clone(), "The call was refused."),
            "5XX": answer(error, "The service failed."),
        }),
    );
    Ok(())
}

/// A body without fields carries nothing and is dropped (the hooks send `{}`); one with fields is always sent.
fn lower_body(operation: &mut Map<String, Value>, document: &Value) {
    let Some(body) = operation.get_mut("requestBody").and_then(Value::as_object_mut) else {
        return;
    };
    let has_fields = body
        .get("content")
        .and_then(|content| content.pointer("/application~1json/schema/$ref"))
        .and_then(Value::as_str)
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
        .is_some_and(|schema| schema.get("properties").is_some());
    if has_fields {
        body.insert("required".into(), Value::Bool(true));
        if let Some(media) = body.get_mut("content").and_then(|content| content.get_mut("application/json")) {
            media.as_object_mut().map(|media| media.remove("examples"));
        }
    } else {
        operation.remove("requestBody");
    }
}

/// Components that are plain strings, numbers or empty objects: each use gets a `String`, an integer or a map, not a
/// newtype.
fn without_fields(document: &Value) -> Map<String, Value> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    schemas
        .into_iter()
        .flatten()
        .filter(|(_, schema)| {
            let has = |key: &str| schema.get(key).is_some();
            match schema.get("type").and_then(Value::as_str) {
                Some("string") => !has("enum") && !has("x-extensible-enum"),
                Some("integer" | "number") => true,
                Some("object") => !has("properties"),
                _ => false,
            }
        })
        .map(|(name, schema)| (format!("{SCHEMA_PREFIX}{name}"), schema.clone()))
        .collect()
}

/// A property that is only a reference gets its component's description, or the Rust field would have none.
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

/// `allOf` with one element says "this, described so". Where that element is inlined, the wrapper goes.
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

/// Counts are never negative.
fn lower_number(object: &mut Map<String, Value>) {
    let counts = object.get("type").and_then(Value::as_str) == Some("integer")
        && object.get("minimum").and_then(Value::as_i64).is_some_and(|minimum| minimum >= 0);
    let format = match object.get("format").and_then(Value::as_str) {
        Some("int32") if counts => "uint32",
        Some("int64") if counts => "uint64",
        _ => return,
    };
    object.insert("format".into(), format.into());
}

/// A property whose component may be null is an `Option` already; the component itself then need not be one.
fn lower_nullable_component(object: &mut Map<String, Value>) {
    let is_object = object.contains_key("properties");
    let is_open = object.contains_key("x-extensible-enum");
    if is_object || is_open {
        object.remove("nullable");
    }
}

fn drop_keys(document: &mut Value) {
    walk(document, &mut |object| {
        let is_schema =
            object.contains_key("type") || object.contains_key("allOf") || object.contains_key("oneOf");
        if is_schema {
            object.retain(|key, _| !DROPPED_KEYS.contains(&key.as_str()));
        }
        if object.contains_key("in") {
            object.remove("example");
        }
        object.retain(|key, _| !key.starts_with("x-"));
    });
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.retain(|key, _| matches!(key.as_str(), "schemas" | "parameters"));
    }
}

/// Only schemas that an operation reaches stay; what only a type written by hand reaches does not count.
fn keep_only_schemas_in_use(document: &mut Value, by_hand: &[&str]) {
    let mut used = BTreeSet::new();
    let mut waiting = vec![document["paths"].clone(), document["components"]["parameters"].clone()];
    while let Some(mut value) = waiting.pop() {
        walk(&mut value, &mut |object| {
            let reference = object.get("$ref").and_then(Value::as_str);
            let Some(name) = reference.and_then(|reference| reference.strip_prefix(SCHEMA_PREFIX)) else {
                return;
            };
            if used.insert(name.to_owned()) && !by_hand.contains(&name) {
                waiting.push(document["components"]["schemas"][name].clone());
            }
        });
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| used.contains(name));
    }
}

/// Visits every object, parents before children.
fn walk(value: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|child| walk(child, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|child| walk(child, visit)),
        _ => {}
    }
}
