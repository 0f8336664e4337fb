//! Every schema as a reader sees it.

use std::fmt::Write as _;

use contract_tests::contract;
use serde_json::Value;

#[test]
fn every_schema_is_what_was_reviewed() {
    let contract = contract();
    let mut text = String::new();
    for (name, schema) in contract.components("schemas") {
        writeln!(text, "{name}: {}", kind(schema)).unwrap();
        for property in properties(schema) {
            writeln!(text, "  {property}").unwrap();
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

fn properties(schema: &Value) -> Vec<String> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| {
            let need = if required.contains(&name.as_str()) { "required" } else { "optional" };
            format!("{name}, {need}: {}", kind(property))
        })
        .collect()
}

/// A schema in one line: what it is, and every bound on it.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap().to_owned();
    }
    let list = |key: &str| {
        let items = schema[key].as_array()?;
        Some(items.iter().map(kind).collect::<Vec<_>>())
    };
    let mut words = match (list("allOf"), list("oneOf")) {
        (Some(all), _) => vec![all.join(" and ")],
        (_, Some(one)) => vec![one.join(" or ")],
        _ => vec![schema["type"].as_str().unwrap_or("anything").to_owned()],
    };
    if schema["type"] == "array" {
        words.push(format!("of {}", kind(&schema["items"])));
    }
    for key in ["format", "minLength", "maxLength", "pattern", "minimum", "exclusiveMinimum", "maximum"] {
        match &schema[key] {
            Value::Null => {}
            Value::String(text) => words.push(format!("{key}={text}")),
            other => words.push(format!("{key}={other}")),
        }
    }
    for key in ["enum", "x-extensible-enum", "x-synonyms"] {
        if let Some(values) = schema.get(key) {
            words.push(format!("{key}={values}"));
        }
    }
    if schema["nullable"] == true {
        words.push("or null".to_owned());
    }
    words.join(" ")
}
