//! Examples: everything has one, each matches its schema, and examples of requests and responses belong together.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, Finding, Rule};
use openapi_tools::value::{entries, escape, follow};
use openapi_tools::walk::{Kind, Node};

pub(super) const RULES: &[Rule] = &[
    unusable_schemas,
    schemas_without_example,
    response_schemas_with_example,
    holders_without_example,
    schema_examples_that_do_not_match,
    holder_examples_that_do_not_match,
];
pub(super) const OF_THE_SERVICE: &[Rule] = &[requests_without_their_response];

fn unusable_schemas(context: &Context<'_>) -> Vec<Finding> {
    let Err(error) = context.validators else {
        return Vec::new();
    };
    let text = error.to_string();
    let (problem, remedy) = text.rsplit_once("; ").unwrap_or((&text, "correct it in the document"));
    vec![Finding::new("/components/schemas", problem, remedy)]
}

/// The pointers of the schemas of whole response bodies.
fn response_schemas(context: &Context<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for response in context.each(Kind::Response) {
        for (name, media) in entries(response.value.get("content")) {
            let Some(schema) = media.get("schema") else { continue };
            let target =
                schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
            let inline = || format!("{}/content/{}/schema", response.pointer, escape(name));
            found.insert(target.map_or_else(inline, str::to_owned));
        }
    }
    found
}

fn schemas_without_example(context: &Context<'_>) -> Vec<Finding> {
    let whole = response_schemas(context);
    context
        .schemas()
        .filter(|schema| {
            matches!(schema.keyword, "schemas" | "properties") && !whole.contains(&schema.pointer)
        })
        // A property that consists of a component has the example of the component.
        .filter(|schema| !["example", "$ref", "allOf"].iter().any(|keyword| schema.has(keyword)))
        .map(|schema| Finding::new(&schema.pointer, "there is no example", "add `example`"))
        .collect()
}

/// Mock servers prefer the example of a schema to the examples of the response, so that all operations would return the same.
fn response_schemas_with_example(context: &Context<'_>) -> Vec<Finding> {
    let whole = response_schemas(context);
    context
        .schemas()
        .filter(|schema| schema.has("example") && whole.contains(&schema.pointer))
        .map(|schema| {
            let problem =
                "the example of a whole response hides the examples of the operations from mock servers";
            Finding::new(schema.key("example"), problem, "remove it")
        })
        .collect()
}

/// Objects with a schema and examples: parameters, headers and bodies.
fn holders<'c, 'a>(context: &'c Context<'a>) -> impl Iterator<Item = &'c Node<'a>> {
    [Kind::Parameter, Kind::Header, Kind::MediaType].into_iter().flat_map(|kind| context.each(kind))
}

fn holders_without_example(context: &Context<'_>) -> Vec<Finding> {
    holders(context)
        .filter(|holder| !holder.has("example") && entries(holder.value.get("examples")).next().is_none())
        .map(|holder| Finding::new(&holder.pointer, "there is no example", "add `example` or `examples`"))
        .collect()
}

fn schema_examples_that_do_not_match(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for schema in context.each(Kind::Schema) {
        for keyword in ["example", "default"] {
            if let Some(value) = schema.value.get(keyword) {
                findings.extend(mismatches(context, &schema.key(keyword), schema.value, value));
            }
        }
    }
    findings
}

fn holder_examples_that_do_not_match(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for holder in holders(context) {
        let Some(schema) = holder.value.get("schema") else {
            continue;
        };
        if let Some(value) = holder.value.get("example") {
            findings.extend(mismatches(context, &holder.key("example"), schema, value));
        }
        for (name, example) in entries(holder.value.get("examples")) {
            let place = format!("{}/{}", holder.key("examples"), escape(name));
            // A missing target of a reference is for other linters to report.
            let Some(example) = follow(&context.document.value, example) else {
                continue;
            };
            match example.get("value") {
                Some(value) => findings.extend(mismatches(context, &place, schema, value)),
                None => findings.push(Finding::new(place, "the example has no value", "add `value`")),
            }
        }
    }
    findings
}

