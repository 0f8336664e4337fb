//! What the command `infrai-video` prints with `--json`: the contract's part of it, and the whole as it is published.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{GeneratedFile, RegenError};
use crate::contract::Contract;
use crate::publish::{edition31, pretty};

/// The contract's schemas as the command holds them, below the root.
const CONTRACT: &str = "crates/infrai-video-cli/src/schema/contract.json";

/// What is published, below the root.
const PUBLISHED: &str = "docs/infrai-video.schema.json";

/// The contract's schemas in JSON Schema, by name: all but the envelopes, which the command takes off.
pub(super) fn contract(contract: &Contract) -> Result<GeneratedFile, RegenError> {
    let mut schemas = edition31::schemas(&contract.value).map_err(RegenError::Lowering)?;
    if let Some(schemas) = schemas.as_object_mut() {
        schemas.retain(|name, _| !name.ends_with("Envelope"));
    }
    adopt(&mut schemas);
    Ok(GeneratedFile { path: CONTRACT.into(), content: pretty(&schemas) })
}

/// Lets references lead to `$defs`, and leaves out where each statement of the contract comes from.
fn adopt(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| name != "x-provenance");
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                *target = target.replacen("#/components/schemas/", "#/$defs/", 1);
            }
            members.values_mut().for_each(adopt);
        }
        Value::Array(items) => items.iter_mut().for_each(adopt),
        _ => {}
    }
}

/// What the command says of itself, once it is built with the files that were generated before.
pub(super) fn schema(root: &Path) -> Result<GeneratedFile, RegenError> {
    let failed = |why: String| {
        RegenError::Command(format!("{PUBLISHED}: {why}; mend the command, and run this again"))
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["run", "--quiet", "-p", "infrai-video-cli", "--", "schema"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("cargo cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("`infrai-video schema` ended with {}", output.status)));
    }
    let content = String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))?;
    Ok(GeneratedFile { path: PUBLISHED.into(), content })
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
        let file = contract(&Contract::parse(text).unwrap()).unwrap();
        let expected = json!({
            "Id": {"type": "string"},
            "Job": {
                "type": "object",
                "properties": {"id": {"$ref": "#/$defs/Id"}, "was": {"type": ["string", "null"]}},
            },
        });
        assert_eq!(serde_json::from_str::<Value>(&file.content).unwrap(), expected);
    }
}
