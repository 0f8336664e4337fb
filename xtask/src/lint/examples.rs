//! Examples: everything has one, each matches its schema, and requests and answers tell one story.

use serde_json::Value;

use super::walk::{self, Part, Role};
use super::{Document, Finding, Rule};
use crate::contract::{Operation, entries, escape, follow};

pub(super) const RULES: &[Rule] = &[
    unusable_schemas,
    schemas_without_example,
    response_schemas_with_example,
    holders_without_example,
    schema_examples_that_do_not_match,
    holder_examples_that_do_not_match,
    requests_without_their_answer,
];

fn unusable_schemas(document: &Document<'_>) -> Vec<Finding> {
    let Err(error) = document.validators else {
        return Vec::new();
    };
    let text = error.to_string();
    let (problem, remedy) = text.rsplit_once("; ").unwrap_or((&text, "mend it in the document"));
    vec![Finding::new("/components/schemas", problem, remedy)]
}

fn schemas_without_example(document: &Document<'_>) -> Vec<Finding> {
    let whole = walk::response_schemas(document.contract);
    walk::schemas(document.contract)
        .into_iter()
        .filter(|schema| schema.role != Role::Inner && !whole.contains(&schema.pointer))
        // A property that is made of a component shows the component's example.
        .filter(|schema| !["example", "$ref", "allOf"].iter().any(|keyword| schema.has(keyword)))
        .map(|schema| Finding::new(schema.pointer, "there is no example", "add `example`"))
        .collect()
}

/// A mock server prefers the example of a schema to those of the response, so that every operation would give the same.
fn response_schemas_with_example(document: &Document<'_>) -> Vec<Finding> {
    let whole = walk::response_schemas(document.contract);
    walk::schemas(document.contract)
        .into_iter()
        .filter(|schema| schema.has("example") && whole.contains(&schema.pointer))
        .map(|schema| {
            let problem =
                "the example of a whole response hides the examples of the operations from mock servers";
            Finding::new(format!("{}/example", schema.pointer), problem, "remove it")
        })
        .collect()
}

/// Whatever has a schema and examples: parameters, headers and bodies.
fn holders<'a>(document: &Document<'a>) -> Vec<Part<'a>> {
    let contract = document.contract;
    let parts = walk::parameters(contract).into_iter().chain(walk::headers(contract));
    parts.chain(walk::media_types(contract)).collect()
}

fn holders_without_example(document: &Document<'_>) -> Vec<Finding> {
    holders(document)
        .into_iter()
        .filter(|(_, holder)| {
            holder.get("example").is_none() && entries(holder.get("examples")).next().is_none()
        })
        .map(|(pointer, _)| Finding::new(pointer, "there is no example", "add `example` or `examples`"))
        .collect()
}

