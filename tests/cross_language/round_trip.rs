//! The golden responses that every reader decodes and encodes again, and the comparison with what it wrote.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use openapi_checks::json_schema::Validators;
use openapi_tools::Document;
use openapi_tools::fixtures::Fixtures;
use serde_json::{Value, json};

/// Errors of a job beside the shapes in the examples.
const JOB_ERRORS: [(&str, &str); 7] = [
    ("null", "null"),
    ("a number", "7"),
    ("a truth value", "true"),
    ("a list", r#"["a", 1]"#),
    ("an empty object", "{}"),
    ("a code alone", r#"{"code": "CONTENT_REJECTED"}"#),
    ("an object of another shape", r#"{"reason": {"text": "no", "more": [1, true]}}"#),
];

/// The golden responses of all operations, and a failed job with errors of other shapes.
pub(crate) fn cases(document: &Document, fixtures: &[Fixtures]) -> anyhow::Result<Vec<Value>> {
    let validators = Validators::new(&document.value)?;
    let mut cases = Vec::new();
    for operation in document.operations() {
        let id = operation.id().unwrap_or_default();
        let golden = fixtures.iter().filter(|fixtures| fixtures.operation == id);
        for case in golden.flat_map(|fixtures| &fixtures.cases) {
            let (name, response) = (case["name"].as_str().unwrap_or_default(), &case["response"]);
            let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let schema = validators.response(operation.method, operation.path, status.unwrap_or_default());
            let schema = schema.with_context(|| format!("{id} {name} has no named schema; give it one"))?;
            cases.push(json!({
                "name": format!("{id} {name}"), "operation": id, "status": status, "schema": schema, "body": response["body"],
            }));
        }
    }
    let failed = cases.iter().find(|case| case["name"] == "video_status failed");
    let failed = failed.context("video_status has no example `failed`; add it")?.clone();
    for (name, error) in JOB_ERRORS {
        let mut case = failed.clone();
        case["name"] = format!("video_status failed with {name}").into();
        case["body"]["data"]["error"] = serde_json::from_str(error).context(name)?;
        cases.push(case);
    }
    Ok(cases)
}

/// Compares what a program read with the cases, and returns the number of its clients.
pub(crate) fn compare(cases: &[Value], read: &[u8]) -> anyhow::Result<usize> {
    let clients: BTreeMap<String, Vec<Value>> =
        serde_json::from_slice(read).context("the program did not write a list for each client")?;
    for (client, values) in &clients {
        ensure!(values.len() == cases.len(), "{client} read {} of {} cases", values.len(), cases.len());
        for (case, value) in cases.iter().zip(values) {
            let name = case["name"].as_str().unwrap_or_default();
            ensure!(meaning(value) == meaning(&case["body"]), "{client} read {name} as {value}");
        }
    }
    ensure!(!clients.is_empty(), "the program has no client");
    Ok(clients.len())
}

/// A value without its notation: null and absent, 5 and 5.0, and the forms of a time in UTC are equal.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let said = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(said.map(|(name, member)| (name.clone(), meaning(member))).collect())
        }
        Value::Array(items) => items.iter().map(meaning).collect(),
        Value::Number(number) => number.as_f64().into(),
        Value::String(text) => match text.strip_suffix("+00:00").or_else(|| text.strip_suffix('Z')) {
            Some(time) => format!("{}Z", time.trim_end_matches(".000")).into(),
            None => text.as_str().into(),
        },
        other => other.clone(),
    }
}

#[test]
fn the_cases_are_all_golden_responses_and_a_jobs_error_of_any_shape() {
    let document = crate::document();
    let golden = openapi_tools::fixtures::fixtures(&document).unwrap();
    let cases = cases(&document, &golden).unwrap();
    assert_eq!(cases.len(), golden.iter().map(|file| file.cases.len()).sum::<usize>() + JOB_ERRORS.len());
    let validators = Validators::new(&document.value).unwrap();
    for case in &cases {
        let schema = case["schema"].as_str().unwrap();
        assert_eq!(validators.validate(schema, &case["body"]), Ok(()), "{}", case["name"]);
    }
    let errors = cases.iter().filter_map(|case| case["body"].pointer("/data/error"));
    assert!(
        errors.clone().any(Value::is_string) && errors.clone().any(Value::is_object),
        "both known shapes"
    );
}

#[test]
fn every_client_must_read_every_case_as_it_is() {
    let body =
        json!({"ok": true, "data": {"n": 5, "at": "2026-11-20T17:55:00Z", "error": "no"}, "error": null});
    let cases = [json!({"name": "one", "body": body})];
    let compare = |read: Value| compare(&cases, read.to_string().as_bytes());
    let same = json!({"ok": true, "data": {"n": 5.0, "at": "2026-11-20T17:55:00.000+00:00", "error": "no"}});
    assert_eq!(compare(json!({"a": [same], "b": [body]})).unwrap(), 2);
    let without = json!({"ok": true, "data": {"n": 5, "at": "2026-11-20T17:55:00Z"}});
    for wrong in [json!({}), json!({"a": []}), json!({"a": [same], "b": [without]}), json!([same])] {
        assert!(compare(wrong.clone()).is_err(), "{wrong}");
    }
}
