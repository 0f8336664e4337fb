//! The JSON Schema of each generated type means the same as its component in the document.

use std::collections::BTreeSet;

use contract_tests::contract;
use infrai_video_client::{AspectRatio, Envelope, JobState, Preference, Resolution, types};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Map, Value, json};

/// Components without a Rust type of their own, and why.
const WITHOUT_TYPE: [(&str, &str); 7] = [
    ("JobId", "a String in results; the SDK checks it where it is sent"),
    ("IdempotencyKey", "a String; the SDK checks it where it is made"),
    ("Cursor", "a String"),
    ("PageLimit", "a u32"),
    ("NoData", "a map"),
    ("NoError", "a map"),
    ("DeleteAllRequest", "has no members; the hooks send an empty object"),
];

#[test]
fn the_schema_of_each_type_means_the_same_as_its_component() {
    let contract = contract();
    let mut covered = BTreeSet::new();
    for (name, schema) in rust_schemas() {
        let component = contract
            .resolve(&format!("#/components/schemas/{name}"))
            .unwrap_or_else(|| panic!("no component {name}"));
        let documented =
            meaning(component, &|reference| contract.resolve(reference).cloned(), &mut Vec::new());
        let schema = schema.to_value();
        let derived = meaning(
            &schema,
            &|reference| schema.pointer(reference.trim_start_matches('#')).cloned(),
            &mut Vec::new(),
        );
        assert_eq!(
            derived, documented,
            "{name}: left is the Rust type, right is openapi/video.yaml; schemas that share an enum have the same values"
        );
        covered.insert(name.to_owned());
    }
    covered.extend(WITHOUT_TYPE.map(|(name, _)| name.to_owned()));
    let names: BTreeSet<String> = contract.components("schemas").map(|(name, _)| name.to_owned()).collect();
    let left: Vec<&String> = names.symmetric_difference(&covered).collect();
    assert!(
        left.is_empty(),
        "give each its type in tests/contract/json_schemas.rs, or a reason for having none: {left:?}"
    );
}

fn rust_schemas() -> Vec<(&'static str, Schema)> {
    fn envelope<T: JsonSchema>() -> Schema {
        schema_for!(Envelope<T>)
    }
    vec![
        ("VideoJobEnvelope", envelope::<types::VideoJob>()),
        ("VideoJobDetailEnvelope", envelope::<types::VideoJobDetail>()),
        ("VideoJobPageEnvelope", envelope::<types::VideoJobPage>()),
        ("AcknowledgementEnvelope", envelope::<types::Acknowledgement>()),
        ("DeleteAllResultEnvelope", envelope::<types::DeleteAllResult>()),
        ("DownloadLinkEnvelope", envelope::<types::DownloadLink>()),
        ("RetentionEnvelope", envelope::<types::Retention>()),
        ("VideoCapabilitiesEnvelope", envelope::<types::VideoCapabilities>()),
        ("ErrorEnvelope", schema_for!(types::ErrorEnvelope)),
        ("ErrorDetail", schema_for!(types::ErrorDetail)),
        ("Metadata", schema_for!(types::Metadata)),
        ("VideoJob", schema_for!(types::VideoJob)),
        ("VideoJobDetail", schema_for!(types::VideoJobDetail)),
        ("VideoJobPage", schema_for!(types::VideoJobPage)),
        ("Acknowledgement", schema_for!(types::Acknowledgement)),
        ("DeleteAllResult", schema_for!(types::DeleteAllResult)),
        ("DownloadLink", schema_for!(types::DownloadLink)),
        ("Retention", schema_for!(types::Retention)),
        ("VideoCapabilities", schema_for!(types::VideoCapabilities)),
        ("VendorCapabilities", schema_for!(types::VendorCapabilities)),
        ("GenerateRequest", schema_for!(types::GenerateRequest)),
        ("CancelRequest", schema_for!(types::CancelRequest)),
        ("SetRetentionRequest", schema_for!(types::SetRetentionRequest)),
        ("JobState", schema_for!(JobState)),
        ("AspectRatio", schema_for!(AspectRatio)),
        ("Resolution", schema_for!(Resolution)),
        ("ReportedResolution", schema_for!(Resolution)),
        ("Preference", schema_for!(Preference)),
    ]
}

/// What a schema says, without how it says it: references are followed, and what Rust keeps by hand (bounds, patterns, the
/// width of numbers, the form of a URL) is left out. Absent and null mean the same, so null is left out too.
fn meaning(schema: &Value, resolve: &dyn Fn(&str) -> Option<Value>, path: &mut Vec<String>) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        assert!(!path.contains(&reference.to_owned()), "{reference} holds itself");
        path.push(reference.to_owned());
        let target = resolve(reference).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        let resolved = meaning(&target, resolve, path);
        path.pop();
        return resolved;
    }
    for wrapper in ["allOf", "anyOf", "oneOf"] {
        let Some(parts) = schema[wrapper].as_array() else { continue };
        let mut parts: Vec<Value> = parts
            .iter()
            .filter(|part| part["type"] != "null")
            .map(|part| meaning(part, resolve, path))
            .collect();
        parts.sort_by_key(ToString::to_string);
        return if parts.len() == 1 { parts.remove(0) } else { json!({"oneOf": parts}) };
    }
    let mut said = Map::new();
    if let Some(kind) = kind(&schema["type"]) {
        said.insert("type".into(), kind.into());
    }
    if schema["format"] == "date-time" {
        said.insert("format".into(), "date-time".into());
    }
    for key in ["enum", "x-extensible-enum"] {
        if let Some(values) = schema.get(key) {
            said.insert(key.into(), values.clone());
        }
    }
    if let Some(items) = schema.get("items") {
        said.insert("items".into(), meaning(items, resolve, path));
    }
    if let Some(properties) = schema["properties"].as_object() {
        let properties: Map<String, Value> = properties
            .iter()
            .map(|(name, property)| (name.clone(), meaning(property, resolve, path)))
            .collect();
        said.insert("properties".into(), Value::Object(properties));
    }
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !required.is_empty() {
        said.insert("required".into(), json!(required));
    }
    Value::Object(said)
}

fn kind(kind: &Value) -> Option<String> {
    match kind {
        Value::String(kind) => Some(kind.clone()),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").map(str::to_owned)
        }
        _ => None,
    }
}
