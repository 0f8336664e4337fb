//! What `--json` prints, as JSON Schema: the contract's own schemas, and those of the structures of this command.

mod rows;

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The contract's schemas by name, as `cargo xtask regen` writes them.
const CONTRACT: &str = include_str!("contract.json");

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const DEFINITIONS: &str = "#/$defs/";

/// The names that [`document`] knows: the commands that print JSON, and `failure` for what is printed on stderr.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    rows::ROWS.iter().map(|row| row.name)
}

/// The schema of each line that is printed under that name, or of any line. Members are in alphabetical order.
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
                            stderr under `failure`. New members may come; a reader skips those that it does not know.",
            "anyOf": names().map(|name| json!({"$ref": format!("{DEFINITIONS}{name}")})).collect::<Vec<_>>(),
        }),
    };
    document["$defs"] = Value::Object(reachable(&document, &definitions));
    sorted(document)
}

/// Every definition by its name. Where the contract has one of the same name, it is the one that counts.
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
            line["description"] = row.about.into();
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

/// The definitions that a schema needs, and those that they need.
fn reachable(schema: &Value, definitions: &Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    let mut left = references(schema);
    while let Some(name) = left.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let definition = definitions.get(&name).expect("a reference leads to a definition").clone();
        left.extend(references(&definition));
        found.insert(name, definition);
    }
    found
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFINITIONS));
            own.map(str::to_owned).into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The same with the members of each object in alphabetical order, however serde_json was built.
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
    fn each_document_is_whole_and_holds_nothing_else() {
        for name in names().map(Some).chain([None]) {
            let document = document(name);
            let definitions = document["$defs"].as_object().unwrap();
            for reference in references(&document) {
                assert!(definitions.contains_key(&reference), "{name:?}: {reference}");
            }
            let mut wanted = references(&document);
            wanted.extend(name.map(str::to_owned));
            for definition in definitions.keys() {
                assert!(wanted.contains(definition), "{name:?}: {definition} is not needed");
            }
        }
    }

    #[test]
    fn what_the_contract_says_counts() {
        let document = document(Some("status"));
        let contract: Value = serde_json::from_str(CONTRACT).unwrap();
        assert_eq!(document["$defs"]["VideoJob"], sorted(contract["VideoJob"].clone()));
    }
}