fn schema_examples_that_do_not_match(document: &Document<'_>) -> Vec<Finding> {
    walk::schemas(document.contract)
        .into_iter()
        .filter(|schema| !schema.has("$ref"))
        .flat_map(|schema| {
            let values = ["example", "default"].into_iter();
            values
                .filter_map(|key| Some((format!("{}/{key}", schema.pointer), schema.value.get(key)?)))
                .flat_map(|(place, value)| mismatches(document, &place, schema.value, value))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn holder_examples_that_do_not_match(document: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, holder) in holders(document) {
        let Some(schema) = holder.get("schema") else {
            continue;
        };
        if let Some(value) = holder.get("example") {
            findings.extend(mismatches(document, &format!("{pointer}/example"), schema, value));
        }
        for (name, example) in entries(holder.get("examples")) {
            let place = format!("{pointer}/examples/{}", escape(name));
            // A reference to nothing has a rule of its own.
            let Some(example) = follow(&document.contract.value, example) else {
                continue;
            };
            match example.get("value") {
                Some(value) => findings.extend(mismatches(document, &place, schema, value)),
                None => findings.push(Finding::new(place, "the example has no value", "add `value`")),
            }
        }
    }
    findings
}

fn mismatches(document: &Document<'_>, place: &str, schema: &Value, value: &Value) -> Vec<Finding> {
    let Ok(validators) = document.validators else {
        return Vec::new();
    };
    let problems = validators.validate_against(schema, value).err().unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| {
            Finding::new(
                place,
                format!("the example does not match its schema: {problem}"),
                "correct one of them",
            )
        })
        .collect()
}

fn requests_without_their_answer(document: &Document<'_>) -> Vec<Finding> {
    document
        .contract
        .operations()
        .flat_map(|operation| {
            let answers = example_names(document, operation.value.pointer("/responses/200"));
            let asked = example_names(document, operation.value.get("requestBody"));
            asked
                .into_iter()
                .filter(move |name| !answers.contains(name))
                .map(move |name| unanswered(&operation, name))
        })
        .collect()
}

fn unanswered(operation: &Operation<'_>, name: &str) -> Finding {
    let place = format!("{}/responses/200", operation.pointer());
    let problem = format!("the request has an example `{name}` and the answer has none of this name");
    Finding::new(place, problem, "add the answer to that request")
}

fn example_names<'a>(document: &Document<'a>, holder: Option<&'a Value>) -> Vec<&'a str> {
    let holder = holder.and_then(|holder| document.contract.follow(holder));
    let media = entries(holder.and_then(|holder| holder.get("content")));
    media.flat_map(|(_, media)| entries(media.get("examples"))).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn a_property_and_a_header_without_an_example_are_reported() {
        let finding = only("          example: 5\n", "");
        assert!(
            finding.contains("schemas > Clip > properties > seconds: there is no example; add `example`"),
            "{finding}"
        );
        let finding = only("      example: '2'\n", "");
        assert!(finding.contains("headers > RetryAfter: there is no example"), "{finding}");
    }

    #[test]
    fn an_example_of_a_whole_response_is_reported_wherever_its_schema_is_written() {
        let envelope = "      description: A clip.\n      required: [ok, data]\n";
        let finding = only(envelope, &format!("{envelope}      example: {{ok: true, data: {{id: cl_1}}}}\n"));
        assert!(
            finding.contains("schemas > ClipEnvelope > example: the example of a whole response"),
            "{finding}"
        );
        let reference = "              schema: {$ref: '#/components/schemas/ClipEnvelope'}\n";
        let inline = "              schema: {type: string, description: A clip., example: no clip}\n";
        let findings = broken(reference, inline);
        let wanted = "application/json > schema > example: the example of a whole response";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn a_body_without_an_example_is_reported() {
        let finding = only("          examples: {slow: {$ref: '#/components/examples/Failed'}}\n", "");
        assert!(
            finding.contains("responses > Slow > content > application/json: there is no example"),
            "{finding}"
        );
    }

    #[test]
    fn an_example_of_a_schema_that_does_not_match_is_reported() {
        let finding = only("          example: 5\n", "          example: five\n");
        let wanted =
            "properties > seconds > example: the example does not match its schema: \"five\" is not of type";
        assert!(finding.contains(wanted), "{finding}");
    }

    #[test]
    fn an_example_of_a_parameter_that_does_not_match_is_reported() {
        let finding = only(
            "      example: cl_1\n      x-provenance: [page]\n",
            "      example: ''\n      x-provenance: [page]\n",
        );
        assert!(
            finding.contains("parameters > ClipIdPath > example: the example does not match its schema"),
            "{finding}"
        );
    }

    #[test]
    fn an_example_of_a_body_that_does_not_match_is_reported_with_the_place_inside() {
        let finding = only("value: {prompt: a city, seconds: 5}", "value: {prompt: a city, seconds: 500}");
        assert!(
            finding.contains("examples > minimal: the example does not match its schema: at /seconds: 500"),
            "{finding}"
        );
    }

    #[test]
    fn a_shared_example_is_checked_wherever_it_is_used() {
        let findings = broken("value: {ok: false, error:", "value: {ok: nein, error:");
        assert!(findings.len() > 3, "{findings:?}");
        assert!(
            findings.iter().all(|finding| finding.contains("does not match its schema: at /ok")),
            "{findings:?}"
        );
    }

    #[test]
    fn a_request_example_has_an_answer_of_the_same_name() {
        let findings = broken(
            "                minimal:\n                  summary: A clip",
            "                short:\n                  summary: A clip",
        );
        let wanted = "the request has an example `minimal` and the answer has none of this name";
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains(wanted), "{findings:?}");
    }
}
