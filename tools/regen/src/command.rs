//! JSON Schema of the output of `infrai-video --json`: the contract's definitions, and the published document.
//!
//! The published document keeps the definitions of the command's own structures, which a test of the command compares and writes.
//! Here only the contract's definitions are replaced.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use openapi_tools::value::pretty;
use openapi_tools::walk::{Kind, nodes, visit_mut};
use openapi_tools::{DOCUMENT, Document, convert};
use serde_json::{Map, Value};

use crate::GeneratedFile;

/// The contract's schemas in the command's crate, from the root.
const CONTRACT: &str = "crates/infrai-video-cli/src/schema/contract.json";

/// The published document, from the root.
const PUBLISHED: &str = "docs/infrai-video.schema.json";

const DEFINITIONS: &str = "#/$defs/";

/// Both files of the workspace at `root`.
pub(crate) fn files(root: &Path, document: &Document) -> Result<[GeneratedFile; 2]> {
    let definitions = definitions(document).context(DOCUMENT)?;
    let published = published(root, &definitions).with_context(|| {
        format!("{PUBLISHED}: run `INSTA_UPDATE=always cargo test -p infrai-video-cli --test suite published`, which writes it")
    })?;
    Ok([
        GeneratedFile { path: CONTRACT.into(), content: pretty(&Value::Object(definitions)) },
        GeneratedFile { path: PUBLISHED.into(), content: pretty(&published) },
    ])
}

/// The contract's schemas in JSON Schema by name, without the envelopes, which the command removes. References point to `$defs`, and
/// there is no provenance.
fn definitions(document: &Document) -> Result<Map<String, Value>> {
    let mut schemas = convert::schemas(&document.value)?;
    schemas.retain(|name, _| !name.ends_with("Envelope"));
    for schema in schemas.values_mut() {
        visit_mut(Kind::Schema, schema, &mut |_, object| {
            object.remove("x-provenance");
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                *target = target.replacen("#/components/schemas/", DEFINITIONS, 1);
            }
        });
    }
    Ok(schemas)
}

fn published(root: &Path, contract: &Map<String, Value>) -> Result<Value> {
    let text = fs::read_to_string(root.join(PUBLISHED))?;
    published_with(serde_json::from_str(&text)?, contract)
}

/// The published document with these definitions of the contract and the command's own definitions. Unused definitions are removed.
/// Members are in alphabetical order.
fn published_with(mut document: Value, contract: &Map<String, Value>) -> Result<Value> {
    let Some(Value::Object(mut all)) = document.get_mut("$defs").map(Value::take) else {
        bail!("there are no $defs");
    };
    all.extend(contract.clone());
    let mut used = Map::new();
    let mut pending = references(&document);
    while let Some(name) = pending.pop() {
        if used.contains_key(&name) {
            continue;
        }
        let definition = all.remove(&name).with_context(|| format!("there is no definition of {name}"))?;
        pending.extend(references(&definition));
        used.insert(name, definition);
    }
    document["$defs"] = Value::Object(used);
    document.sort_all_objects();
    Ok(document)
}

/// The names of the definitions that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    let nodes = nodes(Kind::Schema, "", schema);
    nodes.iter().filter_map(|node| Some(node.reference()?.strip_prefix(DEFINITIONS)?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_point_to_definitions_and_envelopes_are_left_out() {
        let text = "openapi: 3.0.3\ninfo: {version: 1.0.0, title: T}\npaths: {}\ncomponents:\n  schemas:\n    \
                    Id: {type: string, x-provenance: [page]}\n    \
                    Job: {type: object, properties: {id: {$ref: '#/components/schemas/Id'}, was: {type: string, nullable: true}}}\n    \
                    JobEnvelope: {type: object}\n";
        let definitions = definitions(&Document::parse(text).unwrap()).unwrap();
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
    fn the_contracts_definitions_are_replaced_and_the_commands_are_kept() {
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
        assert_eq!(error.to_string(), "there is no definition of Lost");
    }
}
