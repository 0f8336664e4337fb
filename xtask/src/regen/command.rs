//! What the command `infrai-video` prints with `--json`: the contract's part of it, and the whole as it is published.
//!
//! The definitions of the command's own structures are kept in the published document. A test of the command compares them with
//! what the command says of itself, and writes them; here only the contract's definitions are replaced.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{GeneratedFile, RegenError};
use crate::contract::Contract;
use crate::publish::{edition31, pretty};

/// The contract's schemas as the command holds them, below the root.
const CONTRACT: &str = "crates/infrai-video-cli/src/schema/contract.json";

/// What is published, below the root.
const PUBLISHED: &str = "docs/infrai-video.schema.json";

const DEFINITIONS: &str = "#/$defs/";

/// Both files of the workspace at `root`.
pub(super) fn files(root: &Path, contract: &Contract) -> Result<[GeneratedFile; 2], RegenError> {
    let definitions = definitions(contract)?;
    let remedy =
        "run `INSTA_UPDATE=always cargo test -p infrai-video-cli --test suite published`, which writes it";
    let unusable = |why: String| RegenError::Command(format!("{PUBLISHED}: {why}; {remedy}"));
    let text = fs::read_to_string(root.join(PUBLISHED)).map_err(|error| unusable(error.to_string()))?;
    let published: Value = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    let published = published_with(published, &definitions).map_err(unusable)?;
    Ok([
        GeneratedFile { path: CONTRACT.into(), content: pretty(&Value::Object(definitions)) },
        GeneratedFile { path: PUBLISHED.into(), content: pretty(&published) },
    ])
}

/// The contract's schemas in JSON Schema, by name: all but the envelopes, which the command takes off.
fn definitions(contract: &Contract) -> Result<Map<String, Value>, RegenError> {
    let mut schemas = edition31::schemas(&contract.value).map_err(RegenError::Lowering)?;
    adopt(&mut schemas);
    let mut schemas = match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    };
    schemas.retain(|name, _| !name.ends_with("Envelope"));
    Ok(schemas)
}

/// Lets references lead to `$defs`, and leaves out where each statement of the contract comes from.
fn adopt(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| name != "x-provenance");
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                *target = target.replacen("#/components/schemas/", DEFINITIONS, 1);
            }
            members.values_mut().for_each(adopt);
        }
        Value::Array(items) => items.iter_mut().for_each(adopt),
        _ => {}
    }
}

/// The published document with these definitions of the contract, and with those of the command that it has. What nothing refers
/// to is left out. Members are in alphabetical order.
fn published_with(mut document: Value, contract: &Map<String, Value>) -> Result<Value, String> {
    let Some(Value::Object(mut all)) = document.get_mut("$defs").map(Value::take) else {
        return Err("there are no $defs".to_owned());
    };
    all.extend(contract.clone());
    let mut found = Map::new();
    let mut left = references(&document);
    while let Some(name) = left.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let definition = all.remove(&name).ok_or_else(|| format!("there is no definition of {name}"))?;
        left.extend(references(&definition));
        found.insert(name, definition);
    }
    document["$defs"] = Value::Object(found);
    document.sort_all_objects();
    Ok(document)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_lead_to_definitions_and_envelopes_stay_away() {
        let text = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\ncomponents:\n  schemas:\n    \
                    Id: {type: string, x-provenance: [page]}\n    \
                    Job: {type: object, properties: {id: {$ref: '#/components/schemas/Id'}, was: {type: string, nullable: true}}}\n    \
                    JobEnvelope: {type: object}\n";
        let definitions = definitions(&Contract::parse(text).unwrap()).unwrap();
        let expected = json!({
            "Id": {"type": "string"},
            "Job": {
                "type": "object",
                "properties": {"id": {"$ref": "#/$defs/Id"}, "was": {"type": ["string", "null"]}},
            },
        });
        assert_eq!(Value::Object(definitions), expected);
    }

    #[test]
    fn the_contracts_definitions_are_replaced_and_the_commands_own_are_kept() {
        let document = json!({
            "anyOf": [{"$ref": "#/$defs/status"}],
            "$defs": {
                "status": {"$ref": "#/$defs/Job"},
                "Job": {"properties": {"was": {"$ref": "#/$defs/Gone"}}},
                "Gone": {},
            },
        });
        let contract =
            json!({"Job": {"properties": {"is": {"$ref": "#/$defs/State"}}}, "State": {}, "Elsewhere": {}});
        let Value::Object(contract) = contract else { panic!("an object") };
        let published = published_with(document, &contract).unwrap();
        let wanted = json!({
            "$defs": {
                "Job": {"properties": {"is": {"$ref": "#/$defs/State"}}},
                "State": {},
                "status": {"$ref": "#/$defs/Job"},
            },
            "anyOf": [{"$ref": "#/$defs/status"}],
        });
        assert_eq!(published, wanted);
        let error = published_with(json!({"$ref": "#/$defs/Lost", "$defs": {}}), &contract).unwrap_err();
        assert_eq!(error, "there is no definition of Lost");
    }
}