fn mismatches(context: &Context<'_>, place: &str, schema: &Value, value: &Value) -> Vec<Finding> {
    let Ok(validators) = context.validators else {
        return Vec::new();
    };
    let problems = validators.validate_against(schema, value).err().unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| {
            let problem = format!("the example does not match its schema: {problem}");
            Finding::new(place, problem, "correct one of them")
        })
        .collect()
}

fn requests_without_their_response(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for operation in context.document.operations() {
        let responses = example_names(context, operation.value.pointer("/responses/200"));
        let requests = example_names(context, operation.value.get("requestBody"));
        for name in requests.iter().filter(|name| !responses.contains(name)) {
            let place = format!("{}/responses/200", operation.pointer());
            let problem =
                format!("the request has an example `{name}` and the response has none of this name");
            findings.push(Finding::new(place, problem, "add the response to that request"));
        }
    }
    findings
}

fn example_names<'a>(context: &Context<'a>, holder: Option<&'a Value>) -> Vec<&'a str> {
    let holder = holder.and_then(|holder| context.document.follow(holder));
    let media = entries(holder.and_then(|holder| holder.get("content")));
    media.flat_map(|(_, media)| entries(media.get("examples"))).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn a_property_and_a_header_without_an_example_are_reported() {
        let finding = only("          example: 5\n", "");
        assert!(finding.contains("Clip > seconds: there is no example; add `example`"), "{finding}");
        let finding = only("      example: '2'\n", "");
        assert!(finding.contains("header RetryAfter: there is no example"), "{finding}");
    }

    #[test]
    fn an_example_of_a_whole_response_is_reported_in_components_and_inline() {
        let envelope = "      description: A clip.\n      required: [ok, data]\n";
        let finding = only(envelope, &format!("{envelope}      example: {{ok: true, data: {{id: cl_1}}}}\n"));
        assert!(finding.contains("ClipEnvelope > example: the example of a whole response"), "{finding}");
        let reference = "              schema: {$ref: '#/components/schemas/ClipEnvelope'}\n";
        let inline = "              schema: {type: string, description: A clip., example: no clip}\n";
        let findings = broken(reference, inline);
        let wanted = "application/json > example: the example of a whole response";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn a_body_without_an_example_is_reported() {
        let finding = only("          examples: {slow: {$ref: '#/components/examples/Failed'}}\n", "");
        assert!(finding.contains("response Slow > application/json: there is no example"), "{finding}");
    }

    #[test]
    fn an_example_of_a_schema_that_does_not_match_is_reported() {
        let finding = only("          example: 5\n", "          example: five\n");
        let wanted = "seconds > example: the example does not match its schema: \"five\" is not of type";
        assert!(finding.contains(wanted), "{finding}");
    }

    #[test]
    fn an_example_of_a_parameter_that_does_not_match_is_reported() {
        let finding = only(
            "      example: cl_1\n      x-provenance: [page]\n",
            "      example: ''\n      x-provenance: [page]\n",
        );
        assert!(
            finding.contains("parameter ClipIdPath > example: the example does not match its schema"),
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
    fn a_shared_example_is_checked_in_every_place() {
        let findings = broken("value: {ok: false, error:", "value: {ok: nein, error:");
        assert!(findings.len() > 3, "{findings:?}");
        assert!(
            findings.iter().all(|finding| finding.contains("does not match its schema: at /ok")),
            "{findings:?}"
        );
    }

    #[test]
    fn a_request_example_has_a_response_of_the_same_name() {
        let findings = broken(
            "                minimal:\n                  summary: A clip",
            "                short:\n                  summary: A clip",
        );
        let wanted = "the request has an example `minimal` and the response has none of this name";
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains(wanted), "{findings:?}");
    }
}
