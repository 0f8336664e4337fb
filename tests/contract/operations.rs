//! The operation table: what a client of the document can call.

use std::fmt::Write as _;

use contract_tests::contract;
use openapi_tools::Document;
use serde_json::Value;

#[test]
fn the_operation_table_is_what_was_reviewed() {
    insta::assert_snapshot!(table(&contract()));
}

fn table(contract: &Document) -> String {
    let mut table = String::new();
    for operation in contract.operations() {
        let id = operation.id().unwrap();
        writeln!(table, "{id}: {} {}", operation.method.to_uppercase(), operation.path).unwrap();
        for (_, parameter) in operation.parameters() {
            let parameter = contract.follow(parameter).unwrap();
            let need = if parameter["required"] == true { "required" } else { "optional" };
            writeln!(
                table,
                "  {} {}, {need}: {}",
                parameter["in"].as_str().unwrap(),
                parameter["name"].as_str().unwrap(),
                reference(&parameter["schema"])
            )
            .unwrap();
        }
        if let Some(body) = operation.value.get("requestBody") {
            let need = if body["required"] == true { "required" } else { "optional" };
            writeln!(table, "  body, {need}: {}", reference(&body["content"]["application/json"]["schema"]))
                .unwrap();
        }
        let mut errors: Vec<(String, Vec<&str>)> = Vec::new();
        for (status, response) in operation.responses() {
            let schema =
                reference(&contract.follow(response).unwrap()["content"]["application/json"]["schema"]);
            match errors.iter_mut().find(|(known, _)| *known == schema) {
                Some((_, statuses)) => statuses.push(status),
                None => errors.push((schema, vec![status])),
            }
        }
        for (schema, statuses) in errors {
            writeln!(table, "  {}: {schema}", statuses.join(" ")).unwrap();
        }
        let idempotency =
            match (operation.method, operation.parameters().any(|(_, parameter)| is_key(parameter))) {
                ("get", _) => "safe to repeat",
                (_, true) => "safe to repeat under one key",
                (_, false) => "not safe to repeat",
            };
        writeln!(table, "  {idempotency}\n").unwrap();
    }
    table
}

fn is_key(parameter: &Value) -> bool {
    parameter["$ref"] == "#/components/parameters/IdempotencyKeyHeader"
}

/// The name of a schema, or its type where it has none.
fn reference(schema: &Value) -> String {
    match schema["$ref"].as_str() {
        Some(reference) => reference.rsplit('/').next().unwrap().to_owned(),
        None => schema["type"].as_str().unwrap_or("anything").to_owned(),
    }
}
