//! Errors: the statuses of each operation, their headers and bodies.

use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::document::{Document, Operation};
use openapi_tools::value::entries;

pub(super) const RULES: &[Rule] = &[statuses_one_by_one];
pub(super) const OF_THE_SERVICE: &[Rule] = &[needed_statuses, one_error_shape, headers_of_errors];

/// Statuses that every operation can return.
const EVERYWHERE: [&str; 4] = ["401", "429", "500", "503"];

/// A status, a header that belongs to it, and whether the header is required.
const HEADERS: [(&str, &str, bool); 3] =
    [("401", "WWW-Authenticate", true), ("429", "Retry-After", true), ("503", "Retry-After", false)];

fn needed_statuses(context: &Context<'_>) -> Vec<Finding> {
    let document = context.document;
    document
        .operations()
        .flat_map(|operation| {
            needed(document, &operation)
                .into_iter()
                .filter(move |(status, _)| operation.responses().all(|(known, _)| known != *status))
                .map(move |(status, why)| {
                    let place = format!("{}/responses", operation.pointer());
                    Finding::new(
                        place,
                        format!("there is no {status}, {why}"),
                        "refer to the shared response",
                    )
                })
        })
        .collect()
}

fn needed<'a>(document: &'a Document, operation: &Operation<'a>) -> Vec<(&'static str, &'static str)> {
    let mut needed: Vec<_> =
        EVERYWHERE.iter().map(|status| (*status, "which every operation can return")).collect();
    let has_parameters = operation.parameters().next().is_some();
    if has_parameters || operation.value.get("requestBody").is_some() {
        needed.push(("400", "which an operation with input can return"));
    }
    if operation.path.contains('{') {
        needed.push(("404", "which an operation with an id can return"));
    }
    if body_has_fields(document, operation) {
        needed.push(("422", "which an operation whose body has fields can return"));
    }
    if operation.path.ends_with("/generate") {
        needed.push(("402", "which an operation that spends money can return"));
    }
    needed
}

fn body_has_fields(document: &Document, operation: &Operation<'_>) -> bool {
    let body = operation.value.get("requestBody").and_then(|body| document.follow(body));
    entries(body.and_then(|body| body.get("content"))).any(|(_, media)| {
        let schema = media.get("schema").and_then(|schema| document.follow(schema));
        entries(schema.and_then(|schema| schema.get("properties"))).next().is_some()
    })
}

fn statuses_one_by_one(context: &Context<'_>) -> Vec<Finding> {
    let operations = context.document.operations();
    operations
        .flat_map(|operation| operation.responses().map(move |(status, _)| (operation, status)))
        .filter(|(_, status)| status.len() != 3 || !status.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|(operation, status)| {
            let place = format!("{}/responses/{status}", operation.pointer());
            Finding::new(place, format!("`{status}` covers several statuses"), "list each one")
        })
        .collect()
}

/// The error responses of an operation: pointer, status and response.
fn errors<'a>(operation: &Operation<'a>) -> impl Iterator<Item = (String, &'a str, &'a Value)> + use<'a> {
    let place = format!("{}/responses", operation.pointer());
    operation
        .responses()
        .filter(|(status, _)| !status.starts_with('2'))
        .map(move |(status, response)| (format!("{place}/{status}"), status, response))
}

fn one_error_shape(context: &Context<'_>) -> Vec<Finding> {
    const SHAPE: &str = "#/components/schemas/ErrorEnvelope";
    let document = context.document;
    document
        .operations()
        .flat_map(|operation| errors(&operation))
        .filter(|(_, _, response)| {
            let Some(response) = document.follow(response) else {
                return false;
            };
            let schema = response.pointer("/content/application~1json/schema/$ref");
            schema.and_then(Value::as_str) != Some(SHAPE)
        })
        .map(|(pointer, status, _)| {
            let problem = format!("the body of {status} is not ErrorEnvelope as application/json");
            Finding::new(pointer, problem, format!("make `$ref: '{SHAPE}'` its schema"))
        })
        .collect()
}

fn headers_of_errors(context: &Context<'_>) -> Vec<Finding> {
    let document = context.document;
    let mut findings = Vec::new();
    for (pointer, status, response) in document.operations().flat_map(|operation| errors(&operation)) {
        let Some(response) = document.follow(response) else {
            continue;
        };
        for (_, name, always) in HEADERS.iter().filter(|(with, ..)| *with == status) {
            let header = response.get("headers").and_then(|headers| headers.get(name));
            let header = header.and_then(|header| document.follow(header));
            let required = header.and_then(|header| header.get("required")) == Some(&Value::Bool(true));
            if header.is_none() {
                let problem = format!("{status} does not have the header {name}");
                findings.push(Finding::new(&pointer, problem, "add it to the response's `headers`"));
            } else if *always && !required {
                let problem = format!("{name} is not required in {status}");
                findings.push(Finding::new(
                    &pointer,
                    problem,
                    "mark it `required: true`, so that validators check it",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn each_operation_has_the_statuses_that_it_needs() {
        let generate = "  /v1/clips/generate:\n    post:\n";
        for (status, name) in [("401", "Unauthorized"), ("402", "Poor"), ("422", "Refused"), ("503", "Down")]
        {
            let line = format!("        '{status}': {{$ref: '#/components/responses/{name}'}}\n");
            let findings = broken(&line, "");
            let wanted = format!("there is no {status}, which");
            assert!(findings.iter().any(|finding| finding.contains(&wanted)), "{generate}: {findings:?}");
        }
        let findings = broken("        '404': {$ref: '#/components/responses/Missing'}\n", "");
        assert!(
            findings.iter().any(|finding| finding.contains("there is no 404, which an operation with an id"))
        );
    }

    #[test]
    fn a_default_and_a_range_are_reported() {
        for wrong in ["default", "4XX"] {
            let findings = broken("        '402': ", &format!("        {wrong}: "));
            let wanted = format!("`{wrong}` covers several statuses; list each one");
            assert!(findings.iter().any(|finding| finding.contains(&wanted)), "{findings:?}");
        }
    }

    #[test]
    fn an_error_of_another_shape_is_reported() {
        let findings = broken(
            "      description: No credit.\n      content:\n        application/json:\n          schema: {$ref: '#/components/schemas/ErrorEnvelope'}",
            "      description: No credit.\n      content:\n        application/json:\n          schema: {$ref: '#/components/schemas/NoData'}",
        );
        assert!(
            findings.iter().any(|finding| finding.contains("the body of 402 is not ErrorEnvelope")),
            "{findings:?}"
        );
    }

    #[test]
    fn a_missing_header_of_an_error_is_reported() {
        let findings = broken("        WWW-Authenticate: ", "        WWW-Authentikate: ");
        assert!(
            findings.iter().all(|finding| finding.contains("401 does not have the header WWW-Authenticate"))
        );
        assert_eq!(findings.len(), 3, "one for each operation: {findings:?}");
    }

    #[test]
    fn an_optional_header_that_must_be_required_is_reported() {
        let findings = broken(
            "      description: How long to wait.\n      required: true\n",
            "      description: How long to wait.\n",
        );
        assert!(findings[0].contains("Retry-After is not required in 429"), "{findings:?}");
    }

    #[test]
    fn a_status_of_one_operation_alone_is_reported_once() {
        let finding = only(
            "        '402': {$ref: '#/components/responses/Poor'}\n",
            "        '403': {$ref: '#/components/responses/Poor'}\n",
        );
        assert!(finding.contains("POST /v1/clips/generate: there is no 402"), "{finding}");
    }
}
