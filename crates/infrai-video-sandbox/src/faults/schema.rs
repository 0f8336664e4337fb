//! The schemas of `openapi/sandbox.yaml` name exactly what the code reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rule::Rule;
use super::scenario::{self, Scenario};
use super::{Action, Fault};
use crate::input::{fields_of, variants_of};
use crate::model::catalogue::VendorState;
use crate::model::operation::Operation;
use crate::quirks::Quirk;
use crate::store::JobState;

fn schema(name: &str) -> Value {
    let document: Value = serde_json::from_str(include_str!("../contract/sandbox.json")).expect("JSON");
    let schema = document["components"]["schemas"][name].clone();
    assert!(schema.is_object(), "there is no schema {name}");
    schema
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn properties(schema: &Value) -> BTreeSet<String> {
    names(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()))
}

fn list(list: &Value) -> BTreeSet<String> {
    names(list.as_array().into_iter().flatten().filter_map(Value::as_str))
}

/// The schema of an action's rules: its name in the discriminator.
fn schema_of(action: &str) -> Value {
    let target = &schema("FaultRule")["discriminator"]["mapping"][action];
    let target = target.as_str().unwrap_or_else(|| panic!("add the action {action} to openapi/sandbox.yaml"));
    schema(target.rsplit('/').next().unwrap_or_default())
}

#[test]
fn every_action_has_a_schema_with_its_fields() {
    let mapping = &schema("FaultRule")["discriminator"]["mapping"];
    let documented = names(mapping.as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
    assert_eq!(documented, names(variants_of::<Action>().map(|(name, _)| name)));
    let mut all = names(fields_of::<Rule>().iter().copied());
    for (action, fields) in variants_of::<Action>() {
        let schema = schema_of(action);
        let expected = names(fields_of::<Rule>().iter().chain(fields).copied());
        assert_eq!(properties(&schema), expected, "{action}");
        let named = match &schema["properties"]["action"] {
            own if own["enum"].is_array() => list(&own["enum"]),
            _ => list(&self::schema("PlainFaultAction")["enum"]),
        };
        assert!(named.contains(action), "{action}: {named:?}");
        all.extend(expected);
    }
    all.extend(["matched".to_owned(), "acted".to_owned()]);
    assert_eq!(properties(&schema("FaultRecord")), all);
}

#[test]
fn a_rule_needs_exactly_the_required_fields_of_its_schema() {
    for (action, _) in variants_of::<Action>() {
        let schema = schema_of(action);
        let mut rule = schema["example"].clone();
        rule["action"] = json!(action);
        let required = list(&schema["required"]);
        rule.as_object_mut().expect("an object").retain(|name, _| required.contains(name));
        let read = |rule: &Value| Fault::from_json(&json!([rule]).to_string());
        assert!(read(&rule).is_ok(), "{:?}", read(&rule));
        for name in &required {
            let mut without = rule.clone();
            without.as_object_mut().expect("an object").remove(name);
            assert!(read(&without).is_err(), "{name} is not required: {without}");
        }
    }
}

#[test]
fn every_other_list_of_names_is_complete() {
    let operations = Operation::ALL.iter().map(|operation| operation.as_str());
    assert_eq!(list(&schema("FaultOperation")["enum"]), names(operations));
    let states = variants_of::<JobState>().map(|(name, _)| name);
    assert_eq!(properties(&schema("FaultStateNames")), names(states));
    let states = variants_of::<VendorState>().map(|(name, _)| name);
    assert_eq!(list(&schema("VendorState")["enum"]), names(states));
    let scenarios: Vec<Scenario> = Scenario::all().collect();
    assert_eq!(list(&schema("ScenarioName")["enum"]), names(scenarios.iter().map(Scenario::name)));
    assert_eq!(list(&schema("Quirk")["enum"]), names(Quirk::ALL.iter().map(|quirk| quirk.name())));
    let [file, settings] = scenario::fields();
    assert_eq!(properties(&schema("ScenarioFile")), names(file.iter().copied()));
    assert_eq!(properties(&schema("ScenarioSettings")), names(settings.iter().copied()));
}
