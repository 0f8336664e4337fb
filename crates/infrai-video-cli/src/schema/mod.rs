//! The JSON Schema of what `--json` prints: schemas of the contract, and of the types of this command.

mod reports;
mod rows;

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

#[cfg(feature = "sandbox")]
pub(crate) use self::reports::Listening;
pub(crate) use self::reports::{
    BatchReport, ChargeSums, ConfigPath, ConfigReport, ConfigValue, Counts, DownloadReport, GenerateReport,
    ItemReport, JobReport, ListPage, ResumeStep, UsageGroup, UsageReport, billed_cost,
};

/// The contract's schemas by name, which `cargo xtask regen` generates.
const CONTRACT: &str = include_str!("contract.json");

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const DEFINITIONS: &str = "#/$defs/";

/// The commands that print JSON, and `failure` for lines of stderr.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    rows::ROWS.iter().map(|row| row.name)
}

/// The schema of the lines of a command, or of any line. Members are in alphabetical order.
pub(crate) fn document(name: Option<&str>) -> Value {
    let definitions = definitions();
    let mut document = match name {
        Some(name) => json!({
            "$schema": DIALECT,
            "title": format!("infrai-video {name} --json"),
            "$ref": format!("{DEFINITIONS}{name}"),
        }),
        None => json!({
            "$schema": DIALECT,
            "title": "infrai-video --json",
            "description": "A line that the command prints with --json: on stdout under the name of the subcommand, or on \
                            stderr under `failure`. Members may be added; ignore unknown ones.",
            "anyOf": names().map(|name| json!({"$ref": format!("{DEFINITIONS}{name}")})).collect::<Vec<_>>(),
        }),
    };
    document["$defs"] = Value::Object(reachable(&document, &definitions));
    sorted(document)
}

/// Every definition by its name. Definitions of the contract take precedence.
fn definitions() -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let lines: Vec<(String, Value)> = rows::ROWS
        .iter()
        .map(|row| {
            let mut schemas: Vec<Value> =
                (row.schemas)(&mut generator).into_iter().map(Value::from).collect();
            let mut line = match schemas.len() {
                1 => schemas.remove(0),
                _ => json!({"anyOf": schemas}),
            };
            line["description"] = row.description.into();
            (row.name.to_owned(), line)
        })
        .collect();
    let mut definitions = generator.take_definitions(true);
    let contract: Map<String, Value> =
        serde_json::from_str(CONTRACT).expect("the generated file holds an object");
    definitions.extend(contract);
    definitions.extend(lines);
    definitions
}

/// The definitions that a document needs, directly or through other definitions.
fn reachable(document: &Value, definitions: &Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    let mut unread = vec![document];
    while let Some(schema) = unread.pop() {
        let text = schema.to_string();
        for (name, definition) in definitions {
            if refers_to(&text, name) && found.insert(name.clone(), definition.clone()).is_none() {
                unread.push(definition);
            }
        }
    }
    found
}

/// Whether the text of a schema refers to a definition.
fn refers_to(text: &str, name: &str) -> bool {
    text.contains(&format!("\"{DEFINITIONS}{name}\""))
}

/// Sorts the members of each object, independently of the features of serde_json.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members.into_iter().collect();
            members.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_has_exactly_the_definitions_that_it_needs() {
        for name in names().map(Some).chain([None]) {
            let document = document(name);
            let text = document.to_string();
            let definitions = document["$defs"].as_object().unwrap();
            for definition in definitions.keys() {
                assert!(refers_to(&text, definition), "{name:?}: {definition} is not needed");
            }
            for reference in text.split(&format!("\"{DEFINITIONS}")).skip(1) {
                let (reference, _) = reference.split_once('"').unwrap();
                assert!(definitions.contains_key(reference), "{name:?}: {reference} is missing");
            }
        }
    }

    #[test]
    fn definitions_of_the_contract_take_precedence() {
        let document = document(Some("wait"));
        let contract: Value = serde_json::from_str(CONTRACT).unwrap();
        assert_eq!(document["$defs"]["VideoJob"], sorted(contract["VideoJob"].clone()));
    }
}
